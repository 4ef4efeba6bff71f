// One attempt at one provider: sent, waited for, and judged before a byte of it reaches the caller.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/task.h"
#include "gateway/attempt_record.h"
#include "gateway/gateway_core.h"
#include "gateway/llm/provider.h"
#include "gateway/llm_stream.h"
#include "gateway/provider_table.h"
#include "net/upstream.h"

namespace podium::gateway {

/// How an attempt ended, as far as its caller's answer goes.
struct AttemptEnd {
  /// Set: it failed, and nothing of it has reached the caller.
  std::optional<llm::UpstreamFailure> failure;
  bool by_our_deadline = false;
  bool cancelled = false;  ///< By Cancel or the end of the server: nobody waits for an answer.

  /// Set: it was answered and paid for, and a hook keeps the answer back.
  std::optional<Error> withheld;

  std::string body;                   ///< The whole answer, of one that is not streamed.
  std::unique_ptr<LlmStream> stream;  ///< From the first token on.
  std::optional<NanoUsd> cost;        ///< Known once the attempt has ended.
};

/// What goes out: the adapter's call with credential, caller's headers and time limits.
/// `deadline` is that of the caller's whole call.
net::UpstreamRequest RequestOf(const Provider& provider, const llm::ProviderAdapter& adapter,
                               llm::UpstreamCall call, const llm::HeaderList& passed_on,
                               SteadyTime now, SteadyTime deadline);

/// Threads: its core's. Everything it is given outlives Run; a stream outlives it.
class LlmAttempt {
 public:
  LlmAttempt(GatewayCore& core, const Provider& provider, const llm::ProviderAdapter& adapter,
             std::unique_ptr<AttemptRecord> record)
      : core_(core), provider_(provider), adapter_(adapter), record_(std::move(record)) {}

  Task<AttemptEnd> Run(net::UpstreamRequest request, llm::AnswerTerms terms, SteadyTime deadline);
  /// Ends Run soon, and the provider's work. May be called at any time.
  void Cancel();

 private:
  AttemptEnd Refused(const Result<std::string>& body);
  AttemptEnd Whole(const llm::AnswerTerms& terms, Result<std::string> body);
  Task<AttemptEnd> Streamed(llm::AnswerTerms terms, SteadyTime deadline);
  std::optional<Error> Judge(std::string_view answer);
  AttemptEnd Fail(llm::UpstreamFailure failure, bool billed, bool by_our_deadline = false,
                  const TokenUsage& usage = {});
  AttemptEnd FailUnbegun(const StreamPump& pump);
  AttemptEnd FailBy(const Error& error, const TokenUsage& usage = {});

  GatewayCore& core_;
  const Provider& provider_;
  const llm::ProviderAdapter& adapter_;
  std::unique_ptr<AttemptRecord> record_;
  net::SendCancel cancel_;
  std::unique_ptr<net::UpstreamResponse> response_;
};

}  // namespace podium::gateway
