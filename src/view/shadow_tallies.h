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

  /// The tally against that champion; it begins anew whenever the champion is another one than
  /// last time, since a verdict speaks about two versions. Calls that run count in the old one.
  std::shared_ptr<ShadowTally> Against(const ModelId& champion, const RouteName& route,
                                       const ModelId& version);
  std::shared_ptr<ChallengerTally> ChallengerAgainst(const ModelId& champion,
                                                     const RouteName& route,
                                                     const ModelId& version);
  /// The one against the last champion; never null.
  std::shared_ptr<ShadowTally> Of(const RouteName& route, const ModelId& version);
  std::shared_ptr<ChallengerTally> ChallengerOf(const RouteName& route, const ModelId& version);
  /// The same object for the same route, for as long as this process lives.
  std::shared_ptr<ShadowBudget> BudgetOf(const RouteName& route);
  /// By route, then version.
  std::vector<TalliedShadow> All() const;
  std::vector<std::pair<RouteName, std::shared_ptr<ShadowBudget>>> Budgets() const;

 private:
  using Key = std::pair<RouteName, ModelId>;
  template <typename Tally>
  struct Versus {
    ModelId champion;
    std::shared_ptr<Tally> tally;
  };
  template <typename Tally>
  using Tallies = std::map<Key, Versus<Tally>>;
  /// `champion` null: whoever it was last. REQUIRES: mutex_ is held.
  template <typename Tally>
  std::shared_ptr<Tally> Find(Tallies<Tally>& tallies, const ModelId* champion, const Key& key);

  const std::size_t cores_;
  mutable std::mutex mutex_;
  Tallies<ShadowTally> tallies_;  // Protected by mutex_, as the next two.
  Tallies<ChallengerTally> challengers_;
  std::map<RouteName, std::shared_ptr<ShadowBudget>> budgets_;
};

}  // namespace podium::view
