#include "gateway/llm_challenge.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace podium::gateway {

void LlmChallenge::EndChallenger(SideOutcome outcome, std::optional<std::chrono::nanoseconds> time,
                                 std::string answer) {
  if (challenger_.outcome) return;
  challenger_ = {outcome, time, std::move(answer)};
  EndWait();
  CloseIfBoth();
}

void LlmChallenge::EndChampion(SideOutcome outcome, std::optional<std::chrono::nanoseconds> time,
                               std::string answer) {
  if (champion_.outcome) return;
  champion_ = {outcome, time, std::move(answer)};
  CloseIfBoth();
}

Task<void> LlmChallenge::AwaitChallenger(const Clock& clock, SteadyTime call_deadline) {
  SteadyTime until = call_deadline;
  if (parts_.deadline.count() > 0) until = std::min(until, parts_.begun + parts_.deadline);
  const std::chrono::nanoseconds patience = until - clock.SteadyNow();
  auto wait = ended_.Wait(std::max(patience, std::chrono::nanoseconds(0)));
  (void)co_await std::move(wait);
}

void LlmChallenge::EndWait() {
  if (!std::exchange(wait_ended_, true)) ended_.Happen();
}

ChallengerChoice LlmChallenge::Choose() const {
  if (!challenger_.outcome) return ChallengerChoice::kLate;
  const bool late =
      parts_.deadline.count() > 0 && challenger_.time && *challenger_.time > parts_.deadline;
  switch (*challenger_.outcome) {
    case SideOutcome::kAnswered:
      return late ? ChallengerChoice::kLate : ChallengerChoice::kChallenger;
    case SideOutcome::kFailed:
      return ChallengerChoice::kFailed;
    case SideOutcome::kNotAsked:
    case SideOutcome::kUnknown:
      break;
  }
  return ChallengerChoice::kBusy;
}

void LlmChallenge::Settle(ChallengerChoice choice) {
  if (settled_) return;
  settled_ = true;
  parts_.record.choice = choice;
  parts_.tally->Count(choice);
  CloseIfBoth();
}

void LlmChallenge::Withdraw() {
  if (closed_) return;
  withdrawn_ = true;
  closing_.Happen();
}

void LlmChallenge::CloseIfBoth() {
  if (!champion_.outcome || !challenger_.outcome || !settled_ || closed_ || withdrawn_) return;
  closed_ = true;
  closing_.Happen();
  const auto known = [](const Side& side) {
    return *side.outcome == SideOutcome::kAnswered || *side.outcome == SideOutcome::kFailed;
  };
  if (!known(champion_) || !known(challenger_)) return;
  view::ShadowPairOutcome pair;
  pair.champion_failed = *champion_.outcome == SideOutcome::kFailed;
  pair.challenger_failed = *challenger_.outcome == SideOutcome::kFailed;
  if (!pair.champion_failed && !pair.challenger_failed) {
    pair.champion_time = champion_.time;
    pair.challenger_time = challenger_.time;
  }
  parts_.tally->pairs.CountPair(pair);
}

Task<void> LlmChallenge::AwaitEnd(std::chrono::nanoseconds patience) {
  auto wait = closing_.Wait(patience);
  (void)co_await std::move(wait);
}

void LlmChallenge::Fill(predictions::Record& record, bool with_answer) const {
  if (withdrawn_) return;
  ChallengerRecord made = parts_.record;
  const auto fill = [](ChallengerSide& side, const Side& from) {
    side.outcome = from.outcome.value_or(SideOutcome::kUnknown);
    if (side.outcome != SideOutcome::kAnswered || !from.time) return;
    side.latency = std::chrono::duration_cast<std::chrono::microseconds>(*from.time);
  };
  fill(made.champion, champion_);
  fill(made.challenger, challenger_);
  const Side& other = made.choice == ChallengerChoice::kChallenger ? champion_ : challenger_;
  if (with_answer && other.outcome == SideOutcome::kAnswered && !other.answer.empty()) {
    record.other_answer = predictions::KeptPayload(other.answer);
  }
  record.row.challenger = std::move(made);
}

SteadyTime LeadDeadline(SteadyTime now, SteadyTime call, std::chrono::nanoseconds own) {
  const SteadyTime half = now + (call - now) / 2;
  return own.count() > 0 ? std::min(half, now + own) : half;
}

}  // namespace podium::gateway
