// Both models answered the same request: shadow runs and champion-challenger.
//
// statistics.md, section 1 (e). Pairs cancel what the request itself contributes, so they find with
// hundreds of requests what a canary needs thousands for. Pure; natural logarithms.
#pragma once

#include <array>
#include <cstdint>

#include "base/result.h"

namespace podium::rollout {

/// Verdicts on pairs, of which only those that differ say anything: right against wrong, a judge's
/// preference, slower against faster.
struct PairCounts {
  std::uint64_t challenger_worse = 0;
  std::uint64_t champion_worse = 0;
  std::uint64_t ties = 0;  ///< Dropped, and shown.
  bool operator==(const PairCounts&) const = default;
};

/// ln E against "the challenger is worse at most `null_ratio` times as often as the champion": the
/// sequential McNemar test, and the sign test; the label test at rho = 1/2.
double LogPairedRegressionE(const PairCounts& counts, double null_ratio = 1);
/// ln E against "the challenger is worse at least `margin` times as often".
double LogPairedNonInferiorityE(const PairCounts& counts, double margin);

/// Adds one pair of latencies (any unit): the challenger is worse if slower than (1 + tolerance)
/// times the champion. Exactly at that line it is a tie.
void AddLatencyPair(PairCounts& counts, double challenger, double champion, double tolerance);

/// ln E against "the answers agree in at most `least_agreement` (a0, in (0, 1)) of all pairs".
double LogAgreementE(std::uint64_t agreed, std::uint64_t pairs, double least_agreement);

/// ln E against "the challenger's mean score is lower by `margin` or more", for scores in [0, 1]:
/// nine bettors on x = (1 + D)/2 with D = challenger - champion.
/// Threads: one at a time. The capitals are all its state, so it can be stored and resumed.
class BoundedDifference {
 public:
  using Capitals = std::array<double, 9>;  ///< Logarithms.

  /// kInvalidArgument unless margin is in [0, 1).
  static Result<BoundedDifference> WithMargin(double margin);
  /// A difference of two scores. REQUIRES: in [-1, 1].
  void Add(double difference);
  double log_e() const;
  const Capitals& capitals() const { return capitals_; }
  void Resume(const Capitals& capitals) { capitals_ = capitals; }

 private:
  explicit BoundedDifference(double null_mean) : null_mean_(null_mean) {}
  double null_mean_;  // m, of x.
  Capitals capitals_{};
};

/// An interval for a mean without bounds, such as the difference in cost. Asymptotic: right in the
/// limit at every time, not exact as the e-values are, and to be labelled so.
struct MeanInterval {
  double mean = 0;
  double radius = 0;  ///< Infinity below two observations.
};
/// The asymptotic confidence sequence, tightest at `planned` observations (statistics.md, section
/// 1, options). `squares` is the sum of squared deviations from the mean. REQUIRES: planned >= 1.
MeanInterval AsymptoticMean(std::uint64_t n, double mean, double squares, double alpha,
                            double planned);

}  // namespace podium::rollout
