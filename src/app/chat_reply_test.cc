#include "app/chat_reply.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace podium::app {
namespace {

std::string Event(std::string_view data) { return fmt::format("data: {}\n\n", data); }

std::string TextEvent(std::string_view text) {
  return Event(fmt::format(
      R"({{"model":"m-1","choices":[{{"index":0,"delta":{{"content":"{}"}}}}]}})", text));
}

const std::string kStopEvent =
    Event(R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})");
const std::string kUsageEvent =
    Event(R"({"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":8,"total_tokens":18,)"
          R"("prompt_tokens_details":{"cached_tokens":4},)"
          R"("completion_tokens_details":{"reasoning_tokens":3}}})");
const std::string kDoneEvent = Event("[DONE]");

// The network cuts where it likes, characters included.
TEST(ChatStreamReader, ReadsTheSameHoweverTheBytesAreCut) {
  const std::string stream =
      Event(R"({"choices":[{"delta":{"role":"assistant","content":null}}]})") +
      TextEvent("Gr\xC3\xBC") + ": a comment\n\n" +
      TextEvent(
          "\xC3\x9F"
          "e") +
      kStopEvent + kUsageEvent + kDoneEvent;
  for (std::size_t size : {std::size_t{1}, std::size_t{2}, std::size_t{7}, stream.size()}) {
    SCOPED_TRACE(size);
    ChatStreamReader reader;
    std::string shown;
    for (std::size_t at = 0; at < stream.size(); at += size) {
      const Status fed = reader.Feed(std::string_view(stream).substr(at, size), shown);
      ASSERT_TRUE(fed) << fed.error().message;
    }
    EXPECT_TRUE(reader.End());
    EXPECT_EQ(shown,
              "Gr\xC3\xBC\xC3\x9F"
              "e");
    EXPECT_EQ(reader.reply().text, shown);
    EXPECT_EQ(reader.reply().finish, "stop");
    EXPECT_EQ(reader.reply().model, "m-1");
    ASSERT_TRUE(reader.reply().usage);
    EXPECT_EQ(reader.reply().usage->uncached_input, 6);
    EXPECT_EQ(reader.reply().usage->cache_read, 4);
    EXPECT_EQ(reader.reply().usage->output_text, 5);
    EXPECT_EQ(reader.reply().usage->output_reasoning, 3);
  }
}

// Half an answer that looks whole would be believed.
TEST(ChatStreamReader, WhatIsCutIsNeverAnAnswer) {
  struct Case {
    const char* name;
    std::string rest;
    const char* want;
  };
  const Case cases[] = {
      {"the end is missing", kStopEvent, "before the answer did"},
      {"an error frame", Event(R"({"error":{"message":"gone","type":"server_error"}})"), "gone"},
      {"an error of another shape", Event(R"({"error":7})"), R"({"error":7})"},
      {"an error and then an end", Event(R"({"error":{"message":"gone"}})") + kDoneEvent, "gone"},
      {"no JSON", Event("{"), "no JSON object"},
      {"no object", Event("7"), "no JSON object"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    ChatStreamReader reader;
    std::string shown;
    const Status fed = reader.Feed(TextEvent("Hel") + c.rest, shown);
    EXPECT_EQ(shown, "Hel");
    const Status end = reader.End();
    ASSERT_FALSE(end);
    EXPECT_NE(end.error().message.find(c.want), std::string::npos) << end.error().message;
    if (!fed) {
      EXPECT_FALSE(reader.Feed(TextEvent("lo"), shown));
      EXPECT_EQ(shown, "Hel");
    }
  }
}

TEST(ChatStreamReader, ARefusalIsWhatTheModelSaid) {
  ChatStreamReader reader;
  std::string shown;
  ASSERT_TRUE(
      reader.Feed(Event(R"({"choices":[{"delta":{"refusal":"No."}}]})") + kDoneEvent, shown));
  EXPECT_EQ(shown, "No.");
  EXPECT_TRUE(reader.End());
}

TEST(ChatReply, OfAWholeAnswer) {
  const auto reply = ReadWholeReply(*ParseJson(
      R"({"model":"m-1","choices":[{"message":{"role":"assistant","content":"Hi"},)"
      R"("finish_reason":"length"}],"usage":{"prompt_tokens":2,"completion_tokens":-1}})"));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->text, "Hi");
  EXPECT_EQ(reply->finish, "length");
  EXPECT_EQ(reply->usage->input_tokens(), 2);
  EXPECT_EQ(reply->usage->output_tokens(), 0);
  for (const char* body : {"{}", "[]", R"({"choices":[]})", R"({"choices":[{"message":7}]})"}) {
    EXPECT_FALSE(ReadWholeReply(*ParseJson(body))) << body;
  }
}

// Parts that are larger than their whole must not make a class negative.
TEST(ChatReply, AUsageThatContradictsItselfKeepsItsSums) {
  const auto reply = ReadWholeReply(*ParseJson(
      R"({"choices":[{"message":{"content":""}}],"usage":{"prompt_tokens":3,"completion_tokens":2,)"
      R"("prompt_tokens_details":{"cached_tokens":2,"audio_tokens":9},)"
      R"("completion_tokens_details":{"reasoning_tokens":7}}})"));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->usage->input_tokens(), 3);
  EXPECT_EQ(reply->usage->audio_input, 1);
  EXPECT_EQ(reply->usage->output_tokens(), 2);
  EXPECT_EQ(reply->usage->output_text, 0);
}

TEST(ChatReply, TheMessageOfAnError) {
  EXPECT_EQ(ErrorMessageOf(*ParseJson(R"({"error":{"message":"no"}})")), "no");
  EXPECT_EQ(ErrorMessageOf(*ParseJson(R"({"error":"no"})")), "");
  EXPECT_EQ(ErrorMessageOf(*ParseJson("[]")), "");
}

}  // namespace
}  // namespace podium::app
