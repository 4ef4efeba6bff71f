#include "app/chat_conversation.h"

#include <gtest/gtest.h>

namespace podium::app {
namespace {

TEST(ChatConversation, SendsWhatWasSaidInItsOrder) {
  ChatConversation conversation("Be brief.");
  ASSERT_TRUE(conversation.Ask("One?"));
  conversation.Answered("1");
  ASSERT_TRUE(conversation.Ask("Two?"));
  EXPECT_EQ(DumpJson(conversation.Messages()),
            R"([{"role":"system","content":"Be brief."},{"role":"user","content":"One?"},)"
            R"({"role":"assistant","content":"1"},{"role":"user","content":"Two?"}])");
}

// A provider refuses two questions in a row, or answers the failed one after all.
TEST(ChatConversation, AQuestionWithoutAnAnswerWasNeverAsked) {
  ChatConversation conversation("");
  ASSERT_TRUE(conversation.Ask("One?"));
  conversation.Withdraw();
  EXPECT_EQ(DumpJson(conversation.Messages()), "[]");
}

TEST(ChatConversation, ResetKeepsTheSystemsWord) {
  ChatConversation conversation("Be brief.");
  ASSERT_TRUE(conversation.Ask("One?"));
  conversation.Answered("1");
  conversation.Reset();
  EXPECT_EQ(DumpJson(conversation.Messages()), R"([{"role":"system","content":"Be brief."}])");
}

TEST(ChatConversation, TakesTextUpToItsLimit) {
  ChatConversation conversation("sys");
  const std::string most(kMaxConversationBytes - 3, 'x');
  EXPECT_EQ(conversation.Ask(most + "x").error().code, ErrorCode::kTooLarge);
  EXPECT_TRUE(conversation.Ask(most));
  conversation.Answered("");
  EXPECT_EQ(conversation.Ask("x").error().code, ErrorCode::kTooLarge);
  conversation.Reset();
  EXPECT_TRUE(conversation.Ask("x"));
}

TEST(ChatConversation, RefusesWhatIsNoQuestion) {
  ChatConversation conversation("");
  for (const char* question : {"", "  \t\n", "\xff", "cut \xE4\xB8"}) {
    EXPECT_EQ(conversation.Ask(question).error().code, ErrorCode::kInvalidArgument) << question;
  }
  EXPECT_EQ(DumpJson(conversation.Messages()), "[]");
}

TEST(ChatBody, SaysOnlyWhatWasAskedFor) {
  ChatConversation conversation("");
  ASSERT_TRUE(conversation.Ask("Hi"));
  EXPECT_EQ(DumpJson(ChatBody(conversation, {"chat", {}, {}, false})),
            R"({"model":"chat","messages":[{"role":"user","content":"Hi"}]})");
  EXPECT_EQ(DumpJson(ChatBody(conversation, {"chat", 50, 0.5, true})),
            R"({"model":"chat","messages":[{"role":"user","content":"Hi"}],)"
            R"("max_completion_tokens":50,"temperature":0.5,"stream":true,)"
            R"("stream_options":{"include_usage":true}})");
}

}  // namespace
}  // namespace podium::app
