#include "view/shadow_tallies.h"

namespace podium::view {

std::shared_ptr<ShadowTally> ShadowTallies::Of(const RouteName& route, const ModelId& version) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<ShadowTally>& tally = tallies_[{route, version}];
  if (tally == nullptr) tally = std::make_shared<ShadowTally>(cores_, route, version);
  return tally;
}

std::shared_ptr<ChallengerTally> ShadowTallies::ChallengerOf(const RouteName& route,
                                                             const ModelId& version) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<ChallengerTally>& tally = challengers_[{route, version}];
  if (tally == nullptr) tally = std::make_shared<ChallengerTally>(cores_, route, version);
  return tally;
}

std::shared_ptr<ShadowBudget> ShadowTallies::BudgetOf(const RouteName& route) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<ShadowBudget>& budget = budgets_[route];
  if (budget == nullptr) budget = std::make_shared<ShadowBudget>();
  return budget;
}

std::vector<TalliedShadow> ShadowTallies::All() const {
  const std::lock_guard lock(mutex_);
  std::vector<TalliedShadow> all;
  all.reserve(tallies_.size());
  for (const auto& [key, tally] : tallies_) all.push_back({key.first, key.second, tally});
  return all;
}

std::vector<std::pair<RouteName, std::shared_ptr<ShadowBudget>>> ShadowTallies::Budgets() const {
  const std::lock_guard lock(mutex_);
  return {budgets_.begin(), budgets_.end()};
}

}  // namespace podium::view
