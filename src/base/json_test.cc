// What a lenient parser swallows, two readers of the same bytes understand differently: the second
// of two equal keys, the text behind the end, half a character.
#include "base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/limits.h"

namespace podium {
namespace {

using namespace std::string_view_literals;
using ::testing::HasSubstr;

std::string ErrorOf(std::string_view text) {
  const Result<Json> parsed = ParseJson(text);
  if (parsed) return "accepted as " + DumpJson(*parsed);
  EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
  return parsed.error().message;
}

std::string Nested(int depth, char open, char close) {
  const auto levels = static_cast<std::size_t>(depth);
  return std::string(levels, open) + std::string(levels, close);
}

TEST(ParseJson, AcceptsEveryValue) {
  struct Case {
    std::string_view text;
    std::string_view want;
  };
  const Case cases[] = {
      {"null", "null"},
      {" \t\r\n true ", "true"},
      {"[]", "[]"},
      {"{}", "{}"},
      {"-0", "0"},
      {"0.5", "0.5"},
      {"1e3", "1000.0"},
      {"18446744073709551615", "18446744073709551615"},
      {"-9223372036854775808", "-9223372036854775808"},
      {R"("\u00e9\n\ud83e\udd89")", "\"é\\n🦉\""},
      {R"({"b": 1, "a": [1, {"b": 2}], "A": 3})", R"({"b":1,"a":[1,{"b":2}],"A":3})"},
      {R"([{"a": 1}, {"a": 2}])", R"([{"a":1},{"a":2}])"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const Result<Json> parsed = ParseJson(c.text);
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(DumpJson(*parsed), c.want);
  }
}

TEST(ParseJson, RefusesWhatIsNotJson) {
  const std::string_view cases[] = {
      "",
      " ",
      "{",
      "[",
      "\"",
      "[1,]",
      "{\"a\":1,}",
      "{\"a\"}",
      "{\"a\" 1}",
      "{a:1}",
      "{1:1}",
      "[tru]",
      "nul",
      "NaN",
      "Infinity",
      "-",
      "+1",
      "01",
      "1.",
      ".5",
      "1e",
      "0x10",
      "1e999",
      "'a'",
      "// note\n1",
      "/* note */ 1",
      "[1] [2]",
      "{} x",
      "1 2",
      "{}{}",
      "]",
      "[1}",
      "\"\t\"",
      "\"a\nb\"",
      "\"\\x41\"",
      "\"\\u12g4\"",
      "\"\\ud83e\"",
      "\"\\udd89\"",
      "\"\\ud83e\\u0041\"",
      "\"\xFF\"",
      "\"\xC0\xAF\"",
      "\"\xED\xA0\x80\"",
      "\"\xF4\x90\x80\x80\"",
      "\"\xE2\x82\"",
      "{\"\xC3\": 1}",
      "\xEF\xBB",
      "\xEF\xBB\xBF{}",
      "\0"sv,
      "{}\0"sv,
      "{}\0x"sv,
      "[\0]"sv,
      "\"a\0b\""sv,
  };
  for (const std::string_view text : cases) {
    EXPECT_THAT(ErrorOf(text), HasSubstr("malformed JSON at line "))
        << ::testing::PrintToString(text);
  }
}

TEST(ParseJson, RefusesDuplicateKeys) {
  EXPECT_EQ(ErrorOf(R"({"a": 1, "a": 2})"),
            "malformed JSON at line 1, column 12: duplicate key \"a\"");
  EXPECT_THAT(ErrorOf(R"({"x": {"k": 1, "k": 1}})"), HasSubstr("duplicate key \"k\""));
  // Equal once it is unescaped.
  EXPECT_THAT(ErrorOf(R"({"a": 1, "\u0061": 2})"), HasSubstr("duplicate key \"a\""));
  EXPECT_THAT(ErrorOf(R"({"": 1, "": 2})"), HasSubstr("duplicate key \"\""));
}

TEST(ParseJson, Invariant16NestingHasALimit) {
  for (const auto& [open, close] : {std::pair('[', ']')}) {
    EXPECT_TRUE(ParseJson(Nested(limits::kMaxJsonDepth, open, close)));
    EXPECT_THAT(ErrorOf(Nested(limits::kMaxJsonDepth + 1, open, close)),
                HasSubstr("nested deeper than 64 levels"));
  }
  std::string objects = "1";
  for (int i = 0; i < limits::kMaxJsonDepth; ++i) objects = fmt::format(R"({{"a":{}}})", objects);
  EXPECT_TRUE(ParseJson(objects));
  EXPECT_THAT(ErrorOf("[" + objects + "]"), HasSubstr("nested deeper"));
  // Siblings are not depth.
  std::string wide = "[";
  for (int i = 0; i < 1000; ++i) wide += "[],";
  EXPECT_TRUE(ParseJson(wide + "{}]"));
  // A million brackets are refused at the 65th, not on the stack.
  EXPECT_THAT(ErrorOf(std::string(1'000'000, '[')), HasSubstr("column 65:"));
}

TEST(ParseJson, NamesLineAndColumn) {
  struct Case {
    std::string_view text;
    std::string_view place;
  };
  const Case cases[] = {
      {"", "line 1, column 1:"},
      {"x", "line 1, column 1:"},
      {"[1, x]", "line 1, column 5:"},
      {"{\n  \"a\": 1,\n  \"b\" 2\n}", "line 3, column 7:"},
      {"{\n  \"a\": 1,\n  \"a\": 2\n}", "line 3, column 5:"},
      {"{}\n{}", "line 2, column 1:"},
      {"[1,\n\0]"sv, "line 2, column 1:"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(::testing::PrintToString(c.text));
    EXPECT_THAT(ErrorOf(c.text), HasSubstr(c.place));
  }
}

// A megabyte at fault must not come back as a megabyte of error.
TEST(ParseJson, ErrorsStayShort) {
  const std::string key(100'000, 'k');
  EXPECT_LT(ErrorOf("{\"" + key + "\":1,\"" + key + "\":2}").size(), 200U);
  EXPECT_LT(ErrorOf("\"" + key).size(), 200U);
  EXPECT_LT(ErrorOf("[1" + std::string(100'000, '1') + "x]").size(), 200U);
}

TEST(DumpJson, NeverThrows) {
  EXPECT_EQ(DumpJson(Json("a\xFFz")), "\"a\xEF\xBF\xBDz\"");
  EXPECT_EQ(DumpJson(Json(std::numeric_limits<double>::quiet_NaN())), "null");
  EXPECT_EQ(DumpJson(Json("line\nbreak\x01")), R"("line\nbreak\u0001")");
  EXPECT_EQ(DumpJsonPretty(Json{{"a", 1}}), "{\n  \"a\": 1\n}");
}

// Numbers come back as they went out: metrics and shares are stored as JSON.
TEST(DumpJson, NumbersSurviveTheWayThroughText) {
  for (const double value : {0.1, 1.0 / 3.0, 1e300, -2.5e-308, 123456789.123456789, 5e-324}) {
    const Result<Json> back = ParseJson(DumpJson(Json(value)));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->get<double>(), value);
  }
}

}  // namespace
}  // namespace podium
