#include "app/demo_format.h"

#include <gtest/gtest.h>

namespace podium::app {
namespace {

TEST(DemoFormat, NumbersAreShort) {
  EXPECT_EQ(ShortPercent(5), "5");
  EXPECT_EQ(ShortPercent(0), "0");
  EXPECT_EQ(ShortPercent(100), "100");
  EXPECT_EQ(ShortPercent(0.25), "0.25");
  EXPECT_EQ(ShortPercent(94.5), "94.5");
  EXPECT_EQ(ShowRatio(0.83314, 2), "83.31%");
  EXPECT_EQ(ShowRatio(1.0, 1), "100.0%");
  EXPECT_EQ(ShowRatio(std::nullopt, 2), "-");
  EXPECT_EQ(ShowMilliseconds(std::chrono::microseconds(310)), "0.31");
  EXPECT_EQ(ShowMilliseconds(std::chrono::microseconds(12'340)), "12.3");
  EXPECT_EQ(ShowMilliseconds(std::chrono::milliseconds(1'400)), "1400");
  EXPECT_EQ(ShowElapsed(std::chrono::seconds(3'723)), "01:02:03");
  EXPECT_EQ(ShowSeconds(std::chrono::milliseconds(214)), "0.21 s");
  EXPECT_EQ(ShowCount(1, "error"), "1 error");
  EXPECT_EQ(ShowCount(0, "error"), "0 errors");
}

// A reason in the audit trail may hold anything: the terminal must not obey it.
TEST(DemoFormat, ControlBytesAreNotPassedOn) {
  struct Case {
    const char* text;
    const char* want;
  };
  const Case cases[] = {
      {"plain", "plain"},
      {"\x1b[2Jgone", "?[2Jgone"},
      {"a\nb\tc\x7f", "a?b?c?"},
      {"\xc2\x9b"
       "2J",
       "?2J"},
      {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
      {"\xe2\x82\xac", "\xe2\x82\xac"},
      {"\x80lone", "?lone"},
      {"cut\xe2\x82", "cut\xe2\x82"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.want);
    EXPECT_EQ(Fit(c.text, 80), c.want);
  }
}

TEST(DemoFormat, FitCutsBetweenCharacters) {
  EXPECT_EQ(Fit("abc", 3), "abc");
  EXPECT_EQ(Fit("abcd", 3), "abc");
  EXPECT_EQ(Fit("abc", 0), "");
  EXPECT_EQ(Fit("a\xc3\xbc"
                "c",
                2),
            "a\xc3\xbc");
  EXPECT_EQ(CharactersOf("a\xc3\xbc\xe2\x82\xac"), 3U);
}

TEST(DemoFormat, CommandsArePastedAsTheyStand) {
  EXPECT_EQ(ShellWord("build/release/podium"), "build/release/podium");
  EXPECT_EQ(ShellWord("my models/podium"), "'my models/podium'");
  EXPECT_EQ(ShellWord("it's"), R"('it'\''s')");
  EXPECT_EQ(ShellWord("$HOME"), "'$HOME'");
  EXPECT_EQ(ShellWord(""), "''");
}

TEST(DemoFormat, TheProgramIsNamedAsItMayBeTyped) {
  EXPECT_EQ(ShownProgram("podium", "/here"), "podium");
  EXPECT_EQ(ShownProgram("./podium", "/here"), "./podium");
  EXPECT_EQ(ShownProgram("/here/build/release/podium", "/here"), "build/release/podium");
  EXPECT_EQ(ShownProgram("/here/podium", "/here"), "./podium");
  EXPECT_EQ(ShownProgram("/hereabouts/podium", "/here"), "/hereabouts/podium");
  EXPECT_EQ(ShownProgram("/opt/podium", "/"), "/opt/podium");
  EXPECT_EQ(ShownProgram("/opt/podium", ""), "/opt/podium");
}

}  // namespace
}  // namespace podium::app
