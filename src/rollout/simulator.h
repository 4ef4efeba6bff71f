// Rollouts in made-up worlds, judged by Podium's tests and by the rules that others use.
//
// For the figures that are claimed of the tests, and for anybody who wants to see them under their
// own traffic. The same seed gives the same figures on every platform whose libm agrees. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/result.h"
#include "base/rng.h"

namespace podium::rollout {

/// A stretch of requests under one share, base rate and ratio.
struct WorldStep {
  std::uint64_t requests = 0;
  double share = 0.05;       ///< Of the candidate, in (0, 1).
  double base_begin = 0.01;  ///< The primary's rate; it moves in a straight line to `base_end`.
  double base_end = 0.01;
  double ratio = 1;      ///< Of the candidate's rate to it.
  bool new_step = true;  ///< Else a change of the world within the step before.
};

/// Lognormal times in place of bad outcomes; rates and ratios of the steps play no part. Bad, for a
/// rule that knows no latency, is what takes longer than the primary's p99.
struct WorldLatency {
  double sigma = 0.8;
  double factor = 1;   ///< Of the candidate's times to the primary's.
  double stalled = 0;  ///< The part of the candidate's requests that takes `stall` times as long.
  double stall = 10;
};

struct World {
  std::vector<WorldStep> steps;
  /// REQUIRES: keys = 0.
  std::optional<WorldLatency> latency{};
  /// 0: the unit is the request. Else so many sticky keys, with lognormal activity.
  std::uint32_t keys = 0;
  double activity_sigma = 1.5;
  double frail = 1;         ///< The part of the keys that has all the bad outcomes.
  std::uint64_t onset = 0;  ///< Requests before a late regression: earlier alarms are false.
};

enum class Rule : std::uint8_t {
  kPodium,        ///< Unit = request: label test with restarts. Sticky: R1 and R2.
  kEveryEvent,    ///< The label test fed with every bad outcome, whatever the unit: what not to do.
  kFailureLimit,  ///< Success below 95 % in more than 3 windows of 1,000 requests (Argo's sample).
  kSuccessRate,   ///< Success below 99 % in 5 windows (Flagger's sample).
  kPeekingZ,      ///< One-sided z-test at 5 %, looked at every 500 requests.
  kMannWhitney,   ///< On the windows' rates, every 5 windows, at 98 %, beyond 1.25 times.
};

struct SimulationPlan {
  Rule rule = Rule::kPodium;
  int rollouts = 200;
  std::uint64_t seed = 1;
  double alpha = 0.05;
  double null_ratio = 1;           ///< r0
  double margin = 2;               ///< r1, of a promotion out of the last step.
  std::uint64_t look_every = 500;  ///< Requests between two looks.
  /// How often a step is asked whether power is left, its beginning included; Podium only.
  int power_looks = 0;
};

/// What "no power left" said of one step, as shares of the rollouts that came to it. To be said
/// early where nothing is found in the step, and not to be said where something is.
struct PowerOfStep {
  int reached = 0;                  ///< Rollouts, not a share.
  double found = 0;                 ///< Rolled back in this step.
  double said = 0;                  ///< At some look.
  double said_wrong = 0;            ///< Said, and then found in this step.
  double missed = 0;                ///< Nothing found in this step.
  double missed_said_at_start = 0;  ///< Of the rollouts, as the next two.
  double missed_said_by_half = 0;
  double missed_said = 0;  ///< Before its last tenth: at the end it is no forecast.
};

struct SimulationResult {
  double rolled_back = 0;      ///< Share of the rollouts, at or after the onset.
  double median_requests = 0;  ///< From the onset to the rollback, among those; 0: there is none.
  double too_early = 0;        ///< Share that was rolled back before the onset.
  double promoted = 0;  ///< Share that passed the promotion test in the last step; Podium only.
  double median_promotion = 0;       ///< Requests of the last step to it, among those.
  std::vector<PowerOfStep> power{};  ///< With power_looks: of each step.
};

/// Called after each rollout with how many are done.
using SimulationProgress = std::function<void(int)>;

/// kInvalidArgument for a world without requests or with numbers outside their range.
Result<SimulationResult> Simulate(const World& world, const SimulationPlan& plan,
                                  const SimulationProgress& progress = {});

/// Names, rows and worlds of the published tables: steps of the ramp 1-5-25-50 % and the flat 5 %.
World FlatWorld(double base, double ratio, std::uint64_t requests = 100'000);
World RampWorld(double base_begin, double base_end, double ratio, std::uint64_t per_step);

}  // namespace podium::rollout
