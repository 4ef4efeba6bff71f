#include "control/analytics/compare_statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace podium::control {
namespace {

double Sum(std::span<const double> values) {
  // Kahan's: millions of latencies are added up.
  double sum = 0;
  double lost = 0;
  for (const double value : values) {
    const double term = value - lost;
    const double next = sum + term;
    lost = (next - sum) - term;
    sum = next;
  }
  return sum;
}

// The unbiased one. REQUIRES: two values at least.
double Variance(std::span<const double> values, double mean) {
  std::vector<double> squares;
  squares.reserve(values.size());
  for (const double value : values) squares.push_back((value - mean) * (value - mean));
  return Sum(squares) / static_cast<double>(values.size() - 1);
}

// The mean rank of each value among all of them, from 1: ties share theirs.
std::vector<double> MidRanks(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, {}, [&](std::size_t i) { return values[i]; });
  std::vector<double> ranks(values.size());
  for (std::size_t i = 0; i < order.size();) {
    std::size_t end = i + 1;
    while (end < order.size() && values[order[end]] == values[order[i]]) ++end;
    const double rank = 0.5 * static_cast<double>(i + end + 1);
    for (; i < end; ++i) ranks[order[i]] = rank;
  }
  return ranks;
}

}  // namespace

std::optional<Estimate> ShareOf(std::int64_t successes, std::int64_t n) {
  if (n == 0) return std::nullopt;
  const auto count = static_cast<double>(n);
  const double share = static_cast<double>(successes) / count;
  const double z2 = kNormal975 * kNormal975;
  const double middle = (share + z2 / (2 * count)) / (1 + z2 / count);
  const double half = kNormal975 / (1 + z2 / count) *
                      std::sqrt(share * (1 - share) / count + z2 / (4 * count * count));
  // At the ends the formula is exact but for rounding.
  const double low = successes == 0 ? 0 : std::max(middle - half, 0.0);
  const double high = successes == n ? 1 : std::min(middle + half, 1.0);
  return Estimate{share, low, high, n};
}

std::optional<Estimate> MeanOf(std::span<const double> values) {
  if (values.empty()) return std::nullopt;
  const auto count = static_cast<double>(values.size());
  const double mean = Sum(values) / count;
  const double half = values.size() == 1 ? std::numeric_limits<double>::infinity()
                                         : kNormal975 * std::sqrt(Variance(values, mean) / count);
  return Estimate{mean, mean - half, mean + half, static_cast<std::int64_t>(values.size())};
}

std::optional<Estimate> QuantileOf(std::span<const double> ascending, double q) {
  if (ascending.empty()) return std::nullopt;
  const auto n = static_cast<double>(ascending.size());
  const double place = q * (n - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, ascending.size() - 1);
  const double value = ascending[below] +
                       (ascending[above] - ascending[below]) * (place - static_cast<double>(below));
  // How many of n are below the quantile is binomial.
  const double half = kNormal975 * std::sqrt(n * q * (1 - q));
  const double first = std::floor(n * q - half);
  const double last = std::ceil(n * q + half);
  const double low = ascending[static_cast<std::size_t>(std::clamp(first - 1, 0.0, n - 1))];
  const double high = ascending[static_cast<std::size_t>(std::clamp(last, 0.0, n - 1))];
  return Estimate{value, std::min(low, value), std::max(high, value),
                  static_cast<std::int64_t>(ascending.size())};
}

// DeLong's variance by mid-ranks (Sun and Xu 2014): n log n instead of all pairs.
std::optional<Estimate> AucOf(std::span<const Scored> pairs) {
  std::vector<double> ones;
  std::vector<double> zeros;
  for (const Scored& pair : pairs) (pair.label > 0.5 ? ones : zeros).push_back(pair.score);
  if (ones.empty() || zeros.empty()) return std::nullopt;
  const auto m = static_cast<double>(ones.size());
  const auto n = static_cast<double>(zeros.size());
  std::vector<double> all = ones;
  all.insert(all.end(), zeros.begin(), zeros.end());
  const std::vector<double> ranks = MidRanks(all);
  const std::vector<double> among_ones = MidRanks(ones);
  const std::vector<double> among_zeros = MidRanks(zeros);
  std::vector<double> of_ones;   // For each 1: the share of 0s below it.
  std::vector<double> of_zeros;  // For each 0: the share of 1s above it.
  for (std::size_t i = 0; i < ones.size(); ++i) of_ones.push_back((ranks[i] - among_ones[i]) / n);
  for (std::size_t i = 0; i < zeros.size(); ++i) {
    of_zeros.push_back(1 - (ranks[ones.size() + i] - among_zeros[i]) / m);
  }
  const double auc = Sum(of_ones) / m;
  double variance = 0;
  if (ones.size() > 1) variance += Variance(of_ones, auc) / m;
  if (zeros.size() > 1) variance += Variance(of_zeros, auc) / n;
  const auto count = static_cast<std::int64_t>(pairs.size());
  if (variance > 0) {
    const double half = kNormal975 * std::sqrt(variance);
    return Estimate{auc, std::max(auc - half, 0.0), std::min(auc + half, 1.0), count};
  }
  const auto smaller = static_cast<std::int64_t>(std::min(ones.size(), zeros.size()));
  const auto won = static_cast<std::int64_t>(std::llround(auc * static_cast<double>(smaller)));
  const std::optional<Estimate> wilson = ShareOf(won, smaller);
  return Estimate{auc, std::min(wilson->low, auc), std::max(wilson->high, auc), count};
}

std::optional<Estimate> LogLossOf(std::span<const Scored> pairs) {
  constexpr double kEps = std::numeric_limits<double>::epsilon();
  std::vector<double> losses;
  losses.reserve(pairs.size());
  for (const Scored& pair : pairs) {
    const double score = std::clamp(pair.score, kEps, 1 - kEps);
    losses.push_back(pair.label > 0.5 ? -std::log(score) : -std::log(1 - score));
  }
  return MeanOf(losses);
}

Confusion ConfusionOf(std::span<const Scored> pairs, double threshold) {
  Confusion found;
  for (const Scored& pair : pairs) {
    const bool said = pair.score >= threshold;
    if (pair.label > 0.5) {
      ++(said ? found.true_positives : found.false_negatives);
    } else {
      ++(said ? found.false_positives : found.true_negatives);
    }
  }
  return found;
}

}  // namespace podium::control
