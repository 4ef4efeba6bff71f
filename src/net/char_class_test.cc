#include "net/char_class.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace podium::net {
namespace {

using Prefix = std::size_t (*)(std::string_view);

// Several bytes are looked at together: each byte, at each place, beside `filler`.
void ExpectPrefixes(Prefix prefix, bool (*is_one)(char), char filler) {
  for (std::size_t size = 1; size <= 20; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(size, filler);
        text[at] = static_cast<char>(byte);
        const std::size_t want = is_one(text[at]) ? size : at;
        ASSERT_EQ(prefix(text), want) << "byte " << byte << " at " << at << " of " << size;
      }
    }
  }
}

TEST(CharClass, AFieldEndsAtItsFirstControlByte) {
  for (const char filler : {'a', ' ', '\t', '\x80', '\xff'}) {
    ExpectPrefixes(FieldPrefix, IsFieldChar, filler);
  }
  EXPECT_TRUE(IsFieldText(""));
}

TEST(CharClass, ATokenEndsAtItsFirstDelimiter) {
  for (const char filler : {'a', 'Z', '-', '~'}) ExpectPrefixes(TokenPrefix, IsTokenChar, filler);
  EXPECT_EQ(TokenPrefix("x-request-id: 1"), 12u);
  EXPECT_EQ(TokenPrefix(""), 0u);
}

}  // namespace
}  // namespace podium::net
