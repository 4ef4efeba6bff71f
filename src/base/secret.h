// A value that must never be shown (invariant 15): no stream operator, no formatter, no comparison
// that leaks it into a test's output. Whoever needs the text says so by name.
#pragma once

#include <string>
#include <utility>

namespace podium {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}

  bool empty() const { return value_.empty(); }
  const std::string& Reveal() const { return value_; }

 private:
  std::string value_;
};

}  // namespace podium
