// What a provider of models is to the gateway: one adapter each, pure. Bytes in, bytes out; who
// connects, waits and counts is somebody else.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "gateway/llm/conversation.h"
#include "gateway/llm/dialect.h"
#include "gateway/llm/json_scratch.h"
#include "gateway/llm/request_fields.h"
#include "gateway/llm/surface.h"
#include "gateway/llm/upstream_failure.h"
#include "net/http_head.h"

namespace podium::gateway::llm {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

/// How a provider wants its credential; the flow adds it, the adapter never sees it.
enum class AuthScheme : std::uint8_t {
  kBearer,   ///< `Authorization: Bearer …`
  kApiKey,   ///< `api-key: …`, Azure's
  kXApiKey,  ///< `x-api-key: …`, Anthropic's
};

/// What configuration says about one provider, besides its address and credential.
struct ProviderOptions {
  std::string base_path = "/v1";  ///< Before the endpoint; no slash at its end.
  /// Azure: paths are `/openai/deployments/<upstream model>/…`, with this `api-version`.
  bool azure_paths = false;
  std::string api_version{};  ///< The query parameter; empty: none. Also without azure_paths.
  bool bearer = true;         ///< Of `openai`: false for Azure's header.
  /// The server has `/responses`; else that surface is translated to chat completions.
  bool native_responses = true;
  bool legacy_max_tokens = false;  ///< Knows `max_tokens` only, not `max_completion_tokens`.
  std::string anthropic_version = "2023-06-01";
  /// For Anthropic, which demands a bound, when the caller gives none.
  std::int64_t default_max_tokens = 4096;
};

/// The wire formats that providers speak.
enum class UpstreamApi : std::uint8_t { kChat, kEmbeddings, kResponses, kMessages };

/// What has to be remembered of a request until its answer comes.
struct AnswerTerms {
  Surface surface = Surface::kChat;
  UpstreamApi api = UpstreamApi::kChat;
  bool stream = false;
  bool include_usage = false;      ///< The caller asked for the frame with the usage.
  std::int64_t received_unix = 0;  ///< For answers whose provider has no time of its own.
  std::string echo;                ///< Members of a response that repeat the request, as JSON text.
};

struct UpstreamCall {
  std::string target;  ///< Path and query.
  HeaderList headers;  ///< Without credentials, Host and Content-Length.
  std::string body;
  AnswerTerms terms;
};

struct Answer {
  /// Set: the provider has failed within a status of 200, and there is nothing else.
  std::optional<UpstreamFailure> failure;
  std::optional<std::string> body;  ///< For the caller; nullopt: the provider's, byte for byte.
  TokenUsage usage;                 ///< `estimated` and zero when the provider reports none.
  FinishReason finish = FinishReason::kNone;  ///< Of the first choice.
  std::string upstream_id;
  std::string upstream_model;
};

/// What a stream has shown so far.
struct StreamProgress {
  /// A token that the caller can see was written; before, another provider may still answer.
  bool has_output = false;
  bool ended = false;  ///< The provider's own clean end was seen.
  FinishReason finish = FinishReason::kNone;
  /// Estimated until the provider has counted the output for good; that is 0 as long as it has not
  /// counted it at all.
  TokenUsage usage{.estimated = true};
  std::uint64_t output_bytes = 0;  ///< Of text, arguments and thinking: to estimate from.
  std::string upstream_id;
  std::string upstream_model;
  std::optional<UpstreamFailure> failure;  ///< Why Feed or Finish failed.
};

/// One stream, from the provider's frames to the caller's. Whoever feeds it may hold back what it
/// writes until has_output, and throw it away to try another provider.
class StreamTranslator {
 public:
  virtual ~StreamTranslator() = default;
  /// One event of the provider. Appends what the caller gets of it, which may be nothing; the
  /// clean end is never among it. An error: the provider failed, or the frame makes no sense
  /// (progress().failure says which); what was appended is whole frames, and nothing more may be
  /// fed.
  virtual Status Feed(std::string_view event, std::string_view data, std::string& out) = 0;
  /// The body has ended as HTTP says. Appends the clean end in the caller's dialect, or fails: the
  /// answer was cut. A missing last frame after a finish reason is forgiven.
  virtual Status Finish(std::string& out) = 0;
  /// Ends the caller's stream with an error, whosever; the last call.
  virtual void Abort(const CallError& error, std::string& out) = 0;
  const StreamProgress& progress() const { return progress_; }

 protected:
  /// Records the failure and returns it as the caller's error.
  Status FailWith(UpstreamFailure failure);
  StreamProgress progress_;
};

/// Threads: one per core, as the scratch that it parses with.
class ProviderAdapter {
 public:
  virtual ~ProviderAdapter() = default;
  virtual AuthScheme auth(const ProviderOptions& options) const = 0;
  /// kInvalidArgument with the field in `where`: the request is malformed, or asks what this
  /// provider cannot do. REQUIRES: `fields` were scanned from `body` for that surface.
  virtual Result<UpstreamCall> Encode(Surface surface, const RequestFields& fields,
                                      std::string_view body, std::string_view upstream_model,
                                      const ProviderOptions& options) const = 0;
  /// A whole answer with a 2xx status. It failed: bytes that are no such answer (kUnreadable), or
  /// an error that a server says with status 200, judged as Classify does. Headers: as there.
  virtual Answer Decode(const AnswerTerms& terms, const std::vector<net::HeaderField>& headers,
                        std::string_view body) const = 0;
  /// REQUIRES: terms.stream.
  virtual std::unique_ptr<StreamTranslator> Translate(AnswerTerms terms) const = 0;
  /// Any other status. Headers: Retry-After and its variants.
  virtual UpstreamFailure Classify(int status, const std::vector<net::HeaderField>& headers,
                                   std::string_view body) const = 0;
};

/// What Decode gives when there is no answer. Headers: what they say about trying again.
Answer FailedAnswer(UpstreamFailure failure, const std::vector<net::HeaderField>& headers);

/// REQUIRES: `scratch` outlives the adapter and its translators.
std::unique_ptr<ProviderAdapter> MakeOpenAiAdapter(JsonScratch& scratch);
std::unique_ptr<ProviderAdapter> MakeAnthropicAdapter(JsonScratch& scratch);

}  // namespace podium::gateway::llm
