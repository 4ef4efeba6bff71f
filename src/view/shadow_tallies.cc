#include "view/shadow_tallies.h"

namespace podium::view {

template <typename Tally>
std::shared_ptr<Tally> ShadowTallies::Find(Tallies<Tally>& tallies, const ModelId* champion,
                                           const Key& key) {
  Versus<Tally>& found = tallies[key];
  const bool is_other = champion != nullptr && found.champion != *champion;
  if (is_other) found.champion = *champion;
  if (is_other || found.tally == nullptr) {
    found.tally = std::make_shared<Tally>(cores_, key.first, key.second);
  }
  return found.tally;
}

std::shared_ptr<ShadowTally> ShadowTallies::Against(const ModelId& champion, const RouteName& route,
                                                    const ModelId& version) {
  const std::lock_guard lock(mutex_);
  return Find(tallies_, &champion, {route, version});
}

std::shared_ptr<ChallengerTally> ShadowTallies::ChallengerAgainst(const ModelId& champion,
                                                                  const RouteName& route,
                                                                  const ModelId& version) {
  const std::lock_guard lock(mutex_);
  return Find(challengers_, &champion, {route, version});
}

std::shared_ptr<ShadowTally> ShadowTallies::Of(const RouteName& route, const ModelId& version) {
  const std::lock_guard lock(mutex_);
  return Find(tallies_, nullptr, {route, version});
}

std::shared_ptr<ChallengerTally> ShadowTallies::ChallengerOf(const RouteName& route,
                                                             const ModelId& version) {
  const std::lock_guard lock(mutex_);
  return Find(challengers_, nullptr, {route, version});
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
  for (const auto& [key, own] : tallies_) all.push_back({key.first, key.second, own.tally});
  return all;
}

std::vector<std::pair<RouteName, std::shared_ptr<ShadowBudget>>> ShadowTallies::Budgets() const {
  const std::lock_guard lock(mutex_);
  return {budgets_.begin(), budgets_.end()};
}

}  // namespace podium::view
