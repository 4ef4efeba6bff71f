#include "store/model_filter.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/utf8.h"
#include "domain/model_limits.h"
#include "store/search_limits.h"

namespace podium::store {
namespace {

constexpr std::string_view kPromptTag = "mlflow.prompt.is_prompt";

enum class TokenKind : std::uint8_t { kWord, kQuoted, kSymbol, kNumber, kEnd };

/// A piece of the text. Words and numbers are as written, quoted text is without its quotes.
struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
  char quote = 0;
};

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool IsWordChar(char c) {
  return IsDigit(c) || (Lower(c) >= 'a' && Lower(c) <= 'z') || c == '_' || c == '.' || c == '-' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool IsKeyword(const Token& token, std::string_view word) {
  return token.kind == TokenKind::kWord &&
         std::ranges::equal(token.text, word, [](char a, char b) { return Lower(a) == b; });
}

Failure InvalidFilter(std::string text) {
  return Fail(Error{ErrorCode::kInvalidArgument, std::move(text), "filter", nullptr});
}
Failure NotUnderstood(std::string_view text) {
  return InvalidFilter(
      fmt::format("Invalid clause(s) in filter string: {}",
                  text.empty() ? "it ends too early" : Shortened(text, limits::kMaxNameBytes)));
}

/// Cuts a filter into tokens.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : rest_(text) {}

  Result<Token> Next() {
    while (!rest_.empty() && IsSpace(rest_.front())) rest_.remove_prefix(1);
    if (rest_.empty()) return Token{};
    const char c = rest_.front();
    if (c == '\'' || c == '"' || c == '`') return Quoted(c);
    if (IsDigit(c) || c == '-') return Number();
    if (IsWordChar(c)) return Word();
    return Symbol();
  }

 private:
  // A quote within is written twice.
  Result<Token> Quoted(char quote) {
    Token token{TokenKind::kQuoted, "", quote};
    for (std::size_t at = 1; at < rest_.size(); ++at) {
      if (rest_[at] != quote) {
        token.text += rest_[at];
      } else if (at + 1 < rest_.size() && rest_[at + 1] == quote) {
        token.text += rest_[++at];
      } else {
        rest_.remove_prefix(at + 1);
        return token;
      }
    }
    return NotUnderstood(rest_);
  }

  Token Take(TokenKind kind, std::size_t length) {
    Token token{kind, std::string(rest_.substr(0, length)), 0};
    rest_.remove_prefix(length);
    return token;
  }

  Token Number() {
    std::size_t length = 1;
    while (length < rest_.size() && IsWordChar(rest_[length])) ++length;
    return Take(TokenKind::kNumber, length);
  }

  // `tags.` may be followed by a quoted key: then the word ends behind the point.
  Token Word() {
    std::size_t length = 1;
    while (length < rest_.size() && IsWordChar(rest_[length])) ++length;
    return Take(TokenKind::kWord, length);
  }

  Result<Token> Symbol() {
    for (const std::string_view symbol : {"!=", "<=", ">=", "<>"}) {
      if (rest_.starts_with(symbol)) return Take(TokenKind::kSymbol, 2);
    }
    if (std::string_view("=<>(),").find(rest_.front()) == std::string_view::npos) {
      return NotUnderstood(rest_);
    }
    return Take(TokenKind::kSymbol, 1);
  }

  std::string_view rest_;
};

bool IsSymbol(const Token& token, std::string_view text) {
  return token.kind == TokenKind::kSymbol && token.text == text;
}

Result<std::vector<Token>> Tokens(std::string_view text) {
  if (text.size() > limits::kMaxSearchFilterBytes) {
    return InvalidFilter(fmt::format("the filter has {} bytes, the limit is {}", text.size(),
                                     limits::kMaxSearchFilterBytes));
  }
  Lexer lexer(text);
  std::vector<Token> tokens;
  while (true) {
    PODIUM_TRY_ASSIGN(Token token, lexer.Next());
    const bool end = token.kind == TokenKind::kEnd;
    tokens.push_back(std::move(token));
    if (end) return tokens;
  }
}

constexpr std::array kAllText = {Comparator::kEqual, Comparator::kNotEqual, Comparator::kLike,
                                 Comparator::kILike};
constexpr std::array kAllTextAndLists = {Comparator::kEqual, Comparator::kNotEqual,
                                         Comparator::kLike,  Comparator::kILike,
                                         Comparator::kIn,    Comparator::kNotIn};
constexpr std::array kAllNumbers = {Comparator::kEqual,   Comparator::kNotEqual,
                                    Comparator::kLess,    Comparator::kLessEqual,
                                    Comparator::kGreater, Comparator::kGreaterEqual};

bool Allows(FilterField field, Comparator comparator) {
  const auto among = [&](const auto& list) {
    return std::ranges::find(list, comparator) != list.end();
  };
  switch (field) {
    case FilterField::kName:
    case FilterField::kRunId:
      return among(kAllTextAndLists);
    case FilterField::kVersionNumber:
      return among(kAllNumbers);
    case FilterField::kSourcePath:
    case FilterField::kTag:
      return among(kAllText);
  }
  return false;
}

bool IsPattern(Comparator comparator) {
  return comparator == Comparator::kLike || comparator == Comparator::kILike;
}

/// What a list may be asked by.
struct Vocabulary {
  bool versions = false;
  std::optional<FilterField> FieldOf(std::string_view key) const {
    if (key == "name") return FilterField::kName;
    if (!versions) return std::nullopt;
    if (key == "run_id") return FilterField::kRunId;
    if (key == "source_path") return FilterField::kSourcePath;
    if (key == "version_number") return FilterField::kVersionNumber;
    return std::nullopt;
  }
  std::string_view keys() const {
    return versions ? "name, run_id, source_path, version_number" : "name";
  }
};

/// Recursive descent over the tokens; there is nothing to descend into but lists.
class Parser {
 public:
  Parser(std::vector<Token> tokens, Vocabulary vocabulary)
      : tokens_(std::move(tokens)), vocabulary_(vocabulary) {}

