#include "testing/scenario_words.h"

#include <utility>

#include "base/suggest.h"

namespace podium::testing::scenario {
namespace {

bool Blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::size_t EndOfWord(std::string_view line, std::size_t from) {
  std::size_t end = from;
  while (end < line.size() && !Blank(line[end]) && line[end] != '"') ++end;
  return end;
}

std::string Shown(const Word* word) {
  if (word == nullptr) return "the end of the line";
  return fmt::format("{}{}{}", '"', word->text, '"');
}

}  // namespace

Result<Words> Words::Split(LineAt at, std::string_view line) {
  Words words;
  words.file_ = at.file;
  words.line_ = at.line;
  if (line.size() > kMaxLineBytes) {
    return words.At(1, fmt::format("a line holds at most {} bytes, this one has {}", kMaxLineBytes,
                                   line.size()));
  }
  std::size_t i = 0;
  while (i < line.size() && line[i] != '#') {
    const int column = static_cast<int>(i) + 1;
    words.end_column_ = column;
    if (Blank(line[i])) {
      ++i;
    } else if (line[i] == '"') {
      const std::size_t end = line.find('"', i + 1);
      if (end == std::string_view::npos) return words.At(column, "this text has no closing quote");
      words.words_.push_back({std::string(line.substr(i + 1, end - i - 1)), column, true});
      i = end + 1;
    } else {
      const std::size_t end = EndOfWord(line, i);
      words.words_.push_back({std::string(line.substr(i, end - i)), column, false});
      i = end;
    }
    words.end_column_ = static_cast<int>(i) + 1;
  }
  return words;
}

bool Words::Take(std::string_view keyword) {
  const Word* word = Peek();
  if (word == nullptr || word->quoted || word->text != keyword) return false;
  ++next_;
  return true;
}

Status Words::Need(std::string_view keyword) {
  if (!Take(keyword)) return Expected(fmt::format("\"{}\"", keyword));
  return {};
}

Result<std::string> Words::Name(std::string_view what) {
  const Word* word = Peek();
  if (word == nullptr || word->quoted) return Expected(what);
  ++next_;
  return word->text;
}

Result<std::string> Words::Text(std::string_view what) {
  const Word* word = Peek();
  if (word == nullptr || !word->quoted) return Expected(fmt::format("{} in quotes", what));
  ++next_;
  return word->text;
}

Result<std::string> Words::OneOf(std::string_view what,
                                 const std::vector<std::string_view>& keywords) {
  for (const std::string_view keyword : keywords) {
    if (Take(keyword)) return std::string(keyword);
  }
  const Word* word = Peek();
  std::string near;
  if (word != nullptr && !word->quoted) near = DidYouMean(word->text, keywords);
  if (!near.empty())
    return At(word->column, fmt::format("\"{}\" is not {}{}", word->text, what, near));
  return Expected(fmt::format("{}: {}", what, fmt::join(keywords, ", ")));
}

Status Words::End() const {
  if (!empty()) return Expected("the end of the line");
  return {};
}

Failure Words::Expected(std::string_view wanted) const {
  const Word* word = Peek();
  return At(word == nullptr ? end_column_ : word->column,
            fmt::format("expected {}, found {}", wanted, Shown(word)));
}

Failure Words::WrongLast(std::string_view message) const {
  return At(next_ == 0 ? 1 : words_[next_ - 1].column, std::string(message));
}

Failure Words::At(int column, std::string message) const {
  return Fail(Error{ErrorCode::kInvalidArgument, std::move(message),
                    fmt::format("{}:{}:{}", file_, line_, column), nullptr});
}

}  // namespace podium::testing::scenario
