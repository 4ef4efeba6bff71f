#include "app/demo_fake_model.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "app/chat_reply.h"
#include "base/json.h"

namespace podium::app {
namespace {

using std::chrono::seconds;

FakeCall Call(FakeMood mood = FakeMood::kWell) { return {"fake-steady", 7, 1'700'000'000, mood}; }

std::string Body(std::string_view more = "") {
  return fmt::format(
      R"({{"model":"steady-1","messages":[{{"role":"system","content":"Be brief."}},)"
      R"({{"role":"user","content":"Who are you?"}}]{}}})",
      more);
}

// Nobody may take a fake for a model, nor the demo's figures for a provider's.
TEST(DemoFakeModel, SaysThatItIsAFake) {
  const Result<ChatReply> reply = ReadWholeReply(*ParseJson(ReplyTo(Call(), Body()).body));
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_NE(reply->text.find("I am fake-steady, a fake provider"), std::string::npos);
  EXPECT_NE(reply->text.find("\"Who are you?\""), std::string::npos);
  EXPECT_EQ(reply->finish, "stop");
  EXPECT_EQ(reply->model, "steady-1");
  EXPECT_EQ(reply->usage->input_tokens(), 5);
}

TEST(DemoFakeModel, StreamedAndWholeSayTheSame) {
  const FakeReply whole = ReplyTo(Call(), Body());
  const FakeReply streamed =
      ReplyTo(Call(), Body(R"(,"stream":true,"stream_options":{"include_usage":true})"));
  EXPECT_EQ(streamed.status, 200);
  EXPECT_EQ(streamed.body, "");
  EXPECT_GT(streamed.frames.size(), 20U);
  ChatStreamReader reader;
  std::string text;
  for (const std::string& frame : streamed.frames) ASSERT_TRUE(reader.Feed(frame, text));
  EXPECT_TRUE(reader.End());
  const Result<ChatReply> reply = ReadWholeReply(*ParseJson(whole.body));
  ASSERT_TRUE(reply);
  EXPECT_EQ(text, reply->text);
  EXPECT_EQ(reader.reply().usage, reply->usage);
  EXPECT_EQ(reader.reply().finish, "stop");
}

TEST(DemoFakeModel, UsageComesOnlyToWhoAskedForIt) {
  for (const std::string& frame : ReplyTo(Call(), Body(R"(,"stream":true)")).frames) {
    EXPECT_EQ(frame.find("usage"), std::string::npos);
  }
}

TEST(DemoFakeModel, KeepsToTheLimitOfTokens) {
  for (const char* field : {"max_tokens", "max_completion_tokens"}) {
    const FakeReply reply = ReplyTo(Call(), Body(fmt::format(R"(,"{}":3)", field)));
    const Result<ChatReply> read = ReadWholeReply(*ParseJson(reply.body));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->text, "I am fake-steady, ");
    EXPECT_EQ(read->finish, "length");
    EXPECT_EQ(read->usage->output_tokens(), 3);
  }
}

TEST(DemoFakeModel, AMoodIsAnErrorOrAPause) {
  struct Case {
    FakeMood mood;
    int status;
    bool is_late;
    bool says_when;
  };
  const Case cases[] = {{FakeMood::kWell, 200, false, false},
                        {FakeMood::kSlow, 200, true, false},
                        {FakeMood::kOverloaded, 503, false, false},
                        {FakeMood::kRateLimited, 429, false, true}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.status);
    const FakeReply reply = ReplyTo(Call(c.mood), Body());
    EXPECT_EQ(reply.status, c.status);
    EXPECT_EQ(reply.before >= seconds(1), c.is_late);
    EXPECT_EQ(reply.retry_after.count() > 0, c.says_when);
    EXPECT_EQ(ErrorMessageOf(*ParseJson(reply.body)).empty(), c.status == 200);
  }
}

TEST(DemoFakeModel, WhatIsNoQuestionIsRefused) {
  for (const char* body : {"", "{}", "[]", R"({"messages":7})", "{\"messages\":[]"}) {
    const FakeReply reply = ReplyTo(Call(), body);
    EXPECT_EQ(reply.status, 400) << body;
    EXPECT_NE(ErrorMessageOf(*ParseJson(reply.body)), "") << body;
  }
  // Parts, and messages of no shape at all.
  const FakeReply parts = ReplyTo(
      Call(),
      R"({"messages":[7,{"role":"user","content":[{"type":"text","text":"in parts"},7]}]})");
  EXPECT_NE(parts.body.find("in parts"), std::string::npos);
}

TEST(DemoFakeModel, OnlyTheMoodyOneHasMoods) {
  int failed = 0;
  int slow = 0;
  for (std::uint64_t call = 1; call <= 1'000; ++call) {
    EXPECT_EQ(MoodOf(FakeCharacter::kSteady, call, kFirstSpell), FakeMood::kWell);
    EXPECT_EQ(MoodOf(FakeCharacter::kMoody, call, kFirstSpell), FakeMood::kOverloaded);
    const FakeMood mood = MoodOf(FakeCharacter::kMoody, call, seconds(0));
    failed += mood == FakeMood::kOverloaded || mood == FakeMood::kRateLimited ? 1 : 0;
    slow += mood == FakeMood::kSlow ? 1 : 0;
  }
  // Now and then: most calls are answered at once.
  EXPECT_GT(failed, 100);
  EXPECT_LT(failed, 300);
  EXPECT_GT(slow, 30);
}

TEST(DemoFakeModel, ABadSpellBeginsEndsAndComesBack) {
  const auto is_bad = [](std::chrono::nanoseconds since_start) {
    return MoodOf(FakeCharacter::kMoody, 1, since_start) == FakeMood::kOverloaded;
  };
  constexpr std::chrono::nanoseconds kTick{1};
  EXPECT_FALSE(is_bad(kFirstSpell - kTick));
  EXPECT_TRUE(is_bad(kFirstSpell));
  EXPECT_TRUE(is_bad(kFirstSpell + kSpellLength - kTick));
  EXPECT_FALSE(is_bad(kFirstSpell + kSpellLength));
  EXPECT_TRUE(is_bad(kFirstSpell + 3 * kSpellEvery));
}

}  // namespace
}  // namespace podium::app
