// What is taken for a JSON object is one to every strict parser: it is spliced into bodies as it
// is.
#include "gateway/llm/json_syntax.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/limits.h"

namespace podium::gateway::llm {
namespace {

bool IsObjectToParser(std::string_view text) {
  const auto parsed = ParseJson(text);
  return parsed && parsed->is_object();
}

TEST(IsJsonObject, SaysWhatAStrictParserSays) {
  const std::string_view texts[] = {
      "",
      "{}",
      " {\t}\r\n",
      "{}}",
      "{} {}",
      "{},",
      "[]",
      "\"{}\"",
      "7",
      "{",
      "{]",
      "[}",
      R"({"a":1})",
      R"({"a":1,})",
      R"({"a":1 "b":2})",
      R"({,"a":1})",
      R"({"a"})",
      R"({"a":})",
      R"({"a" 1})",
      R"({a:1})",
      R"({"a":[]})",
      R"({"a":[1,2 , [ ], {"b":null}]})",
      R"({"a":[1,]})",
      R"({"a":[,1]})",
      R"({"a":[1 2]})",
      R"({"a":[1})",
      R"({"a":[1}])",
      R"({"a":true,"b":false,"c":null})",
      R"({"a":tru})",
      R"({"a":truee})",
      R"({"a":nul)",
      R"({"a":0,"b":-0,"c":10,"d":-1.5e+7,"e":2E-3,"f":0.0})",
      R"({"a":00})",
      R"({"a":01})",
      R"({"a":-})",
      R"({"a":+1})",
      R"({"a":1.})",
      R"({"a":.5})",
      R"({"a":1e})",
      R"({"a":1e+})",
      R"({"a":0x1})",
      R"({"a":NaN})",
      R"({"a":"\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00"})",
      R"({"a":"\x"})",
      R"({"a":"\u12"})",
      R"({"a":"\u12g4"})",
      R"({"a":"\uD800"})",
      R"({"a":"\uD800\n"})",
      R"({"a":"\uD800A"})",
      R"({"a":"\uDC00"})",
      R"({"a":"\)",
      R"({"a":"b)",
      "{\"a\":\"\n\"}",
      "{\"a\":\"a longer text, and then \x1f\"}",
      "{\"a\":\"a longer text, and then \xc3\xa9\"}",
      "{\"a\":\"\xc3\"}",
      "{\"\xff\":1}",
      R"({"a longer key than eight bytes":"and a \"value\" with quotes"})",
      "\xEF\xBB\xBF{}",
      "{/**/}",
      std::string_view("{}\0", 3),
      std::string_view("{\"a\":\"\0\"}", 9),
      std::string_view("{\0}", 3),
  };
  for (const std::string_view text : texts) {
    EXPECT_EQ(IsJsonObject(text), IsObjectToParser(text)) << text;
  }
}

TEST(IsJsonObject, NoPartOfOneIsOne) {
  const std::string_view whole =
      R"({"k":[{"n":-1.5e7,"s":"a longer text \u00e9 and \" more"},[],{},true,null],"z":{"y":0}})";
  ASSERT_TRUE(IsJsonObject(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    // A copy of its own: reading behind it shows.
    EXPECT_FALSE(IsJsonObject(std::string(whole.substr(0, size)))) << size;
  }
}

// Every byte at every place, against the parser: what is let through anywhere is let through there.
TEST(IsJsonObject, EachChangedByteIsSeen) {
  const std::string whole = R"({"ab":[-10.5e+2,"c\n"],"d":true})";
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string text = whole;
      text[at] = static_cast<char>(byte);
      ASSERT_EQ(IsJsonObject(text), IsObjectToParser(text)) << text;
    }
  }
}

// INV-16: at the limit, and one past it; and far past it without using up the stack.
TEST(IsJsonObject, LimitsTheDepth) {
  const auto nested = [](std::size_t depth) {
    const std::string open(depth - 1, '['), close(depth - 1, ']');
    return IsJsonObject("{\"a\":" + open + close + "}");
  };
  EXPECT_TRUE(nested(limits::kMaxJsonDepth));
  EXPECT_FALSE(nested(limits::kMaxJsonDepth + 1));
  EXPECT_FALSE(nested(1'000'000));
}

}  // namespace
}  // namespace podium::gateway::llm
