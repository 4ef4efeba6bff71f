// The bytes that an audit row's hash is taken over.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace podium::store {

/// name:length:text, so that no two rows ever give the same bytes whatever their fields hold.
class CanonicalText {
 public:
  /// `layout` names the fields and their order: a later layout gets another name, and old rows stay
  /// verifiable.
  explicit CanonicalText(std::string_view layout) : text_(fmt::format("{}\n", layout)) {}

  void Field(std::string_view name, std::string_view text) {
    text_ += fmt::format("{}:{}:{}\n", name, text.size(), text);
  }
  void Field(std::string_view name, std::int64_t number) { Field(name, fmt::format("{}", number)); }
  void Absent(std::string_view name) { text_ += fmt::format("{}:-\n", name); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace podium::store
