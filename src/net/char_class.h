// Which bytes may stand where in HTTP (RFC 9110 and 3986), as one table look-up.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace podium::net {

namespace char_class {

inline constexpr std::uint8_t kTokenBit = 1;
inline constexpr std::uint8_t kFieldBit = 2;
inline constexpr std::uint8_t kTargetBit = 4;
inline constexpr std::uint8_t kUnreservedBit = 8;

constexpr std::array<std::uint8_t, 256> MakeTable() {
  std::array<std::uint8_t, 256> table{};
  const auto mark = [&table](std::string_view chars, std::uint8_t bit) {
    for (const char c : chars) {
      auto& entry = table[static_cast<unsigned char>(c)];
      entry = static_cast<std::uint8_t>(entry | bit);
    }
  };
  constexpr std::string_view kAlphanumeric =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  mark(kAlphanumeric, kTokenBit | kTargetBit | kUnreservedBit);
  mark("-._~", kTokenBit | kTargetBit | kUnreservedBit);
  mark("!#$%&'*+^`|", kTokenBit);
  mark("%:/?[]@!$&'()*+,;=", kTargetBit);
  for (unsigned c = 0; c < 256; ++c) {
    const bool visible = c >= 0x20 && c != 0x7f;
    if (visible || c == '\t') table[c] = static_cast<std::uint8_t>(table[c] | kFieldBit);
  }
  return table;
}
inline constexpr std::array<std::uint8_t, 256> kTable = MakeTable();

/// Whether one of eight bytes is below space or DEL, and so perhaps no IsFieldChar. Bytes above
/// ASCII are none of them.
inline bool MayHoldControl(const char* bytes) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHighs = 0x8080808080808080;
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof(word));
  const std::uint64_t below_space = (word - kOnes * 0x20) & ~word;
  const std::uint64_t apart = word ^ (kOnes * 0x7f);
  const std::uint64_t del = (apart - kOnes) & ~apart;
  return ((below_space | del) & kHighs) != 0;
}

}  // namespace char_class

constexpr bool HasClass(char c, std::uint8_t bit) {
  return (char_class::kTable[static_cast<unsigned char>(c)] & bit) != 0;
}
/// Methods and header names.
constexpr bool IsTokenChar(char c) { return HasClass(c, char_class::kTokenBit); }
/// Header values: visible, space, tab, and bytes above ASCII. No control bytes.
constexpr bool IsFieldChar(char c) { return HasClass(c, char_class::kFieldBit); }
/// How many bytes at the start of `text` are IsFieldChar. Eight at a time.
inline std::size_t FieldPrefix(std::string_view text) {
  std::size_t at = 0;
  while (at + 8 <= text.size() && !char_class::MayHoldControl(text.data() + at)) at += 8;
  while (at < text.size() && IsFieldChar(text[at])) ++at;
  return at;
}
inline bool IsFieldText(std::string_view text) { return FieldPrefix(text) == text.size(); }
/// How many bytes at the start of `text` are IsTokenChar. Four at a time.
inline std::size_t TokenPrefix(std::string_view text) {
  const auto bits = [text](std::size_t i) {
    return char_class::kTable[static_cast<unsigned char>(text[i])];
  };
  std::size_t at = 0;
  for (; at + 4 <= text.size(); at += 4) {
    const int all = bits(at) & bits(at + 1) & bits(at + 2) & bits(at + 3);
    if ((all & char_class::kTokenBit) == 0) break;
  }
  while (at < text.size() && IsTokenChar(text[at])) ++at;
  return at;
}
/// What a URI may hold without being percent-encoded; no fragment, since that is never sent.
constexpr bool IsTargetChar(char c) { return HasClass(c, char_class::kTargetBit); }
constexpr bool IsUnreserved(char c) { return HasClass(c, char_class::kUnreservedBit); }
constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }
/// 0 to 15, or -1.
constexpr int HexValue(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}
constexpr char LowerAscii(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace podium::net
