// The label test: is an event more often the candidate's than the split alone explains?
//
// Each event (an error, a slow request) carries the label of the arm that its unit was assigned to.
// With rate ratio r = candidate / primary and label probability rho, the label is the candidate's
// with probability theta(r) = rho r / (1 + rho (r - 1)), whatever the rate itself does meanwhile.
// The likelihood ratio of the labels is an e-process: it may be looked at after every event, and
// under the null hypothesis it ever reaches 1/alpha with probability at most alpha.
//
// Products over steps hold where the unit is the request (statistics.md, section 1, a and b). With
// sticky units each epoch stands alone (statistics_sticky.md): pass one step at a time.
//
// All results are natural logarithms. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace podium::rollout {

/// The sufficient statistic of one step, and the null hypothesis that was fixed at its start.
struct LabelCounts {
  double label_probability = 0;  ///< rho. A step at 0 or 1 says nothing and is passed over.
  double null_ratio = 1;         ///< r0: the largest rate ratio that is tolerated in this step.
  std::uint64_t canary = 0;      ///< S: events whose unit was assigned to the candidate.
  std::uint64_t all = 0;         ///< N: events of both arms. REQUIRES: canary <= all.
};

/// Alternatives r_j = r0 * 2^(j * octaves), j = 1..points, each with the same weight.
struct RatioGrid {
  double octaves = 0.25;  ///< Negative: alternatives below the null (non-inferiority).
  int points = 16;        ///< REQUIRES: 1 to kMaxGridPoints.
  bool operator==(const RatioGrid&) const = default;
};
inline constexpr int kMaxGridPoints = 32;
inline constexpr RatioGrid kErrorGrid{0.25, 16};
inline constexpr RatioGrid kP50Grid{0.0625, 16};  ///< The odds cannot grow much at the median.
inline constexpr RatioGrid kP90Grid{0.125, 16};
inline constexpr RatioGrid kP99Grid{0.25, 16};
inline constexpr RatioGrid kNonInferiorityGrid{-0.25, 8};

/// ln E of the mixture over the grid, all steps multiplied. 0 without informative events.
double LogLabelE(std::span<const LabelCounts> steps, RatioGrid grid);

/// How many steps there will be: a start that has not happened yet counts as E = 1.
struct DeclaredSteps {
  std::size_t count = 0;  ///< 0: not known (a new step each time the events double).
};

/// ln E against "the ratio never exceeds r0" with restarts, so that a late regression is not
/// drowned by an early good record: half on the start at step 0, half over the later starts; 1/(2 k
/// (k+1)) each when their number is not known. REQUIRES: steps.size() <= count, unless count is 0.
double LogRegressionE(std::span<const LabelCounts> steps, DeclaredSteps declared,
                      RatioGrid grid = kErrorGrid);

/// ln E against "the ratio is at least `margin`" (r1); the steps' null ratios play no part.
double LogNonInferiorityE(std::span<const LabelCounts> steps, double margin);

/// The ratio that explains the labels best, and the confidence sequence around it: the null ratios
/// that the tests from step 0 do not reject, found by bisection.
struct RatioInterval {
  double estimate = 1;  ///< Maximum likelihood: 0, infinity and, without events, 1 included.
  double lower = 0;     ///< 0 when nothing is excluded.
  double upper = 0;     ///< Infinity when nothing is excluded.
};
/// A bound excludes what its test rejects at ln E >= its threshold, at all times at once: lower
/// bounds are too high with probability at most e^-lower_threshold, and likewise above.
RatioInterval RatioConfidence(std::span<const LabelCounts> steps, double lower_threshold,
                              double upper_threshold, RatioGrid grid = kErrorGrid);

/// theta(r): the probability that an event's label is the candidate's.
double LabelShare(double label_probability, double ratio);

}  // namespace podium::rollout
