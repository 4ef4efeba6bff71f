// SDKs raise by status and branch on these words: each surface gets its own, also for what a
// provider says, and none of them tells the provider's credential or address.
#include "gateway/llm/dialect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <tuple>

#include "base/json.h"
#include "base/limits.h"
#include "gateway/llm/models_list.h"

namespace podium::gateway::llm {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr Surface kSurfaces[] = {Surface::kChat, Surface::kEmbeddings, Surface::kResponses,
                                 Surface::kMessages};

std::string ErrorText(Surface surface, const CallError& error) {
  std::string out;
  AppendError(surface, error, out);
  return out;
}

TEST(Dialect, EachSurfaceHasItsOwnShape) {
  const CallError error = CallErrorOf(Error{ErrorCode::kInvalidArgument, "no \"n\"", "n", nullptr});
  EXPECT_EQ(error.status(), 400);
  for (const Surface surface : {Surface::kChat, Surface::kEmbeddings, Surface::kResponses}) {
    EXPECT_EQ(
        ErrorText(surface, error),
        R"({"error":{"message":"no \"n\"","type":"invalid_request_error","param":"n","code":null}})");
  }
  EXPECT_EQ(ErrorText(Surface::kMessages, error),
            R"({"type":"error","error":{"type":"invalid_request_error","message":"no \"n\""}})");
}

TEST(Dialect, EveryErrorCodeHasWordsInBothDialects) {
  for (int i = 0; i < kErrorCodeCount; ++i) {
    const CallError error = CallErrorOf(Error{static_cast<ErrorCode>(i), "m", "", nullptr});
    SCOPED_TRACE(TraitsOf(error.error.code).slug);
    EXPECT_FALSE(error.openai_type.empty());
    EXPECT_FALSE(error.anthropic_type.empty());
    for (const Surface surface : kSurfaces) {
      EXPECT_TRUE(ParseJson(ErrorText(surface, error)).has_value());
    }
  }
  EXPECT_EQ(CallErrorOf(Error{ErrorCode::kNotFound, "", "", nullptr}).openai_code,
            "model_not_found");
  EXPECT_EQ(CallErrorOf(Error{ErrorCode::kLimited, "", "", nullptr}).openai_type,
            "rate_limit_error");
}

TEST(Dialect, FramesOfAnErrorEndAStream) {
  const CallError error = CallErrorOf(Error{ErrorCode::kUnavailable, "cut", "", nullptr});
  const std::tuple<Surface, const char*> cases[] = {
      {Surface::kChat,
       "data: {\"error\":{\"message\":\"cut\",\"type\":\"server_error\",\"param\":null,"
       "\"code\":\"service_unavailable\"}}\n\n"},
      {Surface::kMessages,
       "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
       "\"message\":\"cut\"}}\n\n"},
      {Surface::kResponses,
       "event: error\ndata: {\"type\":\"error\",\"sequence_number\":4,"
       "\"code\":\"service_unavailable\",\"message\":\"cut\",\"param\":null,\"error\":{"
       "\"message\":\"cut\",\"type\":\"server_error\",\"param\":null,"
       "\"code\":\"service_unavailable\"}}\n\n"},
  };
  for (const auto& [surface, want] : cases) {
    std::string out;
    AppendErrorFrame(surface, error, 4, out);
    EXPECT_EQ(out, want);
  }
}

struct RefusedAnswer {
  const char* name;
  int status;
  const char* body;
  FailureKind kind;
  int callers_status;
  const char* code;
};

