// One line of a scenario as words, read from left to right. What is not as expected is an error
// that names file, line, column and what should stand there.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace podium::testing::scenario {

inline constexpr std::size_t kMaxLineBytes = 1000;

struct Word {
  std::string text;
  int column = 0;       ///< From 1, in bytes.
  bool quoted = false;  ///< "like this": never a keyword.
};

/// Position of a line, for messages.
struct LineAt {
  std::string_view file;
  int line = 0;
};

class Words {
 public:
  /// Splits at blanks; `#` begins a comment, `"` a text without escapes.
  static Result<Words> Split(LineAt at, std::string_view line);

  bool empty() const { return next_ == words_.size(); }
  /// The next word, or nullptr at the end.
  const Word* Peek() const { return empty() ? nullptr : &words_[next_]; }
  /// Takes the next word if it is this keyword.
  bool Take(std::string_view keyword);
  /// Takes this keyword, or fails.
  Status Need(std::string_view keyword);
  /// Takes any unquoted word; `what` says what is missing without one ("a route").
  Result<std::string> Name(std::string_view what);
  Result<std::string> Text(std::string_view what);  ///< Takes a quoted text.
  /// Takes one of these keywords; suggests the nearest. `what`: "a statement".
  Result<std::string> OneOf(std::string_view what, const std::vector<std::string_view>& keywords);
  Status End() const;  ///< Nothing may be left.

  /// "expected WANTED, found the next word", at the next word.
  Failure Expected(std::string_view wanted) const;
  /// An error about the word taken last.
  Failure WrongLast(std::string_view message) const;

 private:
  Failure At(int column, std::string message) const;

  std::string file_;
  int line_ = 0;
  int end_column_ = 1;
  std::vector<Word> words_;
  std::size_t next_ = 0;
};

}  // namespace podium::testing::scenario
