// The rules that a simulation compares: each sees one request after the other. Only for
// simulator.cc and its tests.
#pragma once

#include <cstdint>
#include <memory>

#include "rollout/simulator.h"

namespace podium::rollout {

struct SimulatedRequest {
  std::uint32_t key = 0;
  bool canary = false;
  bool bad = false;
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
};

/// `declared`: how many steps there will be.
std::unique_ptr<SimulatedRule> MakeRule(const SimulationPlan& plan, std::uint32_t keys,
                                        std::size_t declared);

}  // namespace podium::rollout