  Result<Filter> Parse() {
    Filter filter;
    if (Peek().kind == TokenKind::kEnd) return filter;
    while (true) {
      if (filter.size() == limits::kMaxSearchClauses) {
        return InvalidFilter(
            fmt::format("the filter has more than {} clauses", limits::kMaxSearchClauses));
      }
      PODIUM_TRY_ASSIGN(FilterClause clause, Clause());
      filter.push_back(std::move(clause));
      if (Peek().kind == TokenKind::kEnd) return filter;
      if (!IsKeyword(Peek(), "and")) return NotUnderstood(Peek().text);
      Take();
    }
  }

 private:
  const Token& Peek() const { return tokens_[at_]; }
  // The end stays where it is.
  const Token& Take() {
    const Token& token = tokens_[at_];
    if (token.kind != TokenKind::kEnd) ++at_;
    return token;
  }

  Result<FilterClause> Clause() {
    FilterClause clause;
    PODIUM_TRY(Key(clause));
    PODIUM_TRY_ASSIGN(clause.comparator, TakeComparator());
    if (!Allows(clause.field, clause.comparator)) {
      return InvalidFilter(fmt::format("'{}' cannot be used on this key", last_comparator_));
    }
    PODIUM_TRY(Value(clause));
    return clause;
  }

  Status Key(FilterClause& clause) {
    const Token& token = Take();
    if (token.kind == TokenKind::kQuoted && token.quote != '\'')
      return Attribute(token.text, clause);
    if (token.kind != TokenKind::kWord) return NotUnderstood(token.text);
    const std::size_t point = token.text.find('.');
    const std::string_view type = std::string_view(token.text).substr(0, point);
    if (point == std::string::npos) return Attribute(token.text, clause);
    std::string key = token.text.substr(point + 1);
    if (key.empty() && Peek().kind == TokenKind::kQuoted && Peek().quote != '\'') key = Take().text;
    if (key.empty()) return NotUnderstood(token.text);
    if (type == "tag" || type == "tags") {
      clause.field = FilterField::kTag;
      clause.tag = std::move(key);
      return {};
    }
    if (type == "attribute" || type == "attributes" || type == "attr") {
      return Attribute(key, clause);
    }
    return InvalidFilter(
        fmt::format("Invalid entity type '{}'. Valid values are attribute and tag.",
                    Shortened(type, limits::kMaxNameBytes)));
  }

