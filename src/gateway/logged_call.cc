#include "gateway/logged_call.h"

#include <utility>

#include "base/limits.h"
#include "gateway/challenged_call.h"

namespace podium::gateway {
namespace {

void Append(predictions::Payload& payload, std::string_view piece) {
  payload.size += piece.size();
  if (payload.size <= limits::kMaxPredictionPayload) {
    payload.bytes += piece;
  } else {
    payload.bytes = std::string();  // Half a body helps nobody.
  }
}

PredictionOutcome OutcomeOfCall(int status, AttemptStatus last_attempt) {
  // Whoever leaves before the end says nothing of the version.
  if (last_attempt == AttemptStatus::kCancelled) return PredictionOutcome::kRefused;
  const PredictionOutcome told = OutcomeOfStatus(status);
  if (told != PredictionOutcome::kOk) return told;
  if (last_attempt == AttemptStatus::kTimeout) return PredictionOutcome::kTimeout;
  return last_attempt == AttemptStatus::kOk ? told : PredictionOutcome::kError;
}

}  // namespace

LoggedCall::LoggedCall(predictions::CoreLog& log, const predictions::RouteLogging& logging,
                       const Clock& clock, SteadyTime received, double keep)
    : log_(log),
      logging_(logging),
      clock_(clock),
      received_(received),
      record_(std::make_unique<predictions::Record>()) {
  record_->row.keep = keep;
}

void LoggedCall::TakeRequest(std::string_view path, std::string_view body) {
  record_->path = path;
  if (logging_.payloads == predictions::Payloads::kNone) return;
  Append(record_->request.emplace(), body);
}

void LoggedCall::TakeAnswer(std::string_view piece) {
  if (!record_ || logging_.payloads != predictions::Payloads::kAll) return;
  Append(record_->answer ? *record_->answer : record_->answer.emplace(), piece);
}

void LoggedCall::SetScores(std::vector<double> scores, std::size_t rows) {
  if (!record_) return;
  record_->row.scores = std::move(scores);
  record_->row.rows = static_cast<std::int64_t>(rows);
}

void LoggedCall::Describe(const view::AnsweredRequest& facts, double propensity,
                          std::string_view assigned, std::string_view served) {
  if (!record_) return;
  PredictionRow& row = record_->row;
  row.request_id = facts.request_id;
  row.route = facts.route;
  row.unit = predictions::KeptUnit(facts.unit, logging_.units);
  row.unit_kind = facts.unit_kind;
  row.assigned = assigned;
  row.served = served;
  row.arm = NameOf(facts.reason);
  row.reason = NameOf(facts.serve_reason);
  row.propensity = propensity;
  row.bucket = facts.fine_bucket;
  row.generation = facts.generation;
  described_ = true;
}

void LoggedCall::AddAttempt(AttemptStatus status, std::optional<NanoUsd> cost) {
  if (!record_) return;
  last_attempt_ = status;
  cost_known_ = cost_known_ && cost.has_value();
  if (cost) record_->row.cost = AddUpTo(record_->row.cost.value_or(NanoUsd{}), *cost);
}

void LoggedCall::ReplaceAnswer() {
  if (!record_) return;
  record_->answer.reset();
  last_attempt_ = AttemptStatus::kOk;
}

void LoggedCall::SetChallenged(const GatewayCore& core, std::shared_ptr<ChallengedCall> both) {
  core_ = &core;
  challenged_ = std::move(both);
}

void LoggedCall::End(int status) {
  if (!record_ || !described_) return;
  PredictionRow& row = record_->row;
  row.status = status;
  row.outcome = OutcomeOfCall(status, last_attempt_);
  row.latency =
      std::chrono::duration_cast<std::chrono::microseconds>(clock_.SteadyNow() - received_);
  row.at = clock_.Now();
  if (!cost_known_) row.cost.reset();
  if (challenged_ == nullptr) return log_.Offer(std::move(record_));
  LogChallenged(*core_, std::move(challenged_), std::move(record_), keeps_answers());
}

}  // namespace podium::gateway
