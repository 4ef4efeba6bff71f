// What a provider's failure means: who must act, and whether trying again can help.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/llm/json_scratch.h"
#include "net/http_head.h"

namespace podium::gateway::llm {

enum class FailureKind : std::uint8_t {
  kBadRequest,     ///< The caller's request is wrong for this provider.
  kContextLength,  ///< Too long for this model; a model with more room may take it.
  kContentPolicy,  ///< The provider's filter refuses it.
  kTooLarge,       ///< Too many bytes.
  kAuth,           ///< Our credential is refused: the operator must act.
  kNotFound,       ///< The provider does not know the model or path: the operator must act.
  kQuota,          ///< Our account has no money left: the operator must act.
  kRateLimited,    ///< Too many calls or tokens of ours: later.
  kOverloaded,     ///< The provider has no room now.
  kTimeout,        ///< The provider, or one behind it, was too slow.
  kServer,         ///< The provider's fault.
  kUnreadable,     ///< An answer that is none: malformed, cut, or of another protocol.
  kUnreachable,    ///< No connection, or one that ended before an answer came.
  kNotSent,  ///< Podium did not send it (a limit of its own): the provider has done nothing wrong.
};
inline constexpr int kFailureKindCount = static_cast<int>(FailureKind::kNotSent) + 1;

std::string_view NameOf(FailureKind kind);  ///< "rate_limited", as in labels and records.

/// The same call to the same provider may succeed a moment later.
bool IsRetryable(FailureKind kind);
/// Says something about the provider's health, so that a breaker counts it; a request that is wrong
/// in itself does not.
bool IsProvidersFault(FailureKind kind);

struct UpstreamFailure {
  FailureKind kind = FailureKind::kServer;
  int status = 0;  ///< 0: the answer had status 200, the failure came within it.
  /// The provider's words where they are for the caller (request, length, policy), without control
  /// bytes and shortened; else ours, which name neither provider nor credential.
  std::string message;
  std::string detail;  ///< For logs and records: what made an answer unreadable.
  std::string param;   ///< The field at fault, if the provider names one.
  std::optional<std::chrono::milliseconds> retry_after;
  std::optional<bool> should_retry;  ///< What the provider says itself (`x-should-retry`).
};

/// An answer with a status other than 2xx, of any provider whose errors look like OpenAI's or
/// Anthropic's, or like what servers behind them write.
UpstreamFailure ClassifyAnswer(int status, const std::vector<net::HeaderField>& headers,
                               std::string_view body, JsonScratch& scratch);
/// An object that is known to be an error: `{"error": {…}}`, `{"type":"error", …}` or the error
/// itself.
UpstreamFailure ClassifyFrame(JsonElement error);
/// What a frame of a stream, or a whole answer of status 200, says of a failure: `{"error": {…}}`,
/// `{"type":"error", …}`, `{"object":"error", …}` or whatever comes under the event name "error".
/// Nullopt: it is none. REQUIRES: `frame` is an object.
std::optional<UpstreamFailure> FailureIn(JsonElement frame, std::string_view event = "");
/// What the headers say about trying again, added to a failure: Retry-After and `x-should-retry`.
void TakeAdvice(const std::vector<net::HeaderField>& headers, UpstreamFailure& failure);
/// `what` is for logs and records; the caller reads a text without it.
UpstreamFailure Unreadable(std::string_view what);

/// The call never got an answer: `kind` is kUnreachable, kTimeout, kOverloaded or kNotSent.
UpstreamFailure NoAnswer(FailureKind kind, std::string_view why);

/// `retry-after-ms`, `x-ms-retry-after-ms`, `retry-after` in seconds or as a date (against the
/// answer's own Date, so that no clocks are compared). At most limits::kMaxRetryAfter.
std::optional<std::chrono::milliseconds> RetryAfter(const std::vector<net::HeaderField>& headers);

}  // namespace podium::gateway::llm
