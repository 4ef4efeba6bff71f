// Half a character in a name or a log line breaks whoever reads it strictly.
#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace podium {
namespace {

TEST(Utf8Length, KnowsEveryForm) {
  struct Case {
    std::string_view text;
    std::size_t want;
  };
  const Case cases[] = {
      {"a", 1},
      {"\x7F", 1},
      {"\xC2\x80", 2},
      {"\xDF\xBF", 2},
      {"\xE0\xA0\x80", 3},
      {"\xED\x9F\xBF", 3},
      {"\xEE\x80\x80", 3},
      {"\xEF\xBF\xBF", 3},
      {"\xF0\x90\x80\x80", 4},
      {"\xF4\x8F\xBF\xBF", 4},
      {"\xC3\xA9tail", 2},
      {"\x80", 0},
      {"\xBF", 0},
      {"\xC0\x80", 0},
      {"\xC1\xBF", 0},
      {"\xC2", 0},
      {"\xC2 ", 0},
      {"\xE0\x9F\xBF", 0},
      {"\xED\xA0\x80", 0},
      {"\xE2\x82", 0},
      {"\xE2\x82 ", 0},
      {"\xF0\x8F\xBF\xBF", 0},
      {"\xF4\x90\x80\x80", 0},
      {"\xF0\x90\x80", 0},
      {"\xF5\x80\x80\x80", 0},
      {"\xFF", 0},
  };
  for (const Case& c : cases)
    EXPECT_EQ(Utf8Length(c.text), c.want) << ::testing::PrintToString(c.text);
}

TEST(Shortened, CutsBetweenCharacters) {
  EXPECT_EQ(Shortened("abc", 3), "abc");
  EXPECT_EQ(Shortened("abcd", 3), "abc…");
  EXPECT_EQ(Shortened("a\xC3\xA9z", 2), "a…");
  EXPECT_EQ(Shortened("a\xC3\xA9z", 3), "a\xC3\xA9…");
  EXPECT_EQ(Shortened("\xF0\x9F\xA6\x89 owl", 3), "…");
  EXPECT_EQ(Shortened("\x80\x80\x80", 1), "…") << "no character begins here at all";
  EXPECT_EQ(Shortened("", 0), "");
}

}  // namespace
}  // namespace podium
