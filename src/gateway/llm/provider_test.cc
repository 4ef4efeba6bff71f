// What a provider cannot do is refused with the field at fault, before anything is sent; what it
// can do is asked of it in its own words.
#include "gateway/llm/provider.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/limits.h"
#include "net/handler.h"

namespace podium::gateway::llm {
namespace {

using ::testing::HasSubstr;

Result<UpstreamCall> Encode(bool anthropic, Surface surface, std::string body,
                            const ProviderOptions& options = {}) {
  const std::size_t size = body.size();
  body.append(net::kBodyPadding, '\xAA');
  const std::string_view text = std::string_view(body).substr(0, size);
  JsonScratch scratch;
  FieldScanner scanner;
  const auto fields = scanner.Scan(surface, text);
  if (!fields) return Fail(fields.error());
  const auto adapter = anthropic ? MakeAnthropicAdapter(scratch) : MakeOpenAiAdapter(scratch);
  return adapter->Encode(surface, *fields, text, "up", options);
}

std::string Chat(std::string_view members) {
  return fmt::format(R"({{"model":"m","messages":[],{}}})", members);
}
std::string ChatMessage(std::string_view message) {
  return fmt::format(R"({{"model":"m","messages":[{}]}})", message);
}

TEST(Encode, RefusesWhatTheProviderCannotDo) {
  struct Case {
    bool anthropic;
    Surface surface;
    std::string body;
    const char* where;
  };
  const ProviderOptions translated{.native_responses = false};
  const Case cases[] = {
      {true, Surface::kEmbeddings, R"({"model":"m","input":"a"})", "model"},
      {true, Surface::kChat, R"({"model":"m"})", "messages"},
      {true, Surface::kChat, Chat(R"("n":2)"), "n"},
      {true, Surface::kChat, Chat(R"("logprobs":true)"), "logprobs"},
      {true, Surface::kChat, Chat(R"("functions":[])"), "functions"},
      {true, Surface::kChat, Chat(R"("audio":{})"), "audio"},
      {true, Surface::kChat, Chat(R"("response_format":{"type":"json_object"})"),
       "response_format"},
      {true, Surface::kChat, Chat(R"("response_format":{"type":"json_schema"})"),
       "response_format"},
      {true, Surface::kChat, Chat(R"("tools":[{"type":"web"}])"), "tools[0].type"},
      {true, Surface::kChat, Chat(R"("tool_choice":{"type":"allowed_tools"})"), "tool_choice"},
      {true, Surface::kChat, Chat(R"("stop":[1])"), "stop"},
      {true, Surface::kChat, ChatMessage(R"({"role":"wizard"})"), "messages[0].role"},
      {true, Surface::kChat, ChatMessage(R"({"role":"user","content":7})"), "messages[0].content"},
      {true, Surface::kChat, ChatMessage(R"({"role":"tool","content":"x"})"),
       "messages[0].tool_call_id"},
      {true, Surface::kChat, ChatMessage(R"({"role":"user","content":[{"type":"input_audio"}]})"),
       "messages[0].content[0].type"},
      {true, Surface::kChat,
       ChatMessage(
           R"({"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{"}}]})"),
       "messages[0].tool_calls[0].function.arguments"},
      {true, Surface::kChat,
       ChatMessage(R"({"role":"assistant","podium_thinking":[{"type":"x"}]})"),
       "messages[0].podium_thinking"},
      {true, Surface::kResponses, R"({"model":"m","input":"a","previous_response_id":"r"})",
       "previous_response_id"},
      {true, Surface::kResponses, R"({"model":"m","input":"a","background":true})", "background"},
      {true, Surface::kResponses, R"({"model":"m"})", "input"},
      {true, Surface::kResponses, R"({"model":"m","input":[{"type":"item_reference"}]})",
       "input[0].type"},
      {true, Surface::kResponses, R"({"model":"m","input":"a","tools":[{"type":"web_search"}]})",
       "tools[0].type"},
      {false, Surface::kMessages, R"({"model":"m"})", "messages"},
      {false, Surface::kMessages,
       R"({"model":"m","messages":[],"tools":[{"type":"bash_20250124","name":"bash"}]})",
       "tools[0].type"},
      {false, Surface::kMessages, R"({"model":"m","messages":[],"tools":[{"name":"f"}]})",
       "tools[0].input_schema"},
      {false, Surface::kMessages,
       R"({"model":"m","messages":[{"role":"user","content":[{"type":"server_tool_use"}]}]})",
       "messages[0].content[0].type"},
      {false, Surface::kMessages,
       R"({"model":"m","messages":[{"role":"user","content":[{"type":"image","source":{"type":"file"}}]}]})",
       "messages[0].content[0].source.type"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.body);
    const auto call = Encode(c.anthropic, c.surface, c.body, translated);
    ASSERT_FALSE(call.has_value());
    EXPECT_EQ(call.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(call.error().where, c.where);
  }
}

// What is malformed deep inside is the caller's mistake, said before a provider is bothered.
TEST(Encode, RefusesMalformedBodiesWhereTheyAreRead) {
  const auto call =
      Encode(true, Surface::kChat, R"({"model":"m","messages":[{"role":"user" "content":1}]})");
  ASSERT_FALSE(call.has_value());
  EXPECT_EQ(call.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(call.error().message, HasSubstr("malformed JSON"));
}

// INV-16: at the limit, and one past it.
TEST(Encode, LimitsTheParts) {
  const auto messages = [](std::size_t count) {
    std::string body = R"({"model":"m","messages":[)";
    for (std::size_t i = 0; i < count; ++i) {
      body += i == 0 ? "" : ",";
      body += R"({"role":"user","content":"x"})";
    }
    return Encode(true, Surface::kChat, body + "]}").has_value();
  };
  EXPECT_TRUE(messages(limits::kMaxConversationParts));
  EXPECT_FALSE(messages(limits::kMaxConversationParts + 1));
}

TEST(Encode, OptionsOfTheProvider) {
  const std::string body = R"({"model":"m","input":"a","max_output_tokens":7})";
  EXPECT_EQ(Encode(false, Surface::kResponses, body)->target, "/v1/responses");
  const auto translated =
      Encode(false, Surface::kResponses, body,
             {.base_path = "/api", .native_responses = false, .legacy_max_tokens = true});
  EXPECT_EQ(translated->target, "/api/chat/completions");
  EXPECT_THAT(translated->body, HasSubstr(R"("max_tokens":7)"));
  const auto azure = Encode(false, Surface::kResponses, body,
                            {.base_path = "", .azure_paths = true, .api_version = "a b"});
  EXPECT_EQ(azure->target, "/openai/responses?api-version=a%20b");
  const auto anthropic = Encode(true, Surface::kChat, Chat(R"("x":1)"), {.default_max_tokens = 9});
  EXPECT_THAT(anthropic->body, HasSubstr(R"("max_tokens":9)"));
}

// Gateways in front of Azure stand below a path of their own.
TEST(Encode, AzurePathsBeginWithTheBasePath) {
  const auto target = [](const char* base_path, Surface surface = Surface::kChat) {
    const std::string body = R"({"model":"m","input":"a","messages":[]})";
    const ProviderOptions options{.base_path = base_path, .azure_paths = true, .api_version = "1"};
    return Encode(false, surface, body, options)->target;
  };
  EXPECT_EQ(target(""), "/openai/deployments/up/chat/completions?api-version=1");
  EXPECT_EQ(target("/team/a"), "/team/a/openai/deployments/up/chat/completions?api-version=1");
  EXPECT_EQ(target("/team/a", Surface::kResponses), "/team/a/openai/responses?api-version=1");
  // SDKs take either form of Azure's base URL.
  EXPECT_EQ(target("/openai"), "/openai/deployments/up/chat/completions?api-version=1");
  EXPECT_EQ(target("/a/openai"), "/a/openai/deployments/up/chat/completions?api-version=1");
  EXPECT_EQ(target("/myopenai"), "/myopenai/openai/deployments/up/chat/completions?api-version=1");
}

// There are no streams of embeddings, whatever a caller asks for.
TEST(Encode, EmbeddingsDoNotStream) {
  for (const char* stream : {"true", "false", "null", "\"yes\""}) {
    SCOPED_TRACE(stream);
    const std::string body = fmt::format(R"({{"model":"m","input":"a","stream":{}}})", stream);
    const auto call = Encode(false, Surface::kEmbeddings, body);
    ASSERT_TRUE(call.has_value()) << call.error().message;
    EXPECT_FALSE(call->terms.stream);
    EXPECT_EQ(call->headers[1].second, "application/json");
    EXPECT_THAT(call->body, HasSubstr(fmt::format("\"stream\":{}", stream)));
  }
  RequestFields fields;
  fields.stream = true;
  JsonScratch scratch;
  const auto call = MakeOpenAiAdapter(scratch)->Encode(Surface::kEmbeddings, fields, "{}", "m", {});
  EXPECT_FALSE(call->terms.stream);
  // Not even when somebody streams one all the same.
  EXPECT_NE(MakeOpenAiAdapter(scratch)->Translate(call->terms), nullptr);
}

TEST(Encode, TheAuthSchemeIsTheProviders) {
  JsonScratch scratch;
  EXPECT_EQ(MakeOpenAiAdapter(scratch)->auth({}), AuthScheme::kBearer);
  EXPECT_EQ(MakeOpenAiAdapter(scratch)->auth({.bearer = false}), AuthScheme::kApiKey);
  EXPECT_EQ(MakeAnthropicAdapter(scratch)->auth({}), AuthScheme::kXApiKey);
}

TEST(Decode, AnswersThatAreNoneAreTheProvidersFault) {
  JsonScratch scratch;
  for (const bool anthropic : {false, true}) {
    const auto adapter = anthropic ? MakeAnthropicAdapter(scratch) : MakeOpenAiAdapter(scratch);
    AnswerTerms terms;
    terms.surface = anthropic ? Surface::kChat : Surface::kMessages;
    for (const std::string_view body :
         {"", "<html>", "[]", "{}", R"({"choices":[]})", R"({"choices":[{}],"content":7})"}) {
      SCOPED_TRACE(body);
      const auto answer = adapter->Decode(terms, {}, body);
      ASSERT_TRUE(answer.failure.has_value());
      EXPECT_EQ(answer.failure->kind, FailureKind::kUnreadable);
      EXPECT_THAT(answer.failure->message, ::testing::EndsWith("try again later"));
      EXPECT_FALSE(answer.failure->detail.empty());
    }
  }
}

// Proxies in front of servers say 200 to an error. It is the same error: who may answer instead,
// and what the caller reads, hangs on its kind.
TEST(Decode, AnErrorWithStatus200IsThatError) {
  struct Case {
    const char* body;
    FailureKind kind;
    const char* code;
  };
  const Case cases[] = {
      {R"({"error":{"message":"slow down","type":"rate_limit_error"}})", FailureKind::kRateLimited,
       "rate_limit_exceeded"},
      {R"({"error":{"message":"no","code":"context_length_exceeded","param":"messages"}})",
       FailureKind::kContextLength, "context_length_exceeded"},
      {R"({"error":{"message":"no","code":"content_filter"}})", FailureKind::kContentPolicy,
       "content_filter"},
      {R"({"error":{"message":"bad key","type":"authentication_error"}})", FailureKind::kAuth,
       "service_unavailable"},
      {R"({"error":{"message":"k","type":"invalid_request_error","code":"invalid_api_key"}})",
       FailureKind::kAuth, "service_unavailable"},
      {R"({"error":{"message":"pay","code":"insufficient_quota"}})", FailureKind::kQuota,
       "service_unavailable"},
      {R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})",
       FailureKind::kOverloaded, "service_unavailable"},
      {R"({"error":{"message":"boom","code":502}})", FailureKind::kServer, "service_unavailable"},
      {R"({"error":{"message":"wait","code":429}})", FailureKind::kRateLimited,
       "rate_limit_exceeded"},
      {R"({"object":"error","message":"model length","type":"invalid_request_error"})",
       FailureKind::kBadRequest, ""},
  };
  JsonScratch scratch;
  const std::vector<net::HeaderField> headers = {{"retry-after", "7"}, {"x-should-retry", "false"}};
  for (const bool anthropic : {false, true}) {
    const auto adapter = anthropic ? MakeAnthropicAdapter(scratch) : MakeOpenAiAdapter(scratch);
    for (const Case& c : cases) {
      SCOPED_TRACE(c.body);
      const auto answer = adapter->Decode({}, headers, c.body);
      ASSERT_TRUE(answer.failure.has_value());
      EXPECT_EQ(answer.failure->kind, c.kind);
      EXPECT_EQ(CallErrorOf(*answer.failure).openai_code, c.code);
      EXPECT_EQ(answer.failure->retry_after, std::chrono::seconds(7));
      EXPECT_EQ(answer.failure->should_retry, false);
    }
  }
  const auto answer = MakeOpenAiAdapter(scratch)->Decode({}, {}, cases[1].body);
  EXPECT_EQ(answer.failure->param, "messages");
  EXPECT_EQ(answer.failure->message, "no");
}

TEST(Decode, AResponseThatFailedIsAFailure) {
  JsonScratch scratch;
  const auto adapter = MakeOpenAiAdapter(scratch);
  AnswerTerms terms;
  terms.surface = Surface::kResponses;
  terms.api = UpstreamApi::kResponses;
  const auto failed = adapter->Decode(
      terms, {},
      R"({"object":"response","status":"failed","error":{"code":"rate_limit_exceeded","message":"m"}})");
  ASSERT_TRUE(failed.failure.has_value());
  EXPECT_EQ(failed.failure->kind, FailureKind::kRateLimited);
  const auto whole =
      adapter->Decode(terms, {}, R"({"object":"response","status":"completed","error":null})");
  EXPECT_FALSE(whole.failure.has_value());
}

TEST(Decode, MissingUsageIsEstimated) {
  JsonScratch scratch;
  const auto answer = MakeOpenAiAdapter(scratch)->Decode(
      {}, {}, R"({"choices":[{"message":{"content":"x"},"finish_reason":"stop"}]})");
  EXPECT_FALSE(answer.failure.has_value());
  EXPECT_TRUE(answer.usage.estimated);
  EXPECT_EQ(answer.body, std::nullopt);
}

}  // namespace
}  // namespace podium::gateway::llm
