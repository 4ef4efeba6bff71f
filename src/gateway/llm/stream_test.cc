// What goes wrong in streams of real servers: each ends as the caller's SDK can tell, and none as a
// clean end that it is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/limits.h"
#include "gateway/llm/provider.h"

namespace podium::gateway::llm {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// A stream of one adapter, fed frame by frame.
class Stream {
 public:
  Stream(bool anthropic, Surface surface, bool include_usage = false)
      : Stream(anthropic ? UpstreamApi::kMessages : UpstreamApi::kChat, surface, include_usage) {}
  Stream(UpstreamApi api, Surface surface, bool include_usage = false)
      : adapter_(api == UpstreamApi::kMessages ? MakeAnthropicAdapter(scratch_)
                                               : MakeOpenAiAdapter(scratch_)) {
    AnswerTerms terms;
    terms.surface = surface;
    terms.api = api;
    terms.stream = true;
    terms.include_usage = include_usage;
    terms.echo = R"("tools":[])";
    translator_ = adapter_->Translate(std::move(terms));
  }
  /// What the caller gets of it.
  std::string Feed(std::string_view data, std::string_view event = "") {
    std::string out;
    ok_ = translator_->Feed(event, data, out).has_value();
    return out;
  }
  std::string Finish() {
    std::string out;
    ok_ = translator_->Finish(out).has_value();
    return out;
  }
  std::string Abort() {
    std::string out;
    translator_->Abort(CallErrorOf(*progress().failure), out);
    return out;
  }
  bool ok() const { return ok_; }
  const StreamProgress& progress() const { return translator_->progress(); }

 private:
  JsonScratch scratch_;
  std::unique_ptr<ProviderAdapter> adapter_;
  std::unique_ptr<StreamTranslator> translator_;
  bool ok_ = true;
};

std::string Chunk(std::string_view delta, std::string_view finish = "null") {
  return fmt::format(
      R"({{"id":"c","created":7,"model":"m","choices":[{{"index":0,"delta":{},"finish_reason":{}}}]}})",
      delta, finish);
}

std::vector<std::string> Start() {
  return {R"({"type":"message_start","message":{"id":"i","model":"m","usage":{"input_tokens":1}}})",
          R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})"};
}

// INV-14: a cut is never a clean end, whoever speaks to whom.
TEST(Streams, ThatAreCutEndWithAnError) {
  for (const bool anthropic : {false, true}) {
    for (const Surface surface : {Surface::kChat, Surface::kMessages, Surface::kResponses}) {
      SCOPED_TRACE(fmt::format("{} {}", anthropic, NameOf(surface)));
      Stream stream(anthropic, surface);
      if (anthropic) {
        for (const std::string& event : Start()) stream.Feed(event);
        stream.Feed(R"({"type":"content_block_delta","delta":{"type":"text_delta","text":"a"}})");
      } else {
        stream.Feed(Chunk(R"({"content":"a"})"));
      }
      ASSERT_TRUE(stream.ok());
      EXPECT_TRUE(stream.progress().has_output);
      EXPECT_EQ(stream.Finish(), "");
      EXPECT_FALSE(stream.ok());
      EXPECT_EQ(stream.progress().failure->kind, FailureKind::kUnreadable);
      EXPECT_FALSE(stream.progress().ended);
      const std::string end = stream.Abort();
      EXPECT_THAT(end, HasSubstr("\"error\""));
      EXPECT_THAT(end, Not(HasSubstr("[DONE]")));
      EXPECT_TRUE(stream.progress().usage.estimated);
    }
  }
}

struct Way {
  UpstreamApi api;
  Surface surface;
};
constexpr Way kWays[] = {
    {UpstreamApi::kChat, Surface::kChat},          {UpstreamApi::kChat, Surface::kMessages},
    {UpstreamApi::kChat, Surface::kResponses},     {UpstreamApi::kResponses, Surface::kResponses},
    {UpstreamApi::kMessages, Surface::kChat},      {UpstreamApi::kMessages, Surface::kMessages},
    {UpstreamApi::kMessages, Surface::kResponses},
};