const RefusedAnswer kAnswers[] = {
    {"bad request", 400,
     R"({"error":{"message":"bad k","type":"invalid_request_error","param":"k","code":null}})",
     FailureKind::kBadRequest, 400, ""},
    {"openai length", 400,
     R"({"error":{"message":"too long","type":"invalid_request_error","code":"context_length_exceeded"}})",
     FailureKind::kContextLength, 400, "context_length_exceeded"},
    {"vllm length", 400,
     R"({"object":"error","message":"This model's maximum context length is 4096","code":400})",
     FailureKind::kContextLength, 400, "context_length_exceeded"},
    {"llama.cpp length", 400,
     R"({"error":{"code":400,"message":"exceeds","type":"exceed_context_size_error"}})",
     FailureKind::kContextLength, 400, "context_length_exceeded"},
    {"anthropic length", 400,
     R"({"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 2"}})",
     FailureKind::kContextLength, 400, "context_length_exceeded"},
    {"azure filter", 400,
     R"({"error":{"message":"x","code":"content_filter","innererror":{"code":"ResponsibleAIPolicyViolation"}}})",
     FailureKind::kContentPolicy, 400, "content_filter"},
    {"our key", 401,
     R"({"error":{"message":"Incorrect API key provided: sk-secret","type":"x","code":"invalid_api_key"}})",
     FailureKind::kAuth, 503, "service_unavailable"},
    {"forbidden", 403, "sk-secret", FailureKind::kAuth, 503, "service_unavailable"},
    {"unknown model", 404, R"({"error":{"message":"The model `sk-secret` does not exist"}})",
     FailureKind::kNotFound, 503, "service_unavailable"},
    {"too large", 413, "", FailureKind::kTooLarge, 413, "request_too_large"},
    {"rate", 429, R"({"error":{"message":"org-sk-secret","type":"tokens"}})",
     FailureKind::kRateLimited, 429, "rate_limit_exceeded"},
    {"quota", 429, R"({"error":{"message":"sk-secret","code":"insufficient_quota"}})",
     FailureKind::kQuota, 503, "service_unavailable"},
    {"anthropic credit", 400,
     R"({"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low sk-secret"}})",
     FailureKind::kQuota, 503, "service_unavailable"},
    {"overloaded", 529,
     R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded sk-secret"}})",
     FailureKind::kOverloaded, 503, "service_unavailable"},
    {"proxy page", 502, "<html>sk-secret</html>", FailureKind::kServer, 503, "service_unavailable"},
    {"gateway timeout", 504, "", FailureKind::kTimeout, 504, "timeout"},
    {"lock", 409, "{}", FailureKind::kServer, 503, "service_unavailable"},
    {"fastapi", 422, R"({"detail":"field required"})", FailureKind::kBadRequest, 400, ""},
    {"redirect", 302, "", FailureKind::kServer, 503, "service_unavailable"},
};

TEST(UpstreamFailure, IsToldToTheOneWhoMustAct) {
  JsonScratch scratch;
  for (const RefusedAnswer& answer : kAnswers) {
    SCOPED_TRACE(answer.name);
    const UpstreamFailure failure = ClassifyAnswer(answer.status, {}, answer.body, scratch);
    EXPECT_EQ(NameOf(failure.kind), NameOf(answer.kind));
    const CallError error = CallErrorOf(failure);
    EXPECT_EQ(error.status(), answer.callers_status);
    EXPECT_EQ(error.openai_code, answer.code);
    EXPECT_FALSE(error.error.message.empty());
    for (const Surface surface : kSurfaces) {
      EXPECT_THAT(ErrorText(surface, error), Not(HasSubstr("sk-secret")));
    }
  }
}

TEST(UpstreamFailure, RelaysTheWordsThatAreForTheCaller) {
  JsonScratch scratch;
  const auto failure = ClassifyAnswer(
      400, {}, R"({"error":{"message":"bad\u0007 temperature","param":"temperature"}})", scratch);
  EXPECT_EQ(failure.message, "bad  temperature");
  EXPECT_EQ(failure.param, "temperature");
  EXPECT_EQ(ClassifyAnswer(400, {}, "", scratch).message,
            "the provider refuses this request without saying why");
  // INV-16.
  const auto relayed = [&](std::size_t bytes) {
    return ClassifyAnswer(400, {}, fmt::format(R"({{"detail":"{}"}})", std::string(bytes, 'x')),
                          scratch)
        .message;
  };
  EXPECT_EQ(relayed(limits::kMaxRelayedMessageBytes).size(), limits::kMaxRelayedMessageBytes);
  EXPECT_THAT(relayed(limits::kMaxRelayedMessageBytes + 1), HasSubstr("…"));
}

