#include "net/address.h"

#include <gtest/gtest.h>

namespace podium::net {
namespace {

TEST(HostPort, ParsesAndPrints) {
  struct Case {
    const char* text;
    HostPort want;
    const char* printed;
  };
  const Case cases[] = {
      {"127.0.0.1:8080", {"127.0.0.1", 8080}, "127.0.0.1:8080"},
      {"[::1]:80", {"::1", 80}, "[::1]:80"},
      {"localhost:0", {"localhost", 0}, "localhost:0"},
      {":65535", {"127.0.0.1", 65535}, "127.0.0.1:65535"},
      {"my-host.example:1", {"my-host.example", 1}, "my-host.example:1"},
  };
  for (const Case& c : cases) {
    const auto parsed = ParseHostPort(c.text);
    ASSERT_TRUE(parsed) << c.text;
    EXPECT_EQ(*parsed, c.want) << c.text;
    EXPECT_EQ(ToString(*parsed), c.printed);
  }
  for (const char* bad : {"", "8080", "a:", "a:65536", "a:-1", "a:+1", "a:1x", "::1:80", "[::1]",
                          "[x]:1", "[]:1", "a b:1", "a/b:1", "http://a:1"}) {
    EXPECT_FALSE(ParseHostPort(bad)) << bad;
  }
}

// An address that wrongly counts as loopback is served without a token.
TEST(IsLoopback, KnowsOnlyThisMachine) {
  for (const char* yes : {"127.0.0.1", "127.255.0.3", "::1", "localhost", "LocalHost",
                          "::ffff:127.0.0.1", "0:0:0:0:0:0:0:1"}) {
    EXPECT_TRUE(IsLoopback(yes)) << yes;
  }
  for (const char* no : {"0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "::ffff:10.0.0.1", "",
                         "localhost.evil.example", "127.0.0.1.nip.example", "2130706433"}) {
    EXPECT_FALSE(IsLoopback(no)) << no;
  }
}

TEST(HostOf, TakesThePortOff) {
  EXPECT_EQ(HostOf("a.example:80"), "a.example");
  EXPECT_EQ(HostOf("a.example"), "a.example");
  EXPECT_EQ(HostOf("[::1]:80"), "::1");
  EXPECT_EQ(HostOf("[::1]"), "::1");
  for (const char* bad : {"", ":80", "a:", "a:b", "[::1", "[::1]x", "::1", "a b", "a,b", "u@a"}) {
    EXPECT_EQ(HostOf(bad), "") << bad;
  }
}

}  // namespace
}  // namespace podium::net
