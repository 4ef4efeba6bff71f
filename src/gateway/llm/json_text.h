// JSON text, written piece by piece into a string.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace podium::gateway::llm {

/// Appends to `out`; puts the commas. Members and elements come in the order of the calls.
/// REQUIRES: calls nest as JSON does; that is for the writer's tests, not checked.
class JsonText {
 public:
  explicit JsonText(std::string& out) : out_(out), start_(out.size()) {}

  JsonText& Object();
  JsonText& EndObject();
  JsonText& Array();
  JsonText& EndArray();
  JsonText& Key(std::string_view name);
  /// With quotes; bytes that are not UTF-8 become U+FFFD.
  JsonText& String(std::string_view value);
  JsonText& Number(std::int64_t value);
  JsonText& Bool(bool value);
  JsonText& Null();
  JsonText& Raw(std::string_view json);  ///< REQUIRES: `json` is JSON text.

  JsonText& Member(std::string_view key, std::string_view value);  ///< Key and String in one.
  JsonText& MemberUnlessEmpty(std::string_view key, std::string_view value);
  JsonText& RawUnlessEmpty(std::string_view key, std::string_view json);

 private:
  void Comma();

  std::string& out_;
  const std::size_t start_;
};

}  // namespace podium::gateway::llm
