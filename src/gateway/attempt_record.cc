#include "gateway/attempt_record.h"

#include <algorithm>
#include <utility>

namespace podium::gateway {
namespace {

constexpr std::int64_t kBytesPerToken = 4;

std::int64_t TokensOf(std::uint64_t bytes) {
  return (static_cast<std::int64_t>(bytes) + kBytesPerToken - 1) / kBytesPerToken;
}

}  // namespace

TokenUsage CompleteUsage(TokenUsage reported, std::size_t request_bytes,
                         std::uint64_t output_bytes) {
  if (reported.input_tokens() == 0) reported.uncached_input = TokensOf(request_bytes);
  const std::int64_t unseen = TokensOf(output_bytes) - reported.output_tokens();
  reported.output_text += std::max<std::int64_t>(unseen, 0);
  reported.estimated = true;
  return reported;
}

std::unique_ptr<AttemptRecord> AttemptRecord::Begin(GatewayCore& core, Passage& passage,
                                                    AttemptSubject subject,
                                                    journal::IntentView intent,
                                                    std::size_t request_bytes) {
  passage.RequireAdmitted();
  const ledger::Cost most =
      core.llm->prices->CostOf(intent.estimate, intent.provider, intent.upstream_model, intent.at);
  intent.estimated_cost = most.amount;
  intent.price_id = most.price_id;
  journal::Writer* writer = core.llm->writer;
  const std::optional<journal::OpenAttempt> open =
      writer == nullptr ? std::nullopt : journal::WriteIntent(*writer, intent);
  if (!open) {
    if (subject.breaker != nullptr) subject.breaker->Withdrawn(subject.ticket);
    return nullptr;
  }
  auto record = std::unique_ptr<AttemptRecord>(
      new AttemptRecord(core, passage, std::move(subject), *open, request_bytes));
  const BoardedBreaker* breaker = record->subject_.breaker;
  const bool model_known = breaker == nullptr || !breaker->is_shared();
  record->trace_ = AttemptTrace::Begin(passage.trace(), intent, model_known, record->begun_);
  return record;
}

AttemptRecord::AttemptRecord(GatewayCore& core, Passage& passage, AttemptSubject subject,
                             journal::OpenAttempt open, std::size_t request_bytes)
    : core_(core),
      passage_(&passage),
      subject_(std::move(subject)),
      open_(open),
      request_bytes_(request_bytes),
      begun_(core.shared.clock.SteadyNow()) {}

AttemptRecord::~AttemptRecord() {
  if (!ended_) CallerLeft({.estimated = true});
}

std::chrono::nanoseconds AttemptRecord::Elapsed() const {
  return core_.shared.clock.SteadyNow() - begun_;
}

void AttemptRecord::FirstToken() {
  const std::chrono::nanoseconds after = Elapsed();
  subject_.rollout.FirstToken(after);
  if (counts_in_role()) subject_.version->RecordFirstToken(core_.index, subject_.canary, after);
  if (subject_.breaker == nullptr || !subject_.ticket.probe) return;
  subject_.breaker->Succeeded(core_.index, subject_.ticket, core_.shared.clock.SteadyNow());
  subject_.breaker = nullptr;  // One ticket says one thing.
}

void AttemptRecord::Answered(TokenUsage usage, llm::FinishReason finish) {
  const SteadyTime now = core_.shared.clock.SteadyNow();
  const std::chrono::nanoseconds took = now - begun_;
  if (subject_.breaker != nullptr) {
    subject_.breaker->Succeeded(core_.index, subject_.ticket, now);
  }
  core_.llm->metrics.CountAnswered(subject_.provider, finish);
  if (trace_ && finish != llm::FinishReason::kNone) trace_->SetFinish(llm::NameOf(finish));
  CountVersion(view::Outcome::kOk, took);
  End(AttemptStatus::kOk, usage);
  std::optional<std::int64_t> cost;
  if (cost_) cost = cost_->value;
  if (cost && counts_in_role()) {
    subject_.version->RecordCost(core_.index, subject_.canary, *cost);
  }
  subject_.rollout.Answered(core_.index, took, cost);
}

void AttemptRecord::Failed(const llm::UpstreamFailure& failure, bool billed, TokenUsage usage) {
  const bool timeout = failure.kind == llm::FailureKind::kTimeout;
  error_type_ = NameOf(failure.kind);
  core_.llm->metrics.CountFailure(subject_.provider, failure.kind);
  // A caller's mistake says nothing about the version or the provider, but that they are there.
  if (llm::IsProvidersFault(failure.kind)) {
    const std::chrono::nanoseconds took = Elapsed();
    CountVersion(timeout ? view::Outcome::kTimeout : view::Outcome::kError, took);
    subject_.rollout.Failed(core_.index, took, timeout);
  }
  subject_.rollout.Void();
  if (subject_.breaker != nullptr) TellBreaker(failure);
  usage.estimated = billed;
  End(timeout ? AttemptStatus::kTimeout : AttemptStatus::kError, usage);
}

void AttemptRecord::TellBreaker(const llm::UpstreamFailure& failure) {
  const SteadyTime now = core_.shared.clock.SteadyNow();
  // A name that only its caller knows, and not the provider, is no fault of anybody here.
  const bool made_up = failure.kind == llm::FailureKind::kNotFound && subject_.breaker->is_shared();
  if (made_up || failure.kind == llm::FailureKind::kNotSent) {
    subject_.breaker->Withdrawn(subject_.ticket);
  } else if (llm::IsProvidersFault(failure.kind)) {
    subject_.breaker->Failed(subject_.ticket, now);
  } else {
    subject_.breaker->Succeeded(core_.index, subject_.ticket, now);
  }
}

void AttemptRecord::CallerLeft(TokenUsage usage, bool billed) {
  if (subject_.breaker != nullptr) subject_.breaker->Withdrawn(subject_.ticket);
  subject_.rollout.Left(core_.index, Elapsed());
  usage.estimated = billed;
  error_type_ = "cancelled";
  End(AttemptStatus::kCancelled, usage);
}

void AttemptRecord::CountVersion(view::Outcome outcome, std::chrono::nanoseconds took) {
  if (!subject_.version) return;
  const WallTime now = core_.shared.clock.Now();
  if (subject_.is_override) {
    subject_.version->RecordOverride(core_.index, outcome, now);
    return;
  }
  subject_.version->Record(core_.index, subject_.canary, outcome, took, now);
}

void AttemptRecord::End(AttemptStatus status, TokenUsage usage) {
  ended_ = true;
  if (usage.estimated) usage = CompleteUsage(usage, request_bytes_, output_bytes_);
  LlmCore& llm = *core_.llm;
  journal::Outcome outcome;
  outcome.ended = core_.shared.clock.Now();
  outcome.status = status;
  outcome.usage = usage;
  const Provider& provider = llm.shared.providers.At(subject_.provider);
  const ledger::Cost cost =
      llm.prices->CostOf(usage, provider.name, subject_.upstream_model, outcome.ended);
  outcome.cost = cost.amount;
  outcome.price_id = cost.price_id;
  journal::WriteOutcome(*llm.writer, open_, outcome);
  llm.metrics.CountTokens(subject_.provider, usage);
  if (usage.total_tokens() > 0) llm.metrics.CountCost(subject_.provider, cost.amount);
  cost_ = cost.amount;
  if (trace_ && passage_->trace() != nullptr) {
    trace_->End(*passage_->trace(), provider, usage, error_type_);
  }
  passage_->Settle(outcome);
}

}  // namespace podium::gateway