  Status Attribute(std::string_view key, FilterClause& clause) {
    const std::optional<FilterField> field = vocabulary_.FieldOf(key);
    if (!field) {
      return InvalidFilter(fmt::format("Invalid attribute key '{}' specified. Valid keys are: {}.",
                                       Shortened(key, limits::kMaxNameBytes), vocabulary_.keys()));
    }
    clause.field = *field;
    return {};
  }

  Result<Comparator> TakeComparator() {
    constexpr std::array<std::pair<std::string_view, Comparator>, 7> kSymbols = {
        {{"=", Comparator::kEqual},
         {"!=", Comparator::kNotEqual},
         {"<>", Comparator::kNotEqual},
         {"<", Comparator::kLess},
         {"<=", Comparator::kLessEqual},
         {">", Comparator::kGreater},
         {">=", Comparator::kGreaterEqual}}};
    const Token& token = Take();
    last_comparator_ = token.text;
    for (const auto& [text, comparator] : kSymbols) {
      if (IsSymbol(token, text)) return comparator;
    }
    if (IsKeyword(token, "like")) return Comparator::kLike;
    if (IsKeyword(token, "ilike")) return Comparator::kILike;
    if (IsKeyword(token, "in")) return Comparator::kIn;
    if (IsKeyword(token, "not") && IsKeyword(Peek(), "in")) {
      Take();
      last_comparator_ = "NOT IN";
      return Comparator::kNotIn;
    }
    return NotUnderstood(token.text);
  }

  Status Value(FilterClause& clause) {
    if (clause.field == FilterField::kVersionNumber) return Whole(clause);
    if (clause.comparator == Comparator::kIn || clause.comparator == Comparator::kNotIn) {
      return List(clause);
    }
    PODIUM_TRY(Text(clause));
    const std::size_t bytes = clause.values.front().size();
    if (!IsPattern(clause.comparator) || bytes <= limits::kMaxLikePatternBytes) return {};
    return InvalidFilter(fmt::format("the pattern of a LIKE has {} bytes, the limit is {}", bytes,
                                     limits::kMaxLikePatternBytes));
  }

  Status Text(FilterClause& clause) {
    const Token& token = Take();
    if (token.kind == TokenKind::kQuoted && token.quote != '`') {
      clause.values.push_back(token.text);
      return {};
    }
    return InvalidFilter(
        fmt::format("Expected a quoted string value in the filter string, got '{}'. Write 'text'.",
                    Shortened(token.text, limits::kMaxNameBytes)));
  }

  Status List(FilterClause& clause) {
    if (!IsSymbol(Take(), "(")) {
      return InvalidFilter("IN needs a list of quoted strings in parentheses: ('a', 'b')");
    }
    while (true) {
      if (clause.values.size() == limits::kMaxSearchValues) {
        return InvalidFilter(
            fmt::format("a list holds more than {} values", limits::kMaxSearchValues));
      }
      PODIUM_TRY(Text(clause));
      const Token& next = Take();
      if (IsSymbol(next, ")")) return {};
      if (!IsSymbol(next, ",")) return NotUnderstood(next.text);
    }
  }

  Status Whole(FilterClause& clause) {
    const Token& token = Take();
    const char* end = token.text.data() + token.text.size();
    const auto [stop, error] = std::from_chars(token.text.data(), end, clause.number);
    if (token.kind == TokenKind::kNumber && error == std::errc{} && stop == end) return {};
    return InvalidFilter(fmt::format("version_number needs an integer, got '{}'",
                                     Shortened(token.text, limits::kMaxNameBytes)));
  }

  const std::vector<Token> tokens_;
  const Vocabulary vocabulary_;
  std::string last_comparator_;
  std::size_t at_ = 0;
};

Result<Filter> Parse(std::string_view text, Vocabulary vocabulary) {
  PODIUM_TRY_ASSIGN(std::vector<Token> tokens, Tokens(text));
  return Parser(std::move(tokens), vocabulary).Parse();
}

bool SameByte(char a, char b, bool fold) { return fold ? Lower(a) == Lower(b) : a == b; }

std::size_t CharacterAt(std::string_view text, std::size_t at) {
  return std::max<std::size_t>(1, Utf8Length(text.substr(at)));
}

// Remembers the last '%' only: what an earlier one stood for never has to be tried again. So the
// steps are at most those of the text times those of the pattern, however many '%' it has.
bool IsLike(std::string_view text, std::string_view pattern, bool fold) {
  std::size_t t = 0;
  std::size_t p = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '%') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == '_') {
      t += CharacterAt(text, t);
      ++p;
    } else if (p < pattern.size() && SameByte(text[t], pattern[p], fold)) {
      ++t;
      ++p;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      resume += CharacterAt(text, resume);
      t = resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('%', p) == std::string_view::npos;
}

