// The rules that a simulation compares: each sees one request after the other. Only for
// simulator.cc and its tests.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rollout/evidence.h"
#include "rollout/simulator.h"

namespace podium::rollout {

struct SimulatedRequest {
  std::uint32_t key = 0;
  bool canary = false;
  bool bad = false;
  int above = 0;  ///< How many of the primary's p50, p90 and p99 it took longer than.
};

/// Of a standard normal: the quantiles that latency is judged above.
inline constexpr std::array<double, 3> kNormalQuantiles = {0, 1.2815515655446004,
                                                           2.3263478740408408};

/// How far a step is, for a rule that says whether its power is gone.
struct StepOutlook {
  double units = 0;        ///< Requests, or active keys, of the whole step.
  double left = 1;         ///< Of the step, 0 to 1.
  double rate_before = 0;  ///< The primary's, per unit of a whole step.
};

class SimulatedRule {
 public:
  virtual ~SimulatedRule() = default;
  virtual void BeginStep(double share) = 0;
  virtual void Add(const SimulatedRequest& request) = 0;
  virtual void End() {}  ///< Of the world: a last look follows.
  /// One look; a rule may look at the promotion too.
  virtual bool RollsBack() = 0;
  /// Whether some look of the last step passed the promotion.
  virtual bool Promoted() const { return false; }
  /// The counters so far, as a controller would have them; none of rules that are not Podium's.
  virtual std::optional<Evidence> Counters(const StepOutlook&) const { return std::nullopt; }
};

/// Podium's with sticky keys.
std::unique_ptr<SimulatedRule> MakeStickyRule(const SimulationPlan& plan, std::uint32_t keys,
                                              std::size_t declared);

/// Podium's guard on latency, unit = request: as Judge has it for three frozen thresholds.
std::unique_ptr<SimulatedRule> MakeLatencyRule(const SimulationPlan& plan, std::size_t declared);

/// Evidence of a simulated step so far, but for its metrics; and a series of one.
Evidence SimulatedEvidence(const SimulationPlan& plan, DeclaredSteps declared,
                           std::vector<StepUnits> units);
Series SimulatedSeries(std::string name, std::span<const LabelCounts> steps);

/// What AttemptAlpha makes of it in the first attempt is plan.alpha.
double AlphaBeforeAttempts(const SimulationPlan& plan);

/// `declared`: how many steps there will be.
std::unique_ptr<SimulatedRule> MakeRule(const SimulationPlan& plan, const World& world,
                                        std::size_t declared);

}  // namespace podium::rollout