/// A stream up to its first token.
void Begin(UpstreamApi api, Stream& stream) {
  if (api == UpstreamApi::kChat) {
    stream.Feed(Chunk(R"({"content":"a"})"));
  } else if (api == UpstreamApi::kMessages) {
    for (const std::string& event : Start()) stream.Feed(event);
    stream.Feed(R"({"type":"content_block_delta","delta":{"type":"text_delta","text":"a"}})");
  } else {
    stream.Feed(R"({"type":"response.created","sequence_number":0,"response":{"id":"r"}})");
    stream.Feed(R"({"type":"response.output_text.delta","sequence_number":1,"delta":"a"})");
  }
  ASSERT_TRUE(stream.ok());
  ASSERT_TRUE(stream.progress().has_output);
}

// INV-14: whatever a provider says instead of its next token, and whoever hears it.
TEST(Streams, ThatFailAfterTheirFirstTokenEndInAnErrorFrame) {
  struct Fault {
    const char* event;
    const char* data;
    FailureKind kind;
  };
  const Fault faults[] = {
      {"", R"({"id":"x","choices":[{)", FailureKind::kUnreadable},
      {"", R"({"error":{"message":"m","type":"overloaded_error","code":null}})",
       FailureKind::kOverloaded},
      {"error", R"({"type":"error","error":{"type":"rate_limit_error","message":"m"}})",
       FailureKind::kRateLimited},
      {"error", R"({"message":"m","type":"server_error"})", FailureKind::kServer},
      {"", R"({"object":"error","message":"m","type":"Internal","code":429})",
       FailureKind::kRateLimited},
      {"", R"({"error":{"message":"m","code":503}})", FailureKind::kOverloaded},
  };
  for (const Way& way : kWays) {
    for (const Fault& fault : faults) {
      SCOPED_TRACE(
          fmt::format("{} {} {}", static_cast<int>(way.api), NameOf(way.surface), fault.data));
      Stream stream(way.api, way.surface);
      Begin(way.api, stream);
      EXPECT_EQ(stream.Feed(fault.data, fault.event), "");
      ASSERT_FALSE(stream.ok());
      EXPECT_EQ(stream.progress().failure->kind, fault.kind);
      EXPECT_FALSE(stream.progress().ended);
      const std::string end = stream.Abort();
      const bool named = way.surface != Surface::kChat;
      EXPECT_TRUE(end.starts_with(named ? "event: error\ndata: {" : "data: {\"error\":")) << end;
      EXPECT_THAT(end, HasSubstr("\"error\":{"));
    }
  }
}

// The number of the last frame is the provider's, whatever he says.
TEST(Streams, TheErrorFrameIsNumberedBehindTheLast) {
  for (const auto& [last, next] : {std::pair<const char*, const char*>{"6", "7"},
                                   {"9223372036854775807", "9223372036854775807"},
                                   {"\"x\"", "0"}}) {
    Stream stream(UpstreamApi::kResponses, Surface::kResponses);
    stream.Feed(fmt::format(
        R"({{"type":"response.output_text.delta","sequence_number":{},"delta":"a"}})", last));
    stream.Feed("{");
    EXPECT_THAT(stream.Abort(), HasSubstr(fmt::format("\"sequence_number\":{},", next)));
  }
}

// A server that fails at once and says [DONE] all the same has not answered.
TEST(Streams, WithoutAChoiceAreNone) {
  for (const Surface surface : {Surface::kChat, Surface::kMessages, Surface::kResponses}) {
    Stream stream(false, surface);
    stream.Feed("[DONE]");
    EXPECT_EQ(stream.Finish(), "");
    EXPECT_FALSE(stream.ok());
  }
}

