// The verdict on a rollout, with the sentence that says why. Pure.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/traffic.h"
#include "rollout/alpha.h"
#include "rollout/evidence.h"

namespace podium::rollout {

enum class Decision : std::uint8_t {
  kHold,         ///< Nothing is proven. Never promotes, however long it lasts.
  kNoPowerLeft,  ///< A hold that cannot end by itself in this step; the alarm stays armed.
  kStepUp,       ///< Every guard of the promotion is shown to be non-inferior.
  kRollBack,     ///< The candidate is worse.
  kFreeze,       ///< The split is not the one asked for: no automatic decision, no rollback either.
};
std::string_view NameOf(Decision decision);

/// An arm's rate with Wilson's 95 % interval at one look. Descriptive: it moves with the weather,
/// and nothing is decided from it.
struct DescriptiveRate {
  std::uint64_t bad = 0;
  std::uint64_t units = 0;
  double rate = 0;
  double low = 0;
  double high = 1;
};
DescriptiveRate Describe(std::uint64_t bad, std::uint64_t units);

/// One series, judged. ln E of the alarm and of the promotion, each with what it needs.
struct Finding {
  std::string name;        ///< "error rate", "latency p99"
  std::size_t step = 0;    ///< Sticky: the epoch nearest to an alarm. Else the present step.
  double log_e_alarm = 0;  ///< Sticky: the greater of `log_e_first` and `log_e_score`.
  double log_e_first = 0;  ///< Sticky: R1.
  double log_e_score = 0;  ///< Sticky: R2.
  double alarm_needs = 0;  ///< What this series alone would need.
  double log_e_promote = 0;
  double promote_needs = 0;  ///< Infinity where this epoch cannot promote.
  bool guards_promotion = true;
  RatioInterval ratio;     ///< With its confidence sequence.
  DescriptiveRate canary;  ///< Of the present step.
  DescriptiveRate primary;
  // Power; only with Evidence::units_left.
  double attainable = 0;  ///< Events, or keys hit, by the end of the step.
  double ratio_of_interest = 2;
  double needed = 0;  ///< To see that ratio, about.
  bool no_power = false;
  std::string sentence;  ///< The ratio, ln E beside what it needs, both arms' rates.
};

/// A paired comparison, beside the verdict.
struct PairedFinding {
  std::string name;
  double log_e_worse = 0;
  double log_e_not_worse = 0;
  RatioInterval ratio;
  std::string sentence;
};

struct Verdict {
  Decision decision = Decision::kHold;
  std::string sentence;       ///< With the numbers; for people.
  double log_e_rollback = 0;  ///< Request: combined over metrics, the peak included. Sticky: of
                              ///< the series nearest to its alarm.
  double rollback_needs = std::numeric_limits<double>::infinity();
  double log_e_sample_ratio = 0;  ///< Sticky: of the epoch farthest off, less the price of epochs.
  double sample_ratio_needs = 0;
  double confidence = 0;            ///< Level of the confidence sequences, such as 0.9.
  std::vector<std::string> blamed;  ///< Metrics whose own part proves the regression.
  std::vector<Finding> findings;
  std::vector<PairedFinding> paired;
};

/// The verdict from the counters alone. An error is a fault of the evidence, never a decision.
Result<Verdict> Judge(const Evidence& evidence);

/// r1 by the share about to be granted: up to 5 %: 3; up to 25 %: 2; above: 1.5, strict 1.25.
double MarginFor(BasisPoints next_share, Profile profile);

}  // namespace podium::rollout