TEST(UpstreamFailure, KindsSayWhatHelps) {
  for (int i = 0; i < kFailureKindCount; ++i) {
    const auto kind = static_cast<FailureKind>(i);
    // What the caller did wrong is wrong the second time too, and no fault of the provider's.
    if (!IsProvidersFault(kind)) EXPECT_FALSE(IsRetryable(kind)) << NameOf(kind);
  }
  EXPECT_TRUE(IsRetryable(FailureKind::kRateLimited));
  EXPECT_FALSE(IsRetryable(FailureKind::kQuota));
  EXPECT_FALSE(IsProvidersFault(FailureKind::kContextLength));
}

TEST(RetryAfter, AllItsVariants) {
  using Headers = std::vector<net::HeaderField>;
  struct Case {
    const char* name;
    Headers headers;
    std::optional<milliseconds> want;
  };
  const milliseconds most = limits::kMaxRetryAfter;
  const Case cases[] = {
      {"none", {}, std::nullopt},
      {"seconds", {{"Retry-After", "3"}}, milliseconds(3000)},
      {"fraction", {{"retry-after", "0.25"}}, milliseconds(250)},
      {"milliseconds first",
       {{"Retry-After", "3"}, {"retry-after-ms", "1500"}},
       milliseconds(1500)},
      {"azure", {{"x-ms-retry-after-ms", "20"}}, milliseconds(20)},
      {"date",
       {{"Date", "Sun, 06 Nov 1994 08:49:37 GMT"},
        {"Retry-After", "Sun, 06 Nov 1994 08:50:07 GMT"}},
       milliseconds(30'000)},
      {"past",
       {{"Date", "Sun, 06 Nov 1994 08:49:37 GMT"},
        {"Retry-After", "Sat, 05 Nov 1994 08:50:07 GMT"}},
       milliseconds(0)},
      {"date alone", {{"Retry-After", "Sun, 06 Nov 1994 08:50:07 GMT"}}, std::nullopt},
      {"negative", {{"Retry-After", "-1"}}, std::nullopt},
      {"nan", {{"Retry-After", "nan"}}, std::nullopt},
      {"text", {{"Retry-After", "soon"}}, std::nullopt},
      {"unit", {{"Retry-After", "3s"}}, std::nullopt},
      {"most", {{"retry-after-ms", "3600000"}}, most},
      {"more", {{"retry-after-ms", "3600001"}}, most},
      {"absurd", {{"Retry-After", "1e300"}}, most},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(RetryAfter(c.headers), c.want);
  }
}

TEST(UpstreamFailure, TheProvidersOwnAdviceOnRetries) {
  JsonScratch scratch;
  EXPECT_EQ(ClassifyAnswer(500, {{"x-should-retry", "false"}}, "", scratch).should_retry, false);
  EXPECT_EQ(ClassifyAnswer(400, {{"X-Should-Retry", "true"}}, "", scratch).should_retry, true);
  EXPECT_EQ(ClassifyAnswer(400, {{"x-should-retry", "maybe"}}, "", scratch).should_retry,
            std::nullopt);
}

TEST(ModelsList, IsReadByBothSdks) {
  const ListedModel models[] = {{"support", "podium", 1'767'225'600}, {"gpt-x", "openai", 0}};
  std::string out;
  AppendModelsList(models, out);
  EXPECT_EQ(out,
            R"({"object":"list","data":[{"id":"support","object":"model","created":1767225600,)"
            R"("owned_by":"podium","type":"model","display_name":"support",)"
            R"("created_at":"2026-01-01T00:00:00Z"},{"id":"gpt-x","object":"model","created":0,)"
            R"("owned_by":"openai","type":"model","display_name":"gpt-x",)"
            R"("created_at":"1970-01-01T00:00:00Z"}],"has_more":false,"first_id":"support",)"
            R"("last_id":"gpt-x"})");
  std::string none;
  AppendModelsList({}, none);
  EXPECT_THAT(none, HasSubstr(R"("data":[],"has_more":false,"first_id":null)"));
}

}  // namespace
}  // namespace podium::gateway::llm