// Before the first token another provider may still answer: what says nothing must not forbid it.
TEST(Streams, OutputBeginsWithTheFirstRealToken) {
  Stream chat(false, Surface::kChat);
  chat.Feed(Chunk(R"({"role":"assistant","content":""})"));
  EXPECT_FALSE(chat.progress().has_output);
  chat.Feed(Chunk(R"({"content":null})"));
  EXPECT_FALSE(chat.progress().has_output);
  chat.Feed(Chunk(R"({"content":"x"})"));
  EXPECT_TRUE(chat.progress().has_output);
  EXPECT_EQ(chat.progress().output_bytes, 1U);

  for (const Surface surface : {Surface::kChat, Surface::kMessages}) {
    Stream messages(true, surface);
    for (const std::string& event : Start()) messages.Feed(event);
    messages.Feed(R"({"type":"ping"})");
    EXPECT_FALSE(messages.progress().has_output);
    messages.Feed(R"({"type":"content_block_delta","delta":{"type":"text_delta","text":"x"}})");
    EXPECT_TRUE(messages.progress().has_output);
  }
}

// Held back, such a stream would end in a timeout while it flows.
TEST(Streams, FunctionCallsOfOldAndSoundAreOutput) {
  struct Case {
    const char* delta;
    std::uint64_t bytes;  ///< Of what is counted as text.
  };
  const Case cases[] = {
      {R"({"function_call":{"name":"f"}})", 0},
      {R"({"function_call":{"arguments":"{}"}})", 2},
      {R"({"audio":{"id":"a","data":"AAAA"}})", 0},
      {R"({"audio":{"transcript":"hey"}})", 3},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.delta);
    Stream chat(false, Surface::kChat);
    chat.Feed(Chunk(c.delta));
    EXPECT_TRUE(chat.progress().has_output);
    EXPECT_EQ(chat.progress().output_bytes, c.bytes);
  }
  for (const char* delta : {R"({"function_call":{}})", R"({"audio":{"id":"a","expires_at":7}})"}) {
    Stream chat(false, Surface::kChat);
    chat.Feed(Chunk(delta));
    EXPECT_FALSE(chat.progress().has_output) << delta;
  }
}

// The output that a message opens with is a placeholder: a stream that was cut has none that is
// known.
TEST(Streams, AnOutputThatWasNotCountedIsNotKnown) {
  for (const Surface surface : {Surface::kChat, Surface::kMessages}) {
    Stream stream(true, surface);
    stream.Feed(
        R"({"type":"message_start","message":{"id":"i","usage":{"input_tokens":9,"output_tokens":4}}})");
    EXPECT_TRUE(stream.progress().usage.estimated);
    EXPECT_EQ(stream.progress().usage.uncached_input, 9);
    EXPECT_EQ(stream.progress().usage.output_tokens(), 0);
  }
}

TEST(Streams, AnErrorFrameIsTheProvidersFailure) {
  Stream chat(false, Surface::kChat);
  EXPECT_EQ(chat.Feed(R"({"error":{"message":"slow down","type":"rate_limit_error","code":null}})"),
            "");
  EXPECT_FALSE(chat.ok());
  EXPECT_EQ(chat.progress().failure->kind, FailureKind::kRateLimited);
  Stream messages(true, Surface::kMessages);
  messages.Feed(R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})");
  EXPECT_EQ(messages.progress().failure->kind, FailureKind::kOverloaded);
  EXPECT_THAT(messages.Abort(), HasSubstr("event: error\ndata: {\"type\":\"error\""));
}

TEST(Streams, AMalformedFrameIsUnreadable) {
  for (const std::string_view data : {"{", "7", "", "{\"a\":1} x", "\xff"}) {
    SCOPED_TRACE(data);
    for (const bool anthropic : {false, true}) {
      Stream stream(anthropic, Surface::kMessages);
      EXPECT_EQ(stream.Feed(data), "");
      EXPECT_FALSE(stream.ok());
      EXPECT_EQ(stream.progress().failure->kind, FailureKind::kUnreadable);
    }
  }
}

