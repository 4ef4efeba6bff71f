#include "net/target.h"

#include <gtest/gtest.h>

namespace podium::net {
namespace {

using Segments = std::vector<std::string>;

TEST(PercentDecode, DecodesOnceAndRefusesTheRest) {
  EXPECT_EQ(*PercentDecode("a%20b%2Fc%c3%A9+"), "a b/c\xc3\xa9+");
  EXPECT_EQ(*PercentDecode("%2525"), "%25") << "twice would let %252e pass as a dot";
  for (const char* bad : {"%", "%2", "a%zz", "%00", "x%0"}) {
    EXPECT_FALSE(PercentDecode(bad)) << bad;
  }
}

TEST(PercentEncode, ComesBack) {
  const std::string text = "a b/c?d=%&+\xc3\xa9~";
  EXPECT_EQ(PercentEncode("a b/~"), "a%20b%2F~");
  EXPECT_EQ(*PercentDecode(PercentEncode(text)), text);
}

TEST(SplitPath, KeepsEmptySegments) {
  EXPECT_EQ(*SplitPath("/"), Segments{});
  EXPECT_EQ(*SplitPath("/a/b%2Fc"), (Segments{"a", "b/c"}));
  EXPECT_EQ(*SplitPath("/a/"), (Segments{"a", ""}));
  EXPECT_EQ(*SplitPath("//a"), (Segments{"", "a"}));
  EXPECT_FALSE(SplitPath("a"));
  EXPECT_FALSE(SplitPath(""));
  EXPECT_FALSE(SplitPath("/%00"));
}

TEST(QueryValue, FindsTheFirst) {
  EXPECT_EQ(QueryValue("a=1&b=2&a=3", "a"), "1");
  EXPECT_EQ(QueryValue("a=1&b=x+y%26z", "b"), "x y&z");
  EXPECT_EQ(QueryValue("a%62=1", "ab"), "1");
  EXPECT_EQ(QueryValue("flag&x=", "flag"), "");
  EXPECT_EQ(QueryValue("flag&x=", "x"), "");
  EXPECT_EQ(QueryValue("a=b=c", "a"), "b=c");
  EXPECT_EQ(QueryValue("", "a"), std::nullopt);
  EXPECT_EQ(QueryValue("aa=1&", "a"), std::nullopt);
}

}  // namespace
}  // namespace podium::net
