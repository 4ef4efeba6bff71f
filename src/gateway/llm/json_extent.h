// Whether a JSON value that comes in pieces is whole.
#pragma once

#include <cstddef>
#include <string_view>

namespace podium::gateway::llm {

/// Counts brackets outside strings; it validates nothing.
class JsonExtent {
 public:
  void Feed(std::string_view piece) {
    for (const char c : piece) Take(c);
  }
  /// An object or array has been opened, and every one of them closed.
  bool whole() const { return opened_ && depth_ == 0 && !in_string_; }

 private:
  void Take(char c) {
    if (escaped_) {
      escaped_ = false;
    } else if (in_string_) {
      escaped_ = c == '\\';
      in_string_ = c != '"';
    } else if (c == '"') {
      in_string_ = true;
    } else if (c == '{' || c == '[') {
      ++depth_;
      opened_ = true;
    } else if ((c == '}' || c == ']') && depth_ > 0) {
      --depth_;
    }
  }

  std::size_t depth_ = 0;
  bool opened_ = false;
  bool in_string_ = false;
  bool escaped_ = false;
};

}  // namespace podium::gateway::llm
