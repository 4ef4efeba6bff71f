#include "gateway/llm_attempt.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/limits.h"
#include "gateway/whole_body.h"

namespace podium::gateway {
namespace {

constexpr std::chrono::seconds kRefusalPatience{2};

void AddCredential(const Provider& provider, llm::AuthScheme scheme, llm::HeaderList& headers) {
  if (provider.credential.empty()) return;
  const std::string& key = provider.credential.Reveal();
  switch (scheme) {
    case llm::AuthScheme::kBearer:
      headers.emplace_back("Authorization", "Bearer " + key);
      return;
    case llm::AuthScheme::kApiKey:
      headers.emplace_back("api-key", key);
      return;
    case llm::AuthScheme::kXApiKey:
      headers.emplace_back("x-api-key", key);
      return;
  }
}

// Before it was sent whole nobody can have worked for it.
bool MayBeBilled(const Error& error) {
  const auto phase = net::PhaseOf(error);
  return phase == net::UpstreamPhase::kSent || phase == net::UpstreamPhase::kHead ||
         phase == net::UpstreamPhase::kBody;
}

}  // namespace

net::UpstreamRequest RequestOf(const Provider& provider, const llm::ProviderAdapter& adapter,
                               llm::UpstreamCall call, const llm::HeaderList& passed_on,
                               SteadyTime now, SteadyTime deadline) {
  net::UpstreamRequest request;
  request.target = std::move(call.target);
  request.headers = std::move(call.headers);
  request.headers.insert(request.headers.end(), passed_on.begin(), passed_on.end());
  AddCredential(provider, adapter.auth(provider.options), request.headers);
  request.body = std::move(call.body);
  // INV-11: what is sent again is another attempt, with a record of its own.
  request.repeatable = false;
  const ProviderTimeouts& timeouts = provider.timeouts;
  const std::chrono::nanoseconds patience =
      call.terms.stream ? timeouts.first_token : timeouts.total;
  request.timeouts.connect = timeouts.connect;
  request.timeouts.head = patience;
  request.timeouts.idle = timeouts.idle;
  request.timeouts.deadline = std::min(deadline, now + patience);
  return request;
}

AttemptEnd LlmAttempt::Fail(llm::UpstreamFailure failure, bool billed, bool by_our_deadline,
                            const TokenUsage& usage) {
  record_->Failed(failure, billed, usage);
  AttemptEnd end;
  end.cost = record_->cost();
  end.failure = std::move(failure);
  end.by_our_deadline = by_our_deadline;
  return end;
}

AttemptEnd LlmAttempt::FailBy(const Error& error, const TokenUsage& usage) {
  if (net::WasCancelled(error)) {
    record_->CallerLeft(usage, MayBeBilled(error));
    AttemptEnd end;
    end.cancelled = true;
    end.cost = record_->cost();
    return end;
  }
  return Fail(FailureOf(error), MayBeBilled(error), error.code == ErrorCode::kDeadline, usage);
}

void LlmAttempt::Cancel() {
  cancel_.Cancel();
  if (response_) response_->Cancel();
}

Task<AttemptEnd> LlmAttempt::Run(net::UpstreamRequest request, llm::AnswerTerms terms,
                                 SteadyTime deadline) {
  request.cancel = &cancel_;
  auto send = core_.llm->UpstreamOf(provider_).Send(provider_.origin, std::move(request));
  Result<std::unique_ptr<net::UpstreamResponse>> sent = co_await std::move(send);
  if (!sent) co_return FailBy(sent.error());
  response_ = *std::move(sent);
  const bool refused = response_->status() < 200 || response_->status() > 299;
  if (!refused && terms.stream) {
    auto streamed = Streamed(std::move(terms), deadline);
    co_return co_await std::move(streamed);
  }
  // What a refusal has to add to its status must not hold up who is asked next.
  if (refused) response_->SetDeadline(core_.shared.clock.SteadyNow() + kRefusalPatience);
  WholeBody body(refused ? limits::kMaxUpstreamErrorBytes : limits::kMaxLlmAnswerBytes);
  while (!body.is_over()) {
    std::optional<std::string_view> piece = response_->TryRead();
    if (piece) {
      body.Take(*piece);
      continue;
    }
    auto read = response_->ReadSome();
    body.Take(co_await std::move(read));
  }
  co_return refused ? Refused(body.Text()) : Whole(terms, body.Text());
}

/// Why the whole answer may not go out, if it may not.
std::optional<Error> LlmAttempt::Judge(std::string_view answer) {
  Status safe = record_->passage().SafetyOut(answer);
  return safe ? std::nullopt : std::optional(std::move(safe).error());
}

AttemptEnd LlmAttempt::Refused(const Result<std::string>& body) {
  // What cannot be read whole has a status all the same.
  const std::string_view text = body ? std::string_view(*body) : std::string_view();
  return Fail(adapter_.Classify(response_->status(), response_->headers(), text), false);
}

AttemptEnd LlmAttempt::Whole(const llm::AnswerTerms& terms, Result<std::string> body) {
  if (!body && body.error().code == ErrorCode::kTooLarge) {
    return Fail(llm::Unreadable(body.error().message), true);
  }
  if (!body) return FailBy(body.error());
  llm::Answer answer = adapter_.Decode(terms, response_->headers(), *body);
  if (answer.failure) {
    // Who says why it failed has not worked; what nobody can read may have been an answer.
    const bool billed = answer.failure->kind == llm::FailureKind::kUnreadable;
    return Fail(*std::move(answer.failure), billed);
  }
  AttemptEnd end;
  end.body = answer.body ? *std::move(answer.body) : *std::move(body);
  end.withheld = Judge(end.body);
  if (AttemptTrace* trace = record_->trace()) trace->SetResponseModel(answer.upstream_model);
  record_->set_output_bytes(end.body.size());
  record_->Answered(answer.usage, answer.finish);
  end.cost = record_->cost();
  return end;
}

/// Who says why it failed has not worked, but for what it says it has read.
AttemptEnd LlmAttempt::FailUnbegun(const StreamPump& pump) {
  llm::UpstreamFailure failure = pump.failure();
  const TokenUsage& seen = pump.progress().usage;
  const bool billed = failure.kind == llm::FailureKind::kUnreadable || seen.input_tokens() > 0;
  return Fail(std::move(failure), billed, false, seen);
}

// Nothing goes out before the first token: until then somebody else may still answer.
Task<AttemptEnd> LlmAttempt::Streamed(llm::AnswerTerms terms, SteadyTime deadline) {
  const llm::Surface surface = terms.surface;
  auto owned = std::make_unique<StreamPump>(adapter_.Translate(std::move(terms)));
  StreamPump& pump = *owned;
  std::string held;
  bool whole = false;
  std::optional<llm::UpstreamFailure> broken;
  while (!pump.progress().has_output && held.size() <= limits::kMaxHeldStreamBytes && !whole) {
    auto read = response_->ReadSome();
    const Result<std::string_view> piece = co_await std::move(read);
    if (!piece) co_return FailBy(piece.error(), pump.progress().usage);
    whole = piece->empty();
    const Status taken = whole ? pump.Finish(held) : pump.Take(*piece, held);
    if (taken) continue;
    if (!pump.progress().has_output) co_return FailUnbegun(pump);
    // INV-14: how the network cut the bytes must not decide who answers.
    broken = pump.failure();
    whole = false;
  }
  if (pump.progress().has_output && !broken) record_->FirstToken();
  const SteadyTime now = core_.shared.clock.SteadyNow();
  response_->SetDeadline(std::min(deadline, now + provider_.timeouts.total));
  if (AttemptTrace* trace = record_->trace()) {
    trace->SetFirstOutput(now);
    trace->SetResponseModel(pump.progress().upstream_model);
  }
  AttemptEnd end;
  if (whole) {
    end.withheld = Judge(held);
    record_->set_output_bytes(pump.progress().output_bytes);
    record_->Answered(pump.progress().usage, pump.progress().finish);
    end.cost = record_->cost();
    if (end.withheld) co_return end;
    core_.llm->metrics.CountCall(surface, CallOutcome::kOk);
  }
  end.stream = std::make_unique<LlmStream>(
      core_, LlmStream::Parts{std::move(response_), std::move(owned), std::move(record_),
                              std::move(held), whole, std::move(broken), surface});
  co_return end;
}

}  // namespace podium::gateway
