#include "rollout/label_likelihood.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "base/assert.h"
#include "rollout/log_space.h"

namespace podium::rollout {
namespace {

// Where the search for a bound ends: beyond it nothing is excluded.
constexpr double kSearchOctaves = 20;
constexpr int kBisections = 64;

using GridLogs = std::array<double, kMaxGridPoints>;

bool Informative(const LabelCounts& step) {
  return step.label_probability > 0 && step.label_probability < 1;
}

// ln of the likelihood ratio of one step's labels at ratio r against ratio r0.
double LogLikelihoodRatio(const LabelCounts& step, double r, double r0) {
  const double rho = step.label_probability;
  return static_cast<double>(step.canary) * std::log(r / r0) -
         static_cast<double>(step.all) * (std::log1p(rho * (r - 1)) - std::log1p(rho * (r0 - 1)));
}

// `null_ratio` replaces the step's own where it is positive.
void AddStep(const LabelCounts& step, RatioGrid grid, double null_ratio, GridLogs& logs) {
  if (!Informative(step)) return;
  PODIUM_ASSERT(step.canary <= step.all);
  const double r0 = null_ratio > 0 ? null_ratio : step.null_ratio;
  PODIUM_ASSERT(r0 > 0);
  for (int j = 1; j <= grid.points; ++j) {
    const double r = r0 * std::exp2(grid.octaves * j);
    logs.at(static_cast<std::size_t>(j - 1)) += LogLikelihoodRatio(step, r, r0);
  }
}

double MeanOf(const GridLogs& logs, RatioGrid grid) {
  return LogMeanExp(std::span(logs).first(static_cast<std::size_t>(grid.points)));
}

double LogEAgainst(std::span<const LabelCounts> steps, RatioGrid grid, double null_ratio) {
  PODIUM_ASSERT(grid.points >= 1 && grid.points <= kMaxGridPoints);
  GridLogs logs{};
  for (const LabelCounts& step : steps) AddStep(step, grid, null_ratio, logs);
  return MeanOf(logs, grid);
}

// The ratio in 2^(±kSearchOctaves) where `below` turns from true to false. REQUIRES: it does so
// once.
template <typename Below>
double Turn(const Below& below) {
  double low = -kSearchOctaves;
  double high = kSearchOctaves;
  for (int i = 0; i < kBisections; ++i) {
    const double middle = (low + high) / 2;
    (below(std::exp2(middle)) ? low : high) = middle;
  }
  return std::exp2((low + high) / 2);
}

// The score of the common ratio: events of the candidate beyond what `ratio` explains.
double Surplus(std::span<const LabelCounts> steps, double ratio) {
  double surplus = 0;
  for (const LabelCounts& step : steps) {
    if (!Informative(step)) continue;
    surplus += static_cast<double>(step.canary) -
               static_cast<double>(step.all) * LabelShare(step.label_probability, ratio);
  }
  return surplus;
}

double Estimate(std::span<const LabelCounts> steps) {
  std::uint64_t canary = 0;
  std::uint64_t all = 0;
  for (const LabelCounts& step : steps) {
    canary += Informative(step) ? step.canary : 0;
    all += Informative(step) ? step.all : 0;
  }
  if (all == 0) return 1;
  if (canary == 0) return 0;
  if (canary == all) return std::numeric_limits<double>::infinity();
  return Turn([&](double ratio) { return Surplus(steps, ratio) > 0; });
}

// ln of the weight that the restart at step k (1-based) has before any later one is known.
double LogStartWeight(std::size_t k, DeclaredSteps declared) {
  if (declared.count > 0) return std::log(0.5 / static_cast<double>(declared.count - 1));
  const auto start = static_cast<double>(k);
  return -std::log(2 * start * (start + 1));
}

// ln of the weight of the starts that have not happened: each counts as E = 1.
double LogWeightAhead(std::size_t started, DeclaredSteps declared) {
  if (declared.count == 0) return -std::log(2 * static_cast<double>(started));
  const auto ahead = static_cast<double>(declared.count - started);
  return std::log(0.5 * ahead / static_cast<double>(declared.count - 1));
}

}  // namespace

double LabelShare(double label_probability, double ratio) {
  return label_probability * ratio / (1 + label_probability * (ratio - 1));
}

double LogLabelE(std::span<const LabelCounts> steps, RatioGrid grid) {
  return LogEAgainst(steps, grid, 0);
}

double LogRegressionE(std::span<const LabelCounts> steps, DeclaredSteps declared, RatioGrid grid) {
  PODIUM_ASSERT(declared.count == 0 || steps.size() <= declared.count);
  PODIUM_ASSERT(grid.points >= 1 && grid.points <= kMaxGridPoints);
  if (steps.empty()) return 0;
  if (declared.count == 1) return LogLabelE(steps, grid);
  // From the last step backwards, so that the sums of step k on are those of k + 1 on and one step.
  GridLogs logs{};
  std::vector<double> terms = {LogWeightAhead(steps.size(), declared)};
  for (std::size_t k = steps.size(); k-- > 0;) {
    AddStep(steps[k], grid, 0, logs);
    terms.push_back((k == 0 ? std::log(0.5) : LogStartWeight(k, declared)) + MeanOf(logs, grid));
  }
  return LogSumExp(terms);
}

double LogNonInferiorityE(std::span<const LabelCounts> steps, double margin) {
  PODIUM_ASSERT(margin > 0);
  return LogEAgainst(steps, kNonInferiorityGrid, margin);
}

RatioInterval RatioConfidence(std::span<const LabelCounts> steps, double lower_threshold,
                              double upper_threshold, RatioGrid grid) {
  const auto rejected_below = [&](double r0) {
    return LogEAgainst(steps, grid, r0) >= lower_threshold;
  };
  const auto kept_above = [&](double r1) {
    return LogNonInferiorityE(steps, r1) < upper_threshold;
  };
  RatioInterval interval;
  interval.estimate = Estimate(steps);
  interval.lower = rejected_below(std::exp2(-kSearchOctaves)) ? Turn(rejected_below) : 0;
  interval.upper = kept_above(std::exp2(kSearchOctaves)) ? std::numeric_limits<double>::infinity()
                                                         : Turn(kept_above);
  return interval;
}

}  // namespace podium::rollout
