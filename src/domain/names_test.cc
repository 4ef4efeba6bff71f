// Names end up in URLs, labels, headers and file names: what slips in here must be quoted
// everywhere.
#include "domain/names.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/limits.h"

namespace podium {
namespace {

using namespace std::string_view_literals;

TEST(CheckName, OneRuleForAll) {
  const std::string longest(limits::kMaxNameBytes, 'n');
  for (const std::string_view good : {"a"sv, "Z"sv, "0"sv, "v1.2.3"sv, "a:b"sv, "x_y-z"sv,
                                      "9..--__::"sv, std::string_view(longest)}) {
    EXPECT_TRUE(CheckName("route", good)) << good;
  }
  const std::string too_long = longest + "n";
  for (const std::string_view bad :
       {""sv, "."sv, ".."sv, ".hidden"sv, "-flag"sv, "_x"sv, ":x"sv, "a b"sv, "a/b"sv, "../x"sv,
        "a\\b"sv, "a%2e"sv, "a\n"sv, "a\0"sv, "caf\xC3\xA9"sv, "a\"b"sv, "a{b}"sv,
        std::string_view(too_long)}) {
    const Status status = CheckName("route", bad);
    ASSERT_FALSE(status) << testing::PrintToString(bad);
    EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(status.error().message.starts_with("route ")) << status.error().message;
  }
}

TEST(CheckSalt, OneToSixtyFour) {
  EXPECT_TRUE(CheckSalt("A"));
  EXPECT_TRUE(CheckSalt("._-azAZ09"));
  EXPECT_TRUE(CheckSalt(std::string(64, 's')));
  for (const std::string_view bad :
       {""sv, "a b"sv, "a:b"sv, "a\x1f"sv, "a\x1e"sv, "\0"sv, "\xC3\xA9"sv}) {
    EXPECT_FALSE(CheckSalt(bad)) << testing::PrintToString(bad);
  }
  EXPECT_FALSE(CheckSalt(std::string(65, 's')));
}

TEST(CheckText, Utf8WithoutControlCharacters) {
  for (const std::string_view good :
       {""sv, "why: \"it was slow\""sv, "größer"sv, "日本語"sv, "🦉"sv}) {
    EXPECT_TRUE(CheckText("reason", good, 100)) << good;
  }
  for (const std::string_view bad : {"a\nb"sv, "a\tb"sv, "\x1B[0m"sv, "\x7F"sv, "a\0b"sv, "\xFF"sv,
                                     "half \xC3"sv, "\xED\xA0\x80"sv, "\xC0\xAF"sv}) {
    EXPECT_FALSE(CheckText("reason", bad, 100)) << testing::PrintToString(bad);
  }
  EXPECT_TRUE(CheckText("reason", "12345", 5));
  EXPECT_FALSE(CheckText("reason", "123456", 5));
  EXPECT_FALSE(CheckText("reason", "日本", 5)) << "bytes count, not characters";
}

}  // namespace
}  // namespace podium
