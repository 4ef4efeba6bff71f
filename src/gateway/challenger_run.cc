#include "gateway/challenger_run.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "base/log.h"
#include "gateway/answer_agreement.h"

namespace podium::gateway {
namespace {

SideOutcome OutcomeOfSide(bool answered, bool asked) {
  if (!asked) return SideOutcome::kNotAsked;
  return answered ? SideOutcome::kAnswered : SideOutcome::kFailed;
}

}  // namespace

void ChallengerRun::Run(const Clock& clock) {
  const SteadyTime start = clock.SteadyNow();
  Result<std::vector<Tensor>> outputs = parts_.model->Run(parts_.inputs->tensors);
  const SteadyTime end = clock.SteadyNow();
  if (!outputs && parts_.tally->pairs.CountError(end)) {
    LogWarning("a challenger has failed; its errors are counted, and logged now and then",
               {{"route", parts_.record.route.get()},
                {"model_id", parts_.record.challenger.version.get()},
                {"error", Describe(outputs.error())}});
  }
  {
    const std::lock_guard lock(mutex_);
    time_ = end - start;
    if (outputs) outputs_ = std::move(*outputs);
  }
  End(outputs ? Side::kAnswered : Side::kFailed);
}

void ChallengerRun::GiveUp() { End(Side::kNotAsked); }

void ChallengerRun::End(Side side) {
  bool is_last = false;
  {
    const std::lock_guard lock(mutex_);
    challenger_ = side;
    is_last = champion_ != Side::kOpen;
  }
  ended_.Happen();
  if (is_last) Close();
}

Task<void> ChallengerRun::Await(const Clock& clock) {
  std::chrono::nanoseconds patience = limits::kChallengerPatience;
  if (parts_.deadline.count() > 0) {
    patience = std::min(patience, parts_.begun + parts_.deadline - clock.SteadyNow());
  }
  auto wait = ended_.Wait(std::max(patience, std::chrono::nanoseconds(0)));
  (void)co_await std::move(wait);
}

// A challenger that has ended behind its deadline is late, whenever anybody looked.
ChallengerChoice ChallengerRun::Settle(bool taken) {
  const std::lock_guard lock(mutex_);
  ChallengerChoice choice = ChallengerChoice::kChampion;
  if (taken) {
    const bool late = parts_.deadline.count() > 0 && time_ > parts_.deadline;
    choice = challenger_ == Side::kNotAsked       ? ChallengerChoice::kBusy
             : challenger_ == Side::kOpen || late ? ChallengerChoice::kLate
             : challenger_ == Side::kFailed       ? ChallengerChoice::kFailed
                                                  : ChallengerChoice::kChallenger;
  }
  parts_.record.choice = choice;
  parts_.tally->Count(choice);
  return choice;
}

void ChallengerRun::EndChampion(const std::vector<Tensor>* outputs,
                                std::optional<std::chrono::nanoseconds> time) {
  bool is_last = false;
  {
    const std::lock_guard lock(mutex_);
    // Kept only as long as it is small: it is compared on whichever thread ends last.
    if (outputs != nullptr && SizeOf(*outputs) <= limits::kMaxShadowInputBytes) {
      champion_outputs_ = *outputs;
    }
    champion_time_ = time;
    champion_ = outputs != nullptr ? Side::kAnswered : Side::kFailed;
    is_last = challenger_ != Side::kOpen;
  }
  if (is_last) Close();
}

void ChallengerRun::Withdraw() {
  const std::lock_guard lock(mutex_);
  withdrawn_ = true;
  champion_ = Side::kFailed;
}

void ChallengerRun::Close() {
  if (withdrawn_) return;
  ChallengerRecord& record = parts_.record;
  const bool champion = champion_ == Side::kAnswered;
  const bool challenger = challenger_ == Side::kAnswered;
  const bool asked = challenger_ != Side::kNotAsked;
  if (champion_outputs_ && outputs_) {
    record.agrees = Agree(*champion_outputs_, *outputs_, parts_.tolerance);
  }
  record.champion.outcome = OutcomeOfSide(champion, true);
  record.champion.latency = champion_time_;
  record.champion.outputs = champion_outputs_ ? &*champion_outputs_ : nullptr;
  record.challenger.outcome = OutcomeOfSide(challenger, asked);
  if (asked) record.challenger.latency = time_;
  record.challenger.outputs = outputs_ ? &*outputs_ : nullptr;
  record.inputs = &parts_.inputs->tensors;
  if (parts_.sink != nullptr) parts_.sink->Take(record);
  if (!asked) return;
  view::ShadowPairOutcome pair;
  pair.champion_failed = !champion;
  pair.challenger_failed = !challenger;
  pair.agrees = record.agrees;
  if (champion && challenger) {
    pair.champion_time = champion_time_;
    pair.challenger_time = time_;
  }
  parts_.tally->pairs.CountPair(pair);
}

}  // namespace podium::gateway
