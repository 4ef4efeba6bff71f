// Which requests are evidence of a rollout, and which of their outcomes are bad in which series.
//
// statistics.md, "What makes it true in practice", rules 2 to 5: everything that must be right
// before a number reaches a test, as functions of what is known. Pure.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

#include "domain/rollout.h"
#include "routing/choose.h"

namespace podium::view {

/// Bit i stands for series i (domain/rollout.h).
using SeriesSet = std::uint16_t;
static_assert(kRolloutSeries <= 16);

/// How the assigned version did.
struct RolloutOutcome {
  bool failed = false;  ///< An error, or too late; also when a fallback saved the answer.
  bool timed_out = false;
  /// The caller left before there was an outcome: it had waited so long, and nothing else is known.
  bool abandoned = false;
  std::chrono::nanoseconds latency{0};
  std::optional<std::chrono::nanoseconds> first_token = {};  ///< Of streams.
  std::optional<std::int64_t> cost_nano_usd = {};            ///< Where it is known.
};

/// Whether both arms could have served a request, as its replica saw it: decided for both in the
/// same way, whichever the bucket has named.
struct ArmsHere {
  bool primary_able = false;  ///< READY here, and no breaker of it open.
  bool canary_able = false;
};

/// Whether the outcome of a request says anything about the candidate: its bucket decided, and
/// nothing would have kept either arm from serving it. What is named by hand, keyless or served
/// by what was ready is counted for neither arm.
bool IsEvidence(const routing::Decision& decision, const ArmsHere& arms);

/// Frozen thresholds in the units in which outcomes are measured.
class SeriesLimits {
 public:
  explicit SeriesLimits(const FrozenThresholds& thresholds);

  /// The series in which an outcome is bad; the same for both arms. An error is slower than every
  /// threshold that is known, and says nothing about cost. None is bad in a series without one.
  SeriesSet Bad(const RolloutOutcome& outcome) const {
    return IsGood(outcome) ? SeriesSet{0} : BadSeries(outcome);
  }

 private:
  /// Of one metric.
  struct Limits {
    std::array<std::int64_t, kSeriesOfMetric> above;
    std::int64_t least;
  };
  /// What nearly every outcome is, at the price of a few comparisons.
  bool IsGood(const RolloutOutcome& outcome) const {
    return !outcome.failed && !outcome.timed_out && outcome.latency.count() <= latency_.least &&
           (!outcome.first_token || outcome.first_token->count() <= first_token_.least) &&
           (!outcome.cost_nano_usd || *outcome.cost_nano_usd <= cost_.least);
  }
  SeriesSet BadSeries(const RolloutOutcome& outcome) const;
  static Limits LimitsOf(const std::array<double, kSeriesOfMetric>& thresholds, double unit);
  static SeriesSet Above(std::int64_t value, const Limits& limits, GuardMetric metric);

  const Limits latency_;      // Nanoseconds.
  const Limits first_token_;  // Nanoseconds.
  const Limits cost_;         // Nano-USD.
  SeriesSet of_errors_;       // What an error is bad in.
};

}  // namespace podium::view
