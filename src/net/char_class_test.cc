#include "net/char_class.h"

#include <gtest/gtest.h>

#include <string>

namespace podium::net {
namespace {

// Eight bytes are looked at together: each byte, at each place, beside each kind of neighbour.
TEST(CharClass, AFieldEndsAtItsFirstControlByte) {
  for (const char filler : {'a', ' ', '\t', '\x80', '\xff'}) {
    for (std::size_t size = 1; size <= 20; ++size) {
      for (std::size_t at = 0; at < size; ++at) {
        for (int byte = 0; byte < 256; ++byte) {
          std::string text(size, filler);
          text[at] = static_cast<char>(byte);
          const std::size_t want = IsFieldChar(text[at]) ? size : at;
          ASSERT_EQ(FieldPrefix(text), want) << "byte " << byte << " at " << at << " of " << size;
        }
      }
    }
  }
  EXPECT_TRUE(IsFieldText(""));
}

TEST(CharClass, ATokenEndsAtItsFirstDelimiter) {
  EXPECT_EQ(TokenPrefix("x-request-id: 1"), 12u);
  EXPECT_EQ(TokenPrefix(": 1"), 0u);
  EXPECT_EQ(TokenPrefix("whole"), 5u);
}

}  // namespace
}  // namespace podium::net
