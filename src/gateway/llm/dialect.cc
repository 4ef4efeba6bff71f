#include "gateway/llm/dialect.h"

#include <array>
#include <cstddef>
#include <utility>

#include "gateway/llm/json_text.h"
#include "net/sse_parser.h"

namespace podium::gateway::llm {
namespace {

struct DialectWords {
  std::string_view openai_type;
  std::string_view openai_code;
  std::string_view anthropic_type;
};

constexpr std::string_view kInvalid = "invalid_request_error";

/// In the order of ErrorCode.
constexpr std::array<DialectWords, kErrorCodeCount> kWords{{
    {kInvalid, "", kInvalid},                                             // kInvalidArgument
    {"authentication_error", "invalid_api_key", "authentication_error"},  // kUnauthenticated
    {"permission_error", "permission_denied", "permission_error"},        // kPermissionDenied
    {kInvalid, "model_not_found", "not_found_error"},                     // kNotFound
    {kInvalid, "method_not_allowed", kInvalid},                           // kMethodNotAllowed
    {kInvalid, "conflict", kInvalid},                                     // kConflict
    {kInvalid, "revision_mismatch", kInvalid},                            // kRevisionMismatch
    {kInvalid, "request_too_large", "request_too_large"},                 // kTooLarge
    {kInvalid, "unsupported_media_type", kInvalid},                       // kUnsupportedMedia
    {kInvalid, "unprocessable", kInvalid},                                // kUnprocessable
    {kInvalid, "request_timeout", "timeout_error"},                       // kTimeout
    {"rate_limit_error", "rate_limit_exceeded", "rate_limit_error"},      // kLimited
    {"server_error", "service_unavailable", "overloaded_error"},          // kUnavailable
    {"server_error", "timeout", "timeout_error"},                         // kDeadline
    {kInvalid, "not_implemented", kInvalid},                              // kNotImplemented
    {"server_error", "internal_error", "api_error"},                      // kInternal
}};

ErrorCode CodeOf(FailureKind kind) {
  switch (kind) {
    case FailureKind::kBadRequest:
    case FailureKind::kContextLength:
    case FailureKind::kContentPolicy:
      return ErrorCode::kInvalidArgument;
    case FailureKind::kTooLarge:
      return ErrorCode::kTooLarge;
    case FailureKind::kRateLimited:
      return ErrorCode::kLimited;
    case FailureKind::kTimeout:
      return ErrorCode::kDeadline;
    case FailureKind::kAuth:
    case FailureKind::kNotFound:
    case FailureKind::kQuota:
    case FailureKind::kOverloaded:
    case FailureKind::kServer:
    case FailureKind::kUnreadable:
    case FailureKind::kUnreachable:
    case FailureKind::kNotSent:
      return ErrorCode::kUnavailable;
  }
  return ErrorCode::kInternal;
}

void StringOrNull(JsonText& json, std::string_view key, std::string_view value) {
  json.Key(key);
  if (value.empty()) {
    json.Null();
  } else {
    json.String(value);
  }
}

void AppendOpenAiObject(const CallError& error, JsonText& json) {
  json.Object().Member("message", error.error.message).Member("type", error.openai_type);
  StringOrNull(json, "param", error.error.where);
  StringOrNull(json, "code", error.openai_code);
  json.EndObject();
}

void AppendResponsesFrame(const CallError& error, std::int64_t sequence, std::string& out) {
  std::string data;
  JsonText json(data);
  json.Object().Member("type", "error").Key("sequence_number").Number(sequence);
  StringOrNull(json, "code", error.openai_code);
  json.Member("message", error.error.message);
  StringOrNull(json, "param", error.error.where);
  // SDKs that read a stream without looking at types raise on this member.
  json.Key("error");
  AppendOpenAiObject(error, json);
  json.EndObject();
  net::AppendSseEvent("error", data, out);
}

}  // namespace

CallError CallErrorOf(Error error) {
  const DialectWords& words = kWords[static_cast<std::size_t>(error.code)];
  return {std::move(error), words.openai_type, words.openai_code, words.anthropic_type};
}

CallError CallErrorOf(const UpstreamFailure& failure) {
  CallError out = CallErrorOf(Error{CodeOf(failure.kind), failure.message, failure.param, nullptr});
  if (failure.kind == FailureKind::kContextLength) out.openai_code = "context_length_exceeded";
  if (failure.kind == FailureKind::kContentPolicy) out.openai_code = "content_filter";
  if (failure.kind == FailureKind::kServer) out.anthropic_type = "api_error";
  return out;
}

void AppendError(Surface surface, const CallError& error, std::string& out) {
  JsonText json(out);
  json.Object();
  if (surface == Surface::kMessages) {
    json.Member("type", "error").Key("error").Object();
    json.Member("type", error.anthropic_type).Member("message", error.error.message).EndObject();
  } else {
    json.Key("error");
    AppendOpenAiObject(error, json);
  }
  json.EndObject();
}

void AppendErrorFrame(Surface surface, const CallError& error, std::int64_t sequence,
                      std::string& out) {
  if (surface == Surface::kResponses) return AppendResponsesFrame(error, sequence, out);
  std::string data;
  AppendError(surface, error, data);
  net::AppendSseEvent(surface == Surface::kMessages ? "error" : "", data, out);
}

}  // namespace podium::gateway::llm
