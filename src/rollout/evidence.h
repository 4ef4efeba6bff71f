// Everything that a verdict is computed from: plain counters, and what was fixed before them.
//
// The same struct is what a controller reads from its store, what is kept with each decision, and
// what ParseEvidence reads from a file of counters (README: the JSON form). Whoever has it can
// compute every ln E and the verdict again. Pure.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/traffic.h"
#include "rollout/label_likelihood.h"
#include "rollout/paired.h"
#include "rollout/rate_limit.h"
#include "rollout/sticky.h"

namespace podium::rollout {

/// One step of the ramp (unit = request) or one epoch (sticky units). Past ones and the present
/// one; those to come are absent.
struct StepUnits {
  BasisPoints share;               ///< As stored.
  double label_probability = 0;    ///< rho inside the eligible set; share/10,000 unless stated.
  std::uint64_t canary_units = 0;  ///< First sights: each request, or each key once an epoch.
  std::uint64_t units = 0;         ///< Of both arms.
  bool operator==(const StepUnits&) const = default;
};

/// One series of events in one step.
struct StepEvents {
  double null_ratio = kDefaultNullRatio;  ///< r0, compiled at the start of the step.
  std::uint64_t canary_events = 0;        ///< S. Sticky: keys hit, at any rank.
  std::uint64_t events = 0;               ///< N
  // Sticky units only.
  ScoreHistogram closed;
  JudgedLimit judged;              ///< Chosen at the start of the epoch.
  std::uint64_t canary_early = 0;  ///< Keys hit within judged.requests.
  std::uint64_t early = 0;
  std::uint64_t canary_judged = 0;  ///< Candidate's keys hit so, or judged in full and not hit.
  bool operator==(const StepEvents&) const = default;
};

/// Events of one kind: errors, or latencies above one frozen threshold.
struct Series {
  std::string name;  ///< "errors", "p99"; with the metric's name the name in sentences.
  RatioGrid grid = kErrorGrid;
  std::optional<double> absolute_limit{};  ///< p0: the candidate's rate that is good enough.
  /// Unit = request: the candidate's rate that is no harm whatever the ratio, so that an alarm also
  /// has to prove that it is above this one.
  std::optional<double> harmless_rate{};
  /// Told by others than those who count units, so that its events may be ahead of theirs.
  bool reported = false;
  double rate_before = 0;         ///< Of the primary before the rollout, per unit.
  std::vector<StepEvents> steps;  ///< As many as Evidence::steps.
  bool operator==(const Series&) const = default;
};

/// What a person would call one guard.
struct Metric {
  std::string name;
  double weight = 1;             ///< Relative to the other metrics'.
  bool guards_promotion = true;  ///< Must be shown to be non-inferior.
  std::vector<Series> series{};  ///< Latency has one for each of p50, p90 and p99.
  bool operator==(const Metric&) const = default;
};

/// Pairs are reported beside the verdict: they come from shadow traffic, not from the split.
struct PairedMetric {
  std::string name;
  PairCounts counts;
  double margin = 1.5;  ///< r1
  bool operator==(const PairedMetric&) const = default;
};

enum class RolloutUnit : std::uint8_t { kRequest, kSticky };

struct Evidence {
  std::string candidate;  ///< For sentences.
  RolloutUnit unit = RolloutUnit::kRequest;
  double alpha_rollback = 0.05;  ///< Of the first attempt; `attempt` says which part is left.
  double alpha_promote = 0.05;
  int attempt = 1;         ///< Of this artifact on this route.
  double margin = 1.5;     ///< r1 of the share about to be granted (MarginFor).
  BasisPoints next_share;  ///< For sentences.
  int declared_steps = 0;  ///< Of the plan: steps, or epochs of all steps. 0: not known.
  int epoch_of_step = 1;   ///< Sticky: the present epoch within its step, from 1 ...
  int epochs_in_step = 1;  ///< ... of so many. 0: not known.
  /// Requests, or unhit keys, expected until the end of the step; without it power is not judged.
  std::optional<double> units_left;
  /// The highest combined ln E of earlier looks (unit = request): what was once reached stays so.
  double log_e_peak = -std::numeric_limits<double>::infinity();
  std::vector<StepUnits> steps;
  std::vector<Metric> metrics;
  std::vector<PairedMetric> paired;
  bool operator==(const Evidence&) const = default;
};

/// kInvalidArgument with the place at fault: counts that cannot be, numbers outside their range,
/// more than the limits allow.
Status Check(const Evidence& evidence);

/// Reads the JSON form. Unknown keys are errors: a misspelt counter must not count as zero.
Result<Evidence> ParseEvidence(std::string_view json);

/// The same form, on one line: ParseEvidence gives back an equal struct, each double to its last
/// bit. REQUIRES: Check(evidence), names in UTF-8, and a peak that Judge gave.
std::string ToJson(const Evidence& evidence);

}  // namespace podium::rollout
