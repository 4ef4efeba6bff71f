#include "rollout/sticky.h"

#include <algorithm>
#include <cmath>

#include "base/assert.h"
#include "rollout/log_space.h"

namespace podium::rollout {
namespace {

constexpr std::array<std::uint32_t, 6> kJudgedLimits = {32, 16, 8, 4, 2, 1};
constexpr std::uint64_t kLeastHitKeys = 20;
constexpr std::size_t kBets = 10;

struct Repeats {
  std::uint64_t once = 0;
  std::uint64_t twice = 0;
};

Repeats RepeatsWithin(std::span<const HitRecord> keys, std::uint32_t judged) {
  Repeats repeats;
  for (const HitRecord& key : keys) {
    repeats.once += key.first_rank < judged ? 1 : 0;
    repeats.twice += key.second_rank < judged ? 1 : 0;
  }
  return repeats;
}

double ShareOf(const Repeats& repeats) {
  return (static_cast<double>(repeats.twice) + 1) / (static_cast<double>(repeats.once) + 1);
}

void TakeRank(HitRecord& record, std::uint32_t rank) {
  if (rank < record.first_rank) {
    record.second_rank = record.first_rank;
    record.first_rank = rank;
  } else {
    record.second_rank = std::min(record.second_rank, rank);
  }
}

}  // namespace

void AddBad(HitRecord& record, std::uint32_t rank) {
  TakeRank(record, rank);
  if (rank < kScoredRequests) record.bad = std::min(record.bad + 1, kScoredRequests);
}

HitRecord Merged(const HitRecord& a, const HitRecord& b) {
  HitRecord merged = a;
  TakeRank(merged, b.first_rank);
  TakeRank(merged, b.second_rank);
  // Clipping is concave, so the score test stays valid (statistics_sticky.md, "Replicas").
  merged.bad = std::min(a.bad + b.bad, kScoredRequests);
  return merged;
}

EpochTally TallyOf(std::span<const KeyHit> keys, std::uint32_t judged) {
  EpochTally tally;
  for (const KeyHit& key : keys) {
    if (key.record.first_rank == kNoRank) continue;
    ++tally.hit;
    tally.canary_hit += key.canary ? 1 : 0;
    if (key.record.first_rank < judged) {
      ++tally.early;
      tally.canary_early += key.canary ? 1 : 0;
    }
    if (!key.closed || key.record.bad == 0) continue;
    PODIUM_ASSERT(key.record.bad <= kScoredRequests);
    auto& arm = key.canary ? tally.closed.canary : tally.closed.active;
    ++arm[key.record.bad - 1];
  }
  return tally;
}

double LogFirstEventE(const LabelCounts& epoch) {
  return LogLabelE(std::span(&epoch, 1), kErrorGrid);
}

double LogScoreE(const ScoreHistogram& closed, double label_probability, double null_ratio) {
  PODIUM_ASSERT(label_probability > 0 && label_probability < 1 && null_ratio > 0);
  const double odds = (1 - label_probability) / (label_probability * null_ratio);
  std::array<double, kBets> logs{};
  for (std::size_t i = 0; i < kBets; ++i) {
    const double bet = 0.98 * std::exp2(-0.6 * static_cast<double>(i));
    for (std::size_t cell = 0; cell < kScoredRequests; ++cell) {
      if (closed.canary[cell] == 0 && closed.active[cell] == 0) continue;
      const double x = static_cast<double>(cell + 1) / kScoredRequests;
      logs[i] += static_cast<double>(closed.canary[cell]) * std::log1p(bet * x * odds) +
                 static_cast<double>(closed.active[cell]) * std::log1p(-bet * x);
    }
  }
  return LogMeanExp(logs);
}

double RepeatShare(std::span<const HitRecord> active_keys, std::uint32_t judged) {
  return judged <= 1 ? 0 : ShareOf(RepeatsWithin(active_keys, judged));
}

JudgedLimit ChooseJudged(std::span<const HitRecord> active_keys) {
  for (const std::uint32_t judged : kJudgedLimits) {
    if (judged == 1) break;
    const Repeats repeats = RepeatsWithin(active_keys, judged);
    const double share = ShareOf(repeats);
    if (repeats.once >= kLeastHitKeys && share <= kMostRepeats) return {judged, share};
  }
  return {1, 0};
}

double StickyMargin(double margin, double repeat_share) {
  return margin * (1 - 2 * (margin - 1) * repeat_share);
}

}  // namespace podium::rollout
