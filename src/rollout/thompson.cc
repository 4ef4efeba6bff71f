#include "rollout/thompson.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "base/assert.h"

namespace podium::rollout {
namespace {

constexpr std::size_t kNodes = 20;
constexpr double kNegligible = 1e-20;  // Of a peak.

/// Nodes and weights of Gauss-Legendre on [0, 1].
struct LegendreRule {
  std::array<double, kNodes> at{};
  std::array<double, kNodes> weight{};
};

// Roots of the Legendre polynomial by Newton's method from Chebyshev's points.
LegendreRule MakeRule() {
  LegendreRule rule;
  for (std::size_t i = 0; i < kNodes; ++i) {
    double x = std::cos(std::numbers::pi * (static_cast<double>(i) + 0.75) / (kNodes + 0.5));
    double slope = 1;
    for (int turn = 0; turn < 50; ++turn) {
      double before = 1;
      double value = x;
      for (std::size_t n = 2; n <= kNodes; ++n) {
        const auto degree = static_cast<double>(n);
        const double next = ((2 * degree - 1) * x * value - (degree - 1) * before) / degree;
        before = value;
        value = next;
      }
      slope = kNodes * (x * value - before) / (x * x - 1);
      const double step = value / slope;
      x -= step;
      if (std::fabs(step) < 1e-16) break;
    }
    rule.at[i] = (1 - x) / 2;
    rule.weight[i] = 1 / ((1 - x * x) * slope * slope);
  }
  return rule;
}

const LegendreRule& GaussRule() {
  static const LegendreRule rule = MakeRule();
  return rule;
}

/// ln(1 + e^u) for any u.
double SoftPlus(double u) { return u > 0 ? u + std::log1p(std::exp(-u)) : std::log1p(std::exp(u)); }

/// The density of ln(x / (1 - x)) for x of a Beta distribution, as a multiple of its peak. Smooth
/// everywhere, with a peak of the width below whatever the parameters are.
class LogitDensity {
 public:
  explicit LogitDensity(const BetaPosterior& of)
      : of_(of),
        peak_(std::log(of.alpha / of.beta)),
        width_(std::sqrt(1 / of.alpha + 1 / of.beta)),
        at_peak_(LogAt(peak_)) {}

  double operator()(double u) const { return std::exp(LogAt(u) - at_peak_); }
  /// Adds what cuts it into parts in which it is like a polynomial. Beyond the last one is less
  /// than e^-45 of the peak.
  void AddBounds(std::vector<double>& bounds) const {
    bounds.push_back(peak_);
    for (const double sign : {-1.0, 1.0}) {
      double step = width_;
      double u = peak_;
      while (LogAt(u) - at_peak_ > kNothing) {
        u += sign * step;
        bounds.push_back(u);
        if (std::fabs(u - peak_) > 4 * width_) step *= kGrowth;
      }
    }
  }

 private:
  static constexpr double kNothing = -45;
  static constexpr double kGrowth = 1.3;

  double LogAt(double u) const { return -of_.alpha * SoftPlus(-u) - of_.beta * SoftPlus(u); }

