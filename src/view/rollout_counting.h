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
  SeriesSet Bad(const RolloutOutcome& outcome) const;

 private:
  using Limits = std::array<std::int64_t, kSeriesOfMetric>;
  static SeriesSet Above(std::int64_t value, const Limits& limits, GuardMetric metric);

  Limits latency_ns_;
  Limits first_token_ns_;
  Limits cost_nano_usd_;
  SeriesSet of_errors_;  // What an error is bad in.
};

}  // namespace podium::view
