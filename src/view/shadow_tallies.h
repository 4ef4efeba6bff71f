// Finds what a replica has counted of its shadows, across all generations of the view.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "domain/ids.h"
#include "view/challenger_tally.h"
#include "view/shadow_budget.h"
#include "view/shadow_tally.h"

namespace podium::view {

/// One shadow of one route.
struct TalliedShadow {
  RouteName route;
  ModelId version;
  std::shared_ptr<ShadowTally> tally;
};

/// Threads: any.
class ShadowTallies {
 public:
  explicit ShadowTallies(std::size_t cores) : cores_(cores) {}

  /// The same object for the same names, for as long as this process lives.
  std::shared_ptr<ShadowTally> Of(const RouteName& route, const ModelId& version);
  std::shared_ptr<ChallengerTally> ChallengerOf(const RouteName& route, const ModelId& version);
  std::shared_ptr<ShadowBudget> BudgetOf(const RouteName& route);
  /// By route, then version.
  std::vector<TalliedShadow> All() const;
  std::vector<std::pair<RouteName, std::shared_ptr<ShadowBudget>>> Budgets() const;

 private:
  using Key = std::pair<RouteName, ModelId>;
  const std::size_t cores_;
  mutable std::mutex mutex_;
  std::map<Key, std::shared_ptr<ShadowTally>> tallies_;  // Protected by mutex_, as the next two.
  std::map<Key, std::shared_ptr<ChallengerTally>> challengers_;
  std::map<RouteName, std::shared_ptr<ShadowBudget>> budgets_;
};

}  // namespace podium::view
