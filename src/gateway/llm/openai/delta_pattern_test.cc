// A frame that is not parsed must be one that parsing would have said nothing new about: what the
// pattern lets through by mistake reaches the caller unread.
#include "gateway/llm/openai/delta_pattern.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "gateway/llm/stream_translators.h"

namespace podium::gateway::llm {
namespace {

std::string FrameWith(std::string_view text) {
  return fmt::format(
      R"({{"content":"x","id":"c","choices":[{{"index":0,"delta":{{"content":"{}"}}}}]}})", text);
}

TEST(DeltaPattern, TakesWhatDiffersInItsTextAlone) {
  DeltaPattern pattern;
  EXPECT_FALSE(pattern.Match(FrameWith("a"))) << "nothing was learned";
  ASSERT_TRUE(pattern.Learn(FrameWith(" word"), 5));
  for (const std::string_view text : {"", " word", "a", "sch\xC3\xB6n", "x}]", "{\\u"}) {
    const std::string frame = FrameWith(text);
    const auto found = pattern.Match(frame);
    EXPECT_EQ(found.has_value(), text.find('\\') == std::string_view::npos) << text;
    if (found) EXPECT_EQ(*found, text);
  }
}

TEST(DeltaPattern, LeavesTheRestToTheParser) {
  DeltaPattern pattern;
  ASSERT_TRUE(pattern.Learn(FrameWith("word"), 4));
  for (const std::string& frame :
       {FrameWith("a\\nb"), FrameWith("a\",\"error\":\"b"), FrameWith(std::string(1, '\n')),
        FrameWith("\xC3"), FrameWith("\xFF"), " " + FrameWith("a"), FrameWith("a") + " ",
        FrameWith("a").substr(0, 60), std::string("{}"), std::string()}) {
    EXPECT_FALSE(pattern.Match(frame)) << frame;
  }
}

// What matches is written as one line, unseen.
TEST(DeltaPattern, LearnsNoFrameOfSeveralLines) {
  for (const std::string_view end : {"\n", "\r", "\r\n"}) {
    DeltaPattern pattern;
    EXPECT_FALSE(pattern.Learn(fmt::format("{}{}", FrameWith("word"), end), 4));
    ASSERT_TRUE(pattern.Learn(FrameWith("word"), 4));
    EXPECT_FALSE(pattern.Match(fmt::format("{}{}", FrameWith("word"), end)));
    EXPECT_FALSE(pattern.Match(FrameWith(end)));
  }
}

// The quote that opens the text may look like another one's.
TEST(DeltaPattern, FindsTheTextThatTheParserFinds) {
  DeltaPattern pattern;
  const auto frame = [](std::string_view text) {
    return fmt::format(
        R"({{"content":"w","choices":[{{"content":"w","delta":{{"b":{{"content":"w"}},"content" : "{}","content":"w"}}}}]}})",
        text);
  };
  ASSERT_TRUE(pattern.Learn(frame("w"), 1));
  EXPECT_EQ(pattern.Match(frame("other")), "other");
}

TEST(DeltaPattern, GivesUpOnStreamsWithoutOne) {
  DeltaPattern pattern;
  const auto frame = [](int i) {
    return fmt::format(R"({{"n":{},"choices":[{{"delta":{{"content":"w"}}}}]}})", i);
  };
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(pattern.Learn(frame(i), 1));
  EXPECT_FALSE(pattern.Learn(frame(4), 1));
  EXPECT_TRUE(pattern.Match(frame(3))) << "the last one holds";
  EXPECT_TRUE(pattern.Learn(frame(5), 1)) << "what matched was worth it";
}

TEST(DeltaPattern, KeepsNoLargeFrame) {
  DeltaPattern pattern;
  const std::string large = FrameWith("w") + std::string(2 * 1024, ' ');
  EXPECT_FALSE(pattern.Learn(large, 1));
  EXPECT_TRUE(pattern.Learn(FrameWith(std::string(4'000, 'w')), 4'000))
      << "its text does not count";
}

// The parser reads an escaped name as the name; whoever compares bytes does not see it.
TEST(DeltaPattern, LearnsNothingFromEscapes) {
  DeltaPattern pattern;
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(pattern.Learn(R"({"choices":[{"delta":{"con\u0074ent":"w","content":"w"}}]})", 1));
    EXPECT_FALSE(pattern.Learn(FrameWith("\\n"), 1));
  }
  EXPECT_TRUE(pattern.Learn(FrameWith("w"), 1)) << "they were not in vain";
}

// Frames of all kinds, one behind the other: both ways of reading write and count the same.
TEST(ChatStreams, ReadByPatternAreAsIfEachFrameWereParsed) {
  constexpr std::string_view kDelta =
      R"({{"id":"c","created":7,"model":"m","choices":[{{"index":{},"delta":{{"content":"{}"{}}},"finish_reason":{}}}],"usage":{}}})";
  const auto frame = [&](int index, std::string_view text, std::string_view more = "",
                         std::string_view finish = "null", std::string_view usage = "null") {
    return fmt::format(fmt::runtime(kDelta), index, text, more, finish, usage);
  };
  const std::string frames[] = {
      frame(0, "", R"(,"role":"assistant")"),
      frame(0, "one"),
      frame(0, "two"),
      frame(0, R"(\n\u00e9)"),
      frame(0, "three"),
      frame(0, "four", R"(,"reasoning":"why")"),
      frame(0, "", R"(,"reasoning":"why")"),
      frame(1, "five"),
      frame(1, "six"),
      frame(0, "seven", "", "null",
            R"({"prompt_tokens":1,"completion_tokens":2,"total_tokens":3})"),
      frame(0, "eight"),
      frame(0, "", "", "\"stop\""),
      R"({"id":"c","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":9,"total_tokens":10}})",
      "[DONE]"};
  JsonScratch scratch;
  const auto quick = PassChatStream({}, scratch, FrameReading::kByPattern);
  const auto whole = PassChatStream({}, scratch, FrameReading::kEachWhole);
  for (const std::string& data : frames) {
    SCOPED_TRACE(data);
    std::string quick_out, whole_out;
    ASSERT_TRUE(quick->Feed("", data, quick_out));
    ASSERT_TRUE(whole->Feed("", data, whole_out));
    EXPECT_EQ(quick_out, whole_out);
    EXPECT_EQ(quick->progress().output_bytes, whole->progress().output_bytes);
    EXPECT_EQ(quick->progress().usage.total_tokens(), whole->progress().usage.total_tokens());
  }
  std::string end;
  EXPECT_TRUE(quick->Finish(end));
}

}  // namespace
}  // namespace podium::gateway::llm
