#include "rollout/power.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "rollout/alpha.h"
#include "rollout/label_likelihood.h"
#include "rollout/sticky.h"

namespace podium::rollout {
namespace {

constexpr double kFewKeys = 2'000;
constexpr double kManyKeys = 20'000;
constexpr double kLeastStickyMargin = 1.5;
constexpr double kOvershoot = 1.5;

std::string NoPowerSentence(const PowerPlan& plan, const StepPower& step) {
  const std::string needed =
      std::isfinite(step.needed) ? fmt::format("about {:.0f}", step.needed) : "more than any";
  return fmt::format(
      "No power: {}, {}, {} % step: {:.0f} {} can show a failure, a ratio of {:.3g} needs {}. The "
      "guard cannot judge this step by itself. Use {}, or a larger share.",
      plan.candidate.empty() ? "the candidate" : plan.candidate, plan.series,
      FormatPercent(step.share), step.attainable, plan.sticky ? "keys" : "requests",
      step.ratio_of_interest, needed,
      plan.sticky ? "unit=request, paired shadow traffic" : "paired shadow traffic, a longer step");
}

}  // namespace

double InformationPerEvent(double label_probability, double ratio, double null_ratio) {
  if (label_probability <= 0 || label_probability >= 1) return 0;
  const double p = LabelShare(label_probability, ratio);
  const double q = LabelShare(label_probability, null_ratio);
  return p * std::log(p / q) + (1 - p) * std::log((1 - p) / (1 - q));
}

double EventsNeeded(double threshold, double label_probability, double ratio, double null_ratio) {
  const double information = InformationPerEvent(label_probability, ratio, null_ratio);
  if (information <= 0) return std::numeric_limits<double>::infinity();
  return (threshold + kOvershoot) / information;
}

double Attainable(const Outlook& outlook) {
  const double seen = outlook.active_units == 0 ? 0
                                                : static_cast<double>(outlook.active_hit) /
                                                      static_cast<double>(outlook.active_units);
  return static_cast<double>(outlook.hit) +
         std::max(outlook.units_left, 0.0) * std::max(seen, outlook.rate_before);
}

double RatioOfInterest(double null_ratio) { return std::max(2.0, 1.5 * null_ratio); }

bool OutOfReach(double log_e, double threshold, const Outlook& outlook, double label_probability,
                double null_ratio) {
  const double left = Attainable(outlook) - static_cast<double>(outlook.hit);
  const double information =
      InformationPerEvent(label_probability, RatioOfInterest(null_ratio), null_ratio);
  return log_e + left * information < threshold;
}

double UnhitKeysLeft(double keys_per_epoch, std::uint64_t hit, double epoch_left) {
  const double unhit = std::max(keys_per_epoch - static_cast<double>(hit), 0.0);
  return unhit * std::clamp(epoch_left, 0.0, 1.0);
}

std::vector<StepPower> PowerBeforeStart(const PowerPlan& plan) {
  std::vector<StepPower> steps;
  const int epochs = std::max(plan.epochs, static_cast<int>(plan.shares.size()));
  // Each sticky epoch has a part of alpha, of which R1 and R2 have half each.
  const double part = plan.sticky ? EpochWeight(1, epochs) / 2 : 1;
  for (const BasisPoints share : plan.shares) {
    StepPower step{.share = share,
                   .attainable = plan.units * plan.rate_before,
                   .ratio_of_interest = RatioOfInterest(plan.null_ratio),
                   .sentence = ""};
    step.needed = EventsNeeded(LogThreshold(plan.alpha, plan.weight * part),
                               static_cast<double>(step.share.value()) / BasisPoints::kWhole,
                               step.ratio_of_interest, plan.null_ratio);
    step.no_power = step.attainable < step.needed;
    if (step.no_power) step.sentence = NoPowerSentence(plan, step);
    steps.push_back(std::move(step));
  }
  return steps;
}

std::vector<std::string> StickyObjections(const StickyPlan& plan) {
  std::vector<std::string> why;
  const bool many = plan.keys_per_epoch >= kManyKeys;
  if (plan.keys_per_epoch < kFewKeys) {
    why.push_back(fmt::format("{:.0f} active keys per epoch are fewer than {:.0f}",
                              plan.keys_per_epoch, kFewKeys));
  }
  if (!many && plan.repeat_share > kMostRepeats) {
    why.push_back(
        fmt::format("{:.0f} % of the failing keys fail again within 4 requests, more than "
                    "{:.0f} %, and fewer than {:.0f} keys are active per epoch",
                    100 * plan.repeat_share, 100 * kMostRepeats, kManyKeys));
  }
  if (!many && plan.guards_median) {
    why.push_back(fmt::format("a guard on the p50 needs {:.0f} active keys per epoch", kManyKeys));
  }
  if (plan.least_margin < kLeastStickyMargin) {
    why.push_back(fmt::format("a margin of {} is below {}", plan.least_margin, kLeastStickyMargin));
  }
  if (plan.traffic_by_answer) {
    why.emplace_back("how much a key sends depends on its answers");
  }
  return why;
}

}  // namespace podium::rollout
