#include "gateway/shadow_pair.h"

#include <utility>

#include "base/log.h"
#include "gateway/answer_agreement.h"

namespace podium::gateway {

bool ShadowPair::EndChampion(ChampionEnd end, std::optional<std::vector<Tensor>> outputs,
                             std::optional<std::chrono::nanoseconds> time) {
  end_ = end;
  champion_ = std::move(outputs);
  champion_time_ = time;
  return (sides_.fetch_or(kChampion, std::memory_order_acq_rel) & kChallenger) != 0;
}

bool ShadowPair::RunChallenger(const Clock& clock) {
  const SteadyTime start = clock.SteadyNow();
  Result<std::vector<Tensor>> outputs = parts_.model->Run(parts_.inputs->tensors);
  const SteadyTime end = clock.SteadyNow();
  challenger_time_ = end - start;
  challenger_answered_ = outputs.has_value();
  if (outputs) {
    if (SizeOf(*outputs) <= parts_.answer_limit) challenger_ = std::move(*outputs);
  } else {
    NoteError(outputs.error(), end);
  }
  challenger_ended_ = true;
  return (sides_.fetch_or(kChallenger, std::memory_order_acq_rel) & kChampion) != 0;
}

void ShadowPair::NoteError(const Error& error, SteadyTime now) {
  if (!parts_.tally->CountError(now)) return;
  LogWarning("a shadow has failed; its errors are counted, and logged now and then",
             {{"route", parts_.tally->route().get()},
              {"model_id", parts_.tally->version().get()},
              {"error", Describe(error)}});
}

void ShadowPair::Compare() {
  if (end_ == ChampionEnd::kWithdrawn) return;
  view::ShadowPairOutcome pair;
  pair.champion_failed = end_ == ChampionEnd::kFailed;
  pair.challenger_failed = !challenger_answered_;
  if (!pair.champion_failed && challenger_answered_) {
    pair.too_large = !champion_ || !challenger_;
    if (!pair.too_large) pair.agrees = Agree(*champion_, *challenger_, parts_.tolerance);
    pair.champion_time = champion_time_;
    pair.challenger_time = challenger_time_;
  }
  parts_.tally->CountPair(pair);
}

}  // namespace podium::gateway