  BetaPosterior of_;
  double peak_;
  double width_;
  double at_peak_;
};

double IntegralOver(const LogitDensity& density, double from, double to) {
  double sum = 0;
  for (std::size_t i = 0; i < kNodes; ++i) {
    sum += GaussRule().weight[i] * density(from + (to - from) * GaussRule().at[i]);
  }
  return sum * (to - from);
}

double Outcomes(const EpochOutcomes& epoch) {
  return static_cast<double>(epoch.candidate.successes + epoch.candidate.failures +
                             epoch.primary.successes + epoch.primary.failures);
}

void AddWeighed(const ArmOutcomes& outcomes, double weight, BetaPosterior& posterior) {
  posterior.alpha += weight * static_cast<double>(outcomes.successes);
  posterior.beta += weight * static_cast<double>(outcomes.failures);
}

double MeanOfBeta(const BetaPosterior& of) { return of.alpha / (of.alpha + of.beta); }

}  // namespace

Posteriors PosteriorsOf(std::span<const EpochOutcomes> epochs, double discount) {
  PODIUM_ASSERT(discount > 0 && discount <= 1);
  Posteriors posteriors;
  const double log_discount = std::log(discount);
  double later = 0;  // Outcomes after this epoch.
  for (std::size_t i = epochs.size(); i > 0; --i) {
    const EpochOutcomes& epoch = epochs[i - 1];
    const double count = Outcomes(epoch);
    if (count == 0) continue;
    // The mean of discount^0 to discount^(count - 1).
    const double within =
        discount == 1 ? 1 : std::expm1(count * log_discount) / (count * std::expm1(log_discount));
    const double weight = within * std::exp(later * log_discount);
    AddWeighed(epoch.candidate, weight, posteriors.candidate);
    AddWeighed(epoch.primary, weight, posteriors.primary);
    later += count;
  }
  return posteriors;
}

double ProbabilityAbove(const BetaPosterior& a, const BetaPosterior& b) {
  PODIUM_ASSERT(a.alpha >= 1 && a.beta >= 1 && b.alpha >= 1 && b.beta >= 1);
  const LogitDensity of_a(a);
  const LogitDensity of_b(b);
  std::vector<double> bounds;
  of_a.AddBounds(bounds);
  of_b.AddBounds(bounds);
  std::ranges::sort(bounds);
  double all_a = 0;
  double below_b = 0;  // Of b, up to the present part.
  double above = 0;
  for (std::size_t part = 1; part < bounds.size(); ++part) {
    const double from = bounds[part - 1];
    const double length = bounds[part] - from;
    for (std::size_t i = 0; i < kNodes; ++i) {
      const double u = from + length * GaussRule().at[i];
      const double density = of_a(u);
      const double weight = length * GaussRule().weight[i] * density;
      all_a += weight;
      // Where a has nothing, what b has below it does not matter.
      if (density > kNegligible) above += weight * (below_b + IntegralOver(of_b, from, u));
    }
    below_b += IntegralOver(of_b, from, bounds[part]);
  }
  return std::clamp(above / (all_a * below_b), 0.0, 1.0);
}

BasisPoints ThompsonShare(double probability, const ThompsonPlan& plan) {
  const double mixed = (1 - plan.exploration) * probability + plan.exploration / 2;
  const auto whole = static_cast<int>(std::lround(mixed * BasisPoints::kWhole));
  return *BasisPoints::From(std::clamp(whole, 1, std::max(plan.most.value(), 1)));
}

std::chrono::microseconds ThompsonInterval(const ThompsonPlan& plan, std::size_t epochs) {
  constexpr std::size_t kMostPaces = 16;
  const std::size_t paces = std::min(epochs / kThompsonEpochsPerPace, kMostPaces);
  const std::chrono::microseconds paced = kLeastThompsonInterval * (std::int64_t{1} << paces);
  return std::max(plan.interval, paced);
}

std::optional<ThompsonMove> NextThompsonMove(std::span<const EpochOutcomes> epochs,
                                             BasisPoints share, std::chrono::microseconds in_share,
                                             const ThompsonPlan& plan) {
  if (in_share < ThompsonInterval(plan, epochs.size())) return std::nullopt;
  const Posteriors posteriors = PosteriorsOf(epochs, plan.discount);
  const double probability = ProbabilityAbove(posteriors.candidate, posteriors.primary);
  const BasisPoints next = ThompsonShare(probability, plan);
  const bool is_end = next == ThompsonShare(0, plan) || next == ThompsonShare(1, plan);
  const int moved = std::abs(next.value() - share.value());
  if (moved == 0 || (moved < kLeastThompsonMove && !is_end)) return std::nullopt;
  const auto outcomes = [](const BetaPosterior& of) { return of.alpha + of.beta - 2; };
  return ThompsonMove{
      next, fmt::format("The candidate succeeds more often with probability {:.4f} ({:.3f} % of "
                        "{:.0f} against {:.3f} % of {:.0f}, old outcomes weighing less): from {} % "
                        "to {} %.",
                        probability, 100 * MeanOfBeta(posteriors.candidate),
                        outcomes(posteriors.candidate), 100 * MeanOfBeta(posteriors.primary),
                        outcomes(posteriors.primary), FormatPercent(share), FormatPercent(next))};
}

}  // namespace podium::rollout