template <typename T>
bool Ordered(Comparator comparator, const T& value, const T& wanted) {
  switch (comparator) {
    case Comparator::kEqual:
      return value == wanted;
    case Comparator::kNotEqual:
      return value != wanted;
    case Comparator::kLess:
      return value < wanted;
    case Comparator::kLessEqual:
      return value <= wanted;
    case Comparator::kGreater:
      return value > wanted;
    case Comparator::kGreaterEqual:
      return value >= wanted;
    default:
      return false;
  }
}

bool TextHolds(const FilterClause& clause, std::string_view value) {
  const bool listed = std::ranges::find(clause.values, value) != clause.values.end();
  switch (clause.comparator) {
    case Comparator::kLike:
      return IsLike(value, clause.values.front(), false);
    case Comparator::kILike:
      return IsLike(value, clause.values.front(), true);
    case Comparator::kIn:
      return listed;
    case Comparator::kNotIn:
      return !listed;
    default:
      return Ordered(clause.comparator, value, std::string_view(clause.values.front()));
  }
}

bool TagHolds(const FilterClause& clause, const TagMap& tags) {
  const auto found = tags.find(clause.tag);
  if (found != tags.end()) return TextHolds(clause, found->second);
  return clause.tag == kPromptTag && TextHolds(clause, "false");
}

bool Holds(const FilterClause& clause, const RegisteredModel& model) {
  return clause.field == FilterField::kTag ? TagHolds(clause, model.tags)
                                           : TextHolds(clause, model.name);
}

bool Holds(const FilterClause& clause, const RegisteredVersion& version) {
  switch (clause.field) {
    case FilterField::kName:
      return TextHolds(clause, version.name);
    case FilterField::kRunId:
      return TextHolds(clause, version.run_id);
    case FilterField::kSourcePath:
      return TextHolds(clause, version.source);
    case FilterField::kVersionNumber:
      return Ordered(clause.comparator, version.number, clause.number);
    case FilterField::kTag:
      return TagHolds(clause, version.tags);
  }
  return false;
}

// The first clause on the tag counts, as with MLflow's own server.
bool AsksForPrompts(const Filter& filter) {
  const auto asks = std::ranges::find_if(filter, [](const FilterClause& clause) {
    return clause.field == FilterField::kTag && clause.tag == kPromptTag;
  });
  if (asks == filter.end()) return false;
  const std::string_view value = asks->values.front();
  return (asks->comparator == Comparator::kEqual && value == "true") ||
         (asks->comparator == Comparator::kNotEqual && value == "false");
}

template <typename Row>
bool MatchesRow(const Filter& filter, const Row& row) {
  if (IsPrompt(row.tags) && !AsksForPrompts(filter)) return false;
  return std::ranges::all_of(filter, [&](const FilterClause& c) { return Holds(c, row); });
}

}  // namespace

bool IsPrompt(const TagMap& tags) {
  const auto found = tags.find(std::string(kPromptTag));
  return found != tags.end() && found->second == "true";
}

Result<Filter> ParseModelFilter(std::string_view text) { return Parse(text, {false}); }
Result<Filter> ParseVersionFilter(std::string_view text) { return Parse(text, {true}); }

bool Matches(const Filter& filter, const RegisteredModel& model) {
  return MatchesRow(filter, model);
}
bool Matches(const Filter& filter, const RegisteredVersion& version) {
  return MatchesRow(filter, version);
}

std::optional<std::string> PinnedBy(const Filter& filter, FilterField field) {
  for (const FilterClause& clause : filter) {
    const bool single = clause.comparator == Comparator::kEqual ||
                        (clause.comparator == Comparator::kIn && clause.values.size() == 1);
    if (clause.field == field && single) return clause.values.front();
  }
  return std::nullopt;
}

}  // namespace podium::store
