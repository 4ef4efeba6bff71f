#include "gateway/challenger_run.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "base/log.h"
#include "gateway/answer_agreement.h"
#include "gateway/predict_codec.h"
#include "gateway/prediction_scores.h"

namespace podium::gateway {
namespace {

std::optional<std::chrono::microseconds> InMicros(std::optional<std::chrono::nanoseconds> time) {
  if (!time) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::microseconds>(*time);
}

// As /predict would have told it.
std::string OtherAnswer(const std::vector<Tensor>& outputs, std::size_t rows,
                        const ChallengerSide& side) {
  std::string text;
  EncodePredictions(outputs, rows, "", side.version, text);
  return text;
}

}  // namespace

SideOutcome ChallengerRun::OutcomeOfSide(Side side) {
  switch (side) {
    case Side::kAnswered:
      return SideOutcome::kAnswered;
    case Side::kFailed:
      return SideOutcome::kFailed;
    case Side::kNotAsked:
      return SideOutcome::kNotAsked;
    case Side::kOpen:
      break;
  }
  return SideOutcome::kUnknown;
}

void ChallengerRun::Run(const Clock& clock, const std::atomic<bool>& ending) {
  if (ending.load(std::memory_order_relaxed)) return GiveUp();
  const SteadyTime start = clock.SteadyNow();
  Result<std::vector<Tensor>> outputs = parts_.model->Run(parts_.inputs->tensors);
  const SteadyTime end = clock.SteadyNow();
  if (!outputs && parts_.tally->pairs.CountError(end)) {
    LogWarning("a challenger has failed; its errors are counted, and logged now and then",
               {{"route", parts_.tally->pairs.route().get()},
                {"model_id", parts_.record.challenger.version},
                {"error", Describe(outputs.error())}});
  }
  {
    const std::lock_guard lock(mutex_);
    time_ = end - start;
    ended_after_ = end - parts_.begun;
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
    const bool late = parts_.deadline.count() > 0 && ended_after_ > parts_.deadline;
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
  {
    const std::lock_guard lock(mutex_);
    if (outputs != nullptr) {
      champion_scores_ = ScoresOf(*outputs, parts_.inputs->rows);
      // Kept only as long as it is small: it is compared on whichever thread ends last.
      if (SizeOf(*outputs) <= parts_.answer_limit) champion_outputs_ = *outputs;
    }
    champion_time_ = time;
  }
  EndChampionAs(outputs != nullptr ? Side::kAnswered : Side::kFailed);
}

void ChallengerRun::EndChampionAs(Side side) {
  bool is_last = false;
  {
    const std::lock_guard lock(mutex_);
    champion_ = side;
    is_last = challenger_ != Side::kOpen;
  }
  if (is_last) Close();
}

void ChallengerRun::Withdraw() {
  const std::lock_guard lock(mutex_);
  withdrawn_ = true;
  champion_ = Side::kFailed;
}

// On whichever thread has ended last: nothing changes any more.
void ChallengerRun::Close() {
  const std::optional<view::ShadowPairOutcome> pair = Compare();
  {
    const std::lock_guard lock(mutex_);
    if (pair) agrees_ = pair->agrees;
    closed_ = true;
  }
  closing_.Happen();
  if (pair) parts_.tally->pairs.CountPair(*pair);
}

/// Nothing, unless both were asked.
std::optional<view::ShadowPairOutcome> ChallengerRun::Compare() const {
  if (withdrawn_ || champion_ == Side::kNotAsked || challenger_ == Side::kNotAsked) {
    return std::nullopt;
  }
  view::ShadowPairOutcome pair;
  pair.champion_failed = champion_ != Side::kAnswered;
  pair.challenger_failed = challenger_ != Side::kAnswered;
  if (!pair.champion_failed && !pair.challenger_failed) {
    pair.too_large = !champion_outputs_ || SizeOf(*outputs_) > parts_.answer_limit;
    if (!pair.too_large) pair.agrees = Agree(*champion_outputs_, *outputs_, parts_.tolerance);
    pair.champion_time = champion_time_;
    pair.challenger_time = time_;
  }
  return pair;
}

bool ChallengerRun::ended() const {
  const std::lock_guard lock(mutex_);
  return withdrawn_ || closed_;
}

Task<void> ChallengerRun::AwaitEnd(std::chrono::nanoseconds patience) {
  auto wait = closing_.Wait(patience);
  (void)co_await std::move(wait);
}

void ChallengerRun::Fill(predictions::Record& record, bool with_answer) const {
  const std::lock_guard lock(mutex_);
  if (withdrawn_) return;
  ChallengerRecord made = parts_.record;
  made.agrees = agrees_;
  made.champion.outcome = OutcomeOfSide(champion_);
  if (champion_ == Side::kAnswered) made.champion.latency = InMicros(champion_time_);
  made.champion.scores = champion_scores_;
  made.challenger.outcome = OutcomeOfSide(challenger_);
  if (challenger_ == Side::kAnswered) made.challenger.latency = InMicros(time_);
  if (outputs_) made.challenger.scores = ScoresOf(*outputs_, parts_.inputs->rows);
  const bool theirs = made.choice == ChallengerChoice::kChallenger;
  const auto& other = theirs ? champion_outputs_ : outputs_;
  if (with_answer && other && !other->empty()) {
    record.other_answer = predictions::KeptPayload(
        OtherAnswer(*other, parts_.inputs->rows, theirs ? made.champion : made.challenger));
  }
  record.row.challenger = std::move(made);
}

}  // namespace podium::gateway