// Servers forget [DONE] after a finish reason; the answer is whole.
TEST(Streams, AMissingLastFrameIsForgiven) {
  Stream chat(false, Surface::kChat);
  chat.Feed(Chunk(R"({"content":"x"})", R"("stop")"));
  EXPECT_EQ(chat.Finish(), "data: [DONE]\n\n");
  EXPECT_TRUE(chat.ok());
  Stream messages(true, Surface::kMessages);
  for (const std::string& event : Start()) messages.Feed(event);
  messages.Feed(
      R"({"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}})");
  EXPECT_THAT(messages.Finish(), HasSubstr("message_stop"));
  EXPECT_FALSE(messages.progress().usage.estimated);
}

// An agent that gets no reason loops for ever.
TEST(Streams, AMissingFinishReasonIsSaid) {
  Stream text(false, Surface::kChat);
  text.Feed(Chunk(R"({"content":"x"})"));
  EXPECT_THAT(text.Feed("[DONE]"), HasSubstr(R"("finish_reason":"stop")"));
  EXPECT_EQ(text.Finish(), "data: [DONE]\n\n");

  Stream call(false, Surface::kMessages);
  call.Feed(Chunk(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"f"}}]})"));
  call.Feed("[DONE]");
  EXPECT_THAT(call.Finish(), HasSubstr(R"("stop_reason":"tool_use")"));
}

TEST(Streams, OneChoiceMayFinishBeforeTheOthers) {
  Stream chat(false, Surface::kChat);
  chat.Feed(R"({"id":"c","model":"m","choices":[{"index":1,"delta":{"content":"a"}},
      {"index":0,"delta":{"content":"b"},"finish_reason":"length"}]})");
  EXPECT_EQ(chat.progress().finish, FinishReason::kLength);
  EXPECT_EQ(chat.Finish(), "");
  EXPECT_FALSE(chat.ok());
}

// Usage, content and finish in one frame: nothing of it may be lost, and who did not ask sees none.
TEST(Streams, UsageInTheFrameOfTheContent) {
  const std::string_view frame =
      R"({"id":"c","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1}})";
  Stream unasked(false, Surface::kChat);
  const std::string out = unasked.Feed(frame);
  EXPECT_THAT(out, HasSubstr(R"("content":"x"},"finish_reason":"stop")"));
  EXPECT_THAT(out, HasSubstr(R"("usage":null)"));
  EXPECT_EQ(unasked.progress().usage.uncached_input, 3);
  Stream asked(false, Surface::kChat, /*include_usage=*/true);
  EXPECT_EQ(asked.Feed(frame), fmt::format("data: {}\n\n", frame));
}

// vLLM and llama.cpp can count on in every frame: the totals are not to be added up.
TEST(Streams, TheLastUsageHolds) {
  Stream chat(false, Surface::kChat);
  for (const int tokens : {1, 2, 3}) {
    chat.Feed(fmt::format(
        R"({{"choices":[{{"index":0,"delta":{{"content":"x"}}}}],"usage":{{"prompt_tokens":5,"completion_tokens":{}}}}})",
        tokens));
  }
  EXPECT_EQ(chat.progress().usage.output_text, 3);
}

// Two calls whose arguments come in turns are legal; each piece belongs to its own.
TEST(Streams, InterleavedToolCallsStayApart) {
  for (const Surface surface : {Surface::kMessages, Surface::kResponses}) {
    Stream stream(false, surface);
    stream.Feed(Chunk(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"f"}},
                                        {"index":1,"id":"b","function":{"name":"g"}}]})"));
    stream.Feed(Chunk(R"({"tool_calls":[{"index":0,"function":{"arguments":"{\"x\":"}}]})"));
    stream.Feed(Chunk(R"({"tool_calls":[{"index":1,"function":{"arguments":"{}"}}]})"));
    const std::string last =
        stream.Feed(Chunk(R"({"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]})"));
    ASSERT_TRUE(stream.ok());
    EXPECT_THAT(last, HasSubstr(surface == Surface::kMessages ? R"("index":0,"delta")"
                                                              : R"("output_index":0)"));
    stream.Feed("[DONE]");
    const std::string end = stream.Finish();
    if (surface == Surface::kResponses) EXPECT_THAT(end, HasSubstr(R"("arguments":"{\"x\":1}")"));
  }
}

