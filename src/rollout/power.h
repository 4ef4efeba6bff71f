// Can this guard still find anything? If not, say so before somebody trusts it.
//
// statistics_sticky.md, "When nothing can be found: say so"; statistics.md, "Power rule of thumb".
// Pure; natural logarithms.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "domain/traffic.h"

namespace podium::rollout {

/// KL(theta_rho(r) || theta_rho(r0)): what one event adds to ln E on average when the ratio is r.
double InformationPerEvent(double label_probability, double ratio, double null_ratio = 1);

/// Events (sticky: keys that must be hit) until ln E reaches `threshold` at ratio r, about:
/// (threshold + 1.5)/KL. Infinity where nothing can be learnt.
double EventsNeeded(double threshold, double label_probability, double ratio,
                    double null_ratio = 1);

/// What a step or epoch has seen and may still see of one metric.
struct Outlook {
  std::uint64_t hit = 0;           ///< N: events, or keys hit, so far.
  std::uint64_t active_hit = 0;    ///< Of the primary.
  std::uint64_t active_units = 0;  ///< Its requests, or its keys seen, so far.
  double units_left = 0;           ///< Requests, or unhit keys, expected until the end.
  double rate_before = 0;          ///< Of the primary before the rollout: the least to expect.
};
/// Events, or keys hit, by the end of the step: N and what the units left will add.
double Attainable(const Outlook& outlook);

/// The ratio by which power is judged: a doubling, or half as much again as what is tolerated.
double RatioOfInterest(double null_ratio);

/// Whether a test at `log_e` can no longer reach `threshold`, should the ratio be the one above.
/// The step has no power left when this holds for the alarm and for the promotion.
bool OutOfReach(double log_e, double threshold, const Outlook& outlook, double label_probability,
                double null_ratio = 1);

/// Unhit keys expected until the end of an epoch: those of a whole epoch, as the one before had
/// them, that are not hit yet, for the part of it that is left (0 to 1).
double UnhitKeysLeft(double keys_per_epoch, std::uint64_t hit, double epoch_left);

/// What a plan means to look for, and what the primary of the last hour says it will see.
struct PowerPlan {
  std::string candidate;  ///< For sentences, as the series.
  std::string series;
  bool sticky = false;
  std::vector<BasisPoints> shares{};  ///< Of the steps.
  int epochs = 0;                     ///< Of all steps, for sticky units; at least the steps.
  double units = 0;                   ///< Requests per step, or active keys per epoch.
  double rate_before = 0;  ///< Of the primary: bad per request, or keys hit per active key.
  double alpha = 0.05;     ///< Of the rollback, in this attempt (AttemptAlpha).
  double weight = 1;       ///< Of this series among all, which sum to 1.
  double null_ratio = 1.1;
};
struct StepPower {
  BasisPoints share;
  double attainable = 0;  ///< Events, or keys hit, by its end.
  double ratio_of_interest = 2;
  double needed = 0;  ///< To see that ratio, about.
  bool no_power = false;
  std::string sentence;  ///< Empty while there is power.
};
/// Step by step, whether the guard could find the ratio of interest by this step alone.
std::vector<StepPower> PowerBeforeStart(const PowerPlan& plan);

/// What a plan with sticky units can be told before it starts.
struct StickyPlan {
  double keys_per_epoch = 0;       ///< Active ones, expected.
  double repeat_share = 0;         ///< The primary's q at J = 4.
  double least_margin = 1.5;       ///< Of all steps.
  bool guards_median = false;      ///< Some guard looks at the p50.
  bool traffic_by_answer = false;  ///< Keys send more when an answer was bad (retry storms).
};
/// Why this plan should use unit=request or paired shadow traffic; empty when it may be sticky.
std::vector<std::string> StickyObjections(const StickyPlan& plan);

}  // namespace podium::rollout
