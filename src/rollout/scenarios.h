// The worlds that claims are made in, by name, each with the bar that Podium has to clear there.
//
// The bars and the figures of other rules are those of docs/rollout-statistics.md, which
// simulator_bench prints anew. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rollout/simulator.h"

namespace podium::rollout {

/// Whose bad outcomes they are.
enum class Errors : std::uint8_t {
  kEverywhere,
  kConcentrated,  ///< In a tenth of the keys.
};

/// What is looked at in a scenario, and in which direction a bar lies.
enum class Claim : std::uint8_t {
  kKept,         ///< The candidate is fine: share rolled back, at most.
  kFound,        ///< It is worse: share rolled back, at least; median requests, at most.
  kNotPromoted,  ///< It is exactly at the margin: share promoted, at most.
  kPromoted,     ///< It is equal: share promoted, at least.
};

struct Scenario {
  std::string name;  ///< "doubled"
  std::string what;  ///< "errors 1 -> 2 %"
  Claim claim = Claim::kKept;
  World world;
  SimulationPlan plan;                 ///< Of Podium's rule.
  std::optional<double> share_bar{};   ///< None: nothing is claimed here.
  std::optional<double> median_bar{};  ///< Requests; late regressions from their onset.
};

/// The scenario under a rule. The rules of others are looked at every 500 requests, as published.
SimulationPlan PlanFor(const Scenario& scenario, Rule rule);
/// The rollouts per cell that the bars are stated for.
int RolloutsOf(const Scenario& scenario);
/// The share that the claim is about.
double ShareOf(Claim claim, const SimulationResult& result);
double MedianOf(Claim claim, const SimulationResult& result);
/// Whether both bars are cleared; nullopt where none is stated.
std::optional<bool> Clears(const Scenario& scenario, const SimulationResult& result);

/// The unit is the request: a flat 5 % share or a ramp 1-5-25-50 %, 100,000 requests.
std::vector<Scenario> RequestScenarios();
/// Sticky keys on a ramp of 50,000 requests a step. REQUIRES: keys > 0.
std::vector<Scenario> StickyScenarios(std::uint32_t keys, Errors errors);

}  // namespace podium::rollout