TEST(Streams, CallsWithoutAnIndexAreToldApart) {
  Stream stream(false, Surface::kMessages);
  stream.Feed(Chunk(R"({"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]})"));
  const std::string second =
      stream.Feed(Chunk(R"({"tool_calls":[{"id":"b","function":{"name":"g","arguments":"{}"}}]})"));
  EXPECT_THAT(second, HasSubstr(R"("id":"b","name":"g")"));
}

TEST(Streams, GiantEventsPassWhole) {
  const std::string text(1 << 20, 'x');
  const std::string frame = Chunk(fmt::format(R"({{"content":"{}"}})", text));
  Stream pass(false, Surface::kChat);
  EXPECT_EQ(pass.Feed(frame), "data: " + frame + "\n\n");
  Stream retold(false, Surface::kMessages);
  EXPECT_THAT(retold.Feed(frame), HasSubstr(text));
}

// INV-16: at each limit, and one past it.
TEST(Streams, Limits) {
  const auto choice = [](std::int64_t index) {
    Stream chat(false, Surface::kChat);
    chat.Feed(fmt::format(R"({{"choices":[{{"index":{},"delta":{{}}}}]}})", index));
    return chat.ok();
  };
  EXPECT_TRUE(choice(limits::kMaxChoices - 1));
  EXPECT_FALSE(choice(limits::kMaxChoices));
  EXPECT_FALSE(choice(-1));

  Stream calls(false, Surface::kMessages);
  const auto call = [&](std::size_t index) {
    calls.Feed(Chunk(fmt::format(
        R"({{"tool_calls":[{{"index":{},"id":"a","function":{{"name":"f"}}}}]}})", index)));
    return calls.ok();
  };
  for (std::size_t i = 0; i < limits::kMaxStreamBlocks; ++i) ASSERT_TRUE(call(i));
  EXPECT_FALSE(call(limits::kMaxStreamBlocks));

  Stream whole(false, Surface::kResponses);
  const std::string half(limits::kMaxRepeatedAnswerBytes / 2, 'x');
  whole.Feed(Chunk(fmt::format(R"({{"content":"{}"}})", half)));
  whole.Feed(Chunk(fmt::format(R"({{"content":"{}"}})", half)));
  EXPECT_TRUE(whole.ok());
  whole.Feed(Chunk(R"({"content":"x"})"));
  EXPECT_FALSE(whole.ok());
}

// A core's streams share one scratch: frames of one must not show in another.
TEST(Streams, ShareAScratch) {
  JsonScratch scratch;
  const auto adapter = MakeOpenAiAdapter(scratch);
  AnswerTerms terms;
  terms.surface = Surface::kMessages;
  const auto a = adapter->Translate(terms);
  const auto b = adapter->Translate(terms);
  std::string first, second;
  for (const char* text : {"1", "2", "3"}) {
    ASSERT_TRUE(a->Feed("", Chunk(fmt::format(R"({{"content":"a{}"}})", text)), first));
    ASSERT_TRUE(b->Feed("", Chunk(fmt::format(R"({{"content":"b{}"}})", text)), second));
  }
  EXPECT_THAT(first, HasSubstr("a3"));
  EXPECT_THAT(first, Not(HasSubstr("b2")));
  EXPECT_THAT(second, HasSubstr("b3"));
}

}  // namespace
}  // namespace podium::gateway::llm
