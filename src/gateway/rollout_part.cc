#include "gateway/rollout_part.h"

namespace podium::gateway {

void RolloutPart::Answered(std::size_t core, std::chrono::nanoseconds latency,
                           std::optional<std::int64_t> cost_nano_usd) {
  view::RolloutOutcome outcome;
  outcome.latency = latency;
  outcome.first_token = first_token_;
  outcome.cost_nano_usd = cost_nano_usd;
  Record(core, outcome);
}

void RolloutPart::Failed(std::size_t core, std::chrono::nanoseconds latency, bool timed_out) {
  view::RolloutOutcome outcome;
  outcome.failed = true;
  outcome.timed_out = timed_out;
  outcome.latency = latency;
  Record(core, outcome);
}

void RolloutPart::Left(std::size_t core, std::chrono::nanoseconds waited) {
  view::RolloutOutcome outcome;
  outcome.abandoned = true;
  outcome.latency = waited;
  outcome.first_token = first_token_;
  if (streams_ && !first_token_) outcome.first_token = waited;
  Record(core, outcome);
}

void RolloutPart::Record(std::size_t core, const view::RolloutOutcome& outcome) {
  if (tally_ == nullptr) return;
  tally_->Record(core, ticket_, outcome);
  tally_.reset();
}

}  // namespace podium::gateway
