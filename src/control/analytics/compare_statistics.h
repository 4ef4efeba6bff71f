// The statistics of a comparison. Pure; equal to scikit-learn's and numpy's to 1e-9
// (compare_statistics_test.cc).
//
// All intervals are of 95 % and take predictions as independent. Where units are sticky and come
// often they are too narrow: decisions belong to a rollout, whose tests know that.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "domain/compare_report.h"

namespace podium::control {

/// The normal distribution's quantile of 97.5 %.
inline constexpr double kNormal975 = 1.959963984540054;

/// A share with Wilson's score interval. nullopt for n = 0.
std::optional<Estimate> ShareOf(std::int64_t successes, std::int64_t n);

/// The mean with the normal interval of its standard error. nullopt without values; of one value
/// the interval is without bounds.
std::optional<Estimate> MeanOf(std::span<const double> values);

/// The quantile as numpy.quantile computes it (linear), with the interval of order statistics that
/// needs no distribution. REQUIRES: ascending; 0 < q < 1.
std::optional<Estimate> QuantileOf(std::span<const double> ascending, double q);

/// One label, 0 or 1, and the score that was given.
struct Scored {
  double label = 0;
  double score = 0;
};

/// Area under the ROC curve, ties counted half, with DeLong's interval, cut to [0, 1]. Where that
/// variance is 0 (all apart, or all tied) it would claim certainty: then Wilson's interval of the
/// smaller class stands in. nullopt without both labels.
std::optional<Estimate> AucOf(std::span<const Scored> pairs);

/// sklearn.metrics.log_loss: scores are cut to [eps, 1 - eps] with the eps of doubles.
std::optional<Estimate> LogLossOf(std::span<const Scored> pairs);

/// At a threshold: a score from it on is a 1.
struct Confusion {
  std::int64_t true_positives = 0;
  std::int64_t false_positives = 0;
  std::int64_t true_negatives = 0;
  std::int64_t false_negatives = 0;
};
Confusion ConfusionOf(std::span<const Scored> pairs, double threshold);

}  // namespace podium::control
