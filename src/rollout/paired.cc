#include "rollout/paired.h"

#include <cmath>
#include <limits>

#include "base/assert.h"
#include "rollout/absolute_rate.h"
#include "rollout/label_likelihood.h"
#include "rollout/log_space.h"

namespace podium::rollout {
namespace {

LabelCounts Discordant(const PairCounts& counts, double null_ratio) {
  return {.label_probability = 0.5,
          .null_ratio = null_ratio,
          .canary = counts.challenger_worse,
          .all = counts.challenger_worse + counts.champion_worse};
}

}  // namespace

double LogPairedRegressionE(const PairCounts& counts, double null_ratio) {
  const LabelCounts one[] = {Discordant(counts, null_ratio)};
  return LogLabelE(one, kErrorGrid);
}

double LogPairedNonInferiorityE(const PairCounts& counts, double margin) {
  const LabelCounts one[] = {Discordant(counts, 1)};
  return LogNonInferiorityE(one, margin);
}

void AddLatencyPair(PairCounts& counts, double challenger, double champion, double tolerance) {
  const double line = (1 + tolerance) * champion;
  if (challenger > line) {
    ++counts.challenger_worse;
  } else if (challenger < line) {
    ++counts.champion_worse;
  } else {
    ++counts.ties;
  }
}

double LogAgreementE(std::uint64_t agreed, std::uint64_t pairs, double least_agreement) {
  PODIUM_ASSERT(agreed <= pairs);
  return LogAbsoluteE({.limit = 1 - least_agreement, .bad = pairs - agreed, .units = pairs});
}

Result<BoundedDifference> BoundedDifference::WithMargin(double margin) {
  if (!(margin >= 0 && margin < 1)) {
    return Fail(ErrorCode::kInvalidArgument,
                "a margin of {} on a score between 0 and 1 decides nothing: give one from 0 to "
                "below 1",
                margin);
  }
  return BoundedDifference((1 - margin) / 2);
}

void BoundedDifference::Add(double difference) {
  PODIUM_ASSERT(difference >= -1 && difference <= 1);
  const double x = (1 + difference) / 2;
  for (std::size_t j = 0; j < capitals_.size(); ++j) {
    const double bet = static_cast<double>(j + 1) / 10 / null_mean_;
    capitals_[j] += std::log1p(bet * (x - null_mean_));
  }
}

double BoundedDifference::log_e() const { return LogMeanExp(capitals_); }

MeanInterval AsymptoticMean(std::uint64_t n, double mean, double squares, double alpha,
                            double planned) {
  PODIUM_ASSERT(planned >= 1 && alpha > 0 && alpha < 1);
  if (n < 2) return {mean, std::numeric_limits<double>::infinity()};
  const auto t = static_cast<double>(n);
  const double deviation = std::sqrt(squares / t);
  const double tightness = -2 * std::log(alpha);
  const double q2 = (tightness + std::log(tightness) + 1) / planned;
  const double spread = t * q2 + 1;
  const double scale = 2 * spread / (t * t * q2);
  return {mean, deviation * std::sqrt(scale * std::log(std::sqrt(spread) / alpha))};
}

}  // namespace podium::rollout
