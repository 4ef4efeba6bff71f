// One line, one event: whatever a caller puts into a field, he can neither forge a line nor break
// the one he is in.
#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "base/json.h"

namespace podium {
namespace {

constexpr std::string_view kTime = "2026-03-09T14:31:07.123456Z";

std::string JsonLine(std::string_view message, LogFields fields) {
  return FormatLogLine(LogFormat::kJson, ErrorLog::kInfo, kTime, message, fields);
}
std::string TextLine(std::string_view message, LogFields fields) {
  return FormatLogLine(LogFormat::kText, ErrorLog::kWarning, kTime, message, fields);
}

TEST(LogLine, JsonHoldsEveryField) {
  EXPECT_EQ(JsonLine("promoted", {{"route", "tumour"},
                                  {"revision", std::int64_t{42}},
                                  {"share", 0.25},
                                  {"forced", false}}),
            R"({"ts":"2026-03-09T14:31:07.123456Z","level":"info","msg":"promoted",)"
            R"("route":"tumour","revision":42,"share":0.25,"forced":false})");
}

TEST(LogLine, LevelsHaveNames) {
  struct Case {
    ErrorLog level;
    const char* name;
  };
  for (const Case& c : {Case{ErrorLog::kDebug, "debug"}, Case{ErrorLog::kInfo, "info"},
                        Case{ErrorLog::kWarning, "warning"}, Case{ErrorLog::kError, "error"}}) {
    const std::string line = FormatLogLine(LogFormat::kJson, c.level, kTime, "m", {});
    EXPECT_EQ((*ParseJson(line))["level"], c.name);
  }
}

TEST(LogLine, WhateverIsInAFieldTheLineStaysOneJsonObject) {
  const std::string nasty[] = {
      "quote \" backslash \\ end",
      "line\nbreak\r\n",
      std::string("zero\0byte", 9),
      "\x1B[31mred\x7F",
      "caf\xC3\xA9",
      "half a character \xC3",
      "\xFF\xFE",
      "\",\"level\":\"error",
  };
  for (const std::string& text : nasty) {
    const std::string line = JsonLine(text, {{"field", text}});
    EXPECT_EQ(line.find('\n'), std::string::npos);
    const Result<Json> parsed = ParseJson(line);
    ASSERT_TRUE(parsed) << line << ": " << parsed.error().message;
    EXPECT_EQ(parsed->size(), 4U);
    EXPECT_EQ((*parsed)["msg"], (*parsed)["field"]);
    if (text.find_first_of("\xFF\xFE") == std::string::npos && !text.ends_with('\xC3')) {
      EXPECT_EQ((*parsed)["field"].get<std::string>(), text) << "nothing is lost";
    }
  }
}

TEST(LogLine, NumbersThatJsonLacksGoOutAsText) {
  const Result<Json> parsed =
      ParseJson(JsonLine("m", {{"nan", std::numeric_limits<double>::quiet_NaN()},
                               {"inf", -std::numeric_limits<double>::infinity()},
                               {"big", std::numeric_limits<std::uint64_t>::max()}}));
  ASSERT_TRUE(parsed);
  EXPECT_EQ((*parsed)["nan"], "nan");
  EXPECT_EQ((*parsed)["inf"], "-inf");
  EXPECT_EQ((*parsed)["big"], std::numeric_limits<std::uint64_t>::max());
}

TEST(LogLine, TextIsForPeopleButOneLineToo) {
  EXPECT_EQ(TextLine("loading", {{"route", "tumour"}, {"rows", 3}}),
            "2026-03-09T14:31:07.123456Z warning loading  route=tumour  rows=3");
  const std::string line = TextLine("a\nb", {{"f", "\x1B]0;owned\x07"}});
  EXPECT_EQ(line.find_first_of("\n\x1B\x07"), std::string::npos);
  EXPECT_THAT(line, ::testing::HasSubstr("a\\u000ab"));
}

TEST(EscapeJson, LeavesPlainTextAlone) {
  EXPECT_EQ(EscapeJson("plain, 日本語 / 🦉"), "plain, 日本語 / 🦉");
  EXPECT_EQ(EscapeJson(""), "");
  EXPECT_EQ(EscapeJson("\x1F\x20"), "\\u001f ");
}

}  // namespace
}  // namespace podium
