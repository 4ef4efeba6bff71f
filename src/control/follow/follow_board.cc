#include "control/follow/follow_board.h"

#include <algorithm>
#include <utility>

namespace podium::control {
namespace {

constexpr std::chrono::minutes kLongestPause{5};
// Versions of one route that are remembered: more than a model can name at once.
constexpr std::size_t kMostTroubles = 16;

// Of the moment, and nothing that the version could be blamed for.
bool Passes(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUnavailable:
    case ErrorCode::kDeadline:
    case ErrorCode::kLimited:
    case ErrorCode::kTimeout:
      return true;
    default:
      return false;
  }
}

bool ChampionServes(const FollowFacts& facts) {
  const auto& champion = facts.champion;
  return facts.primary != nullptr && champion && champion->row != nullptr &&
         champion->row->model_id == facts.primary->model_id;
}

}  // namespace

std::optional<view::FollowStanding> FollowBoard::StandingOf(const RouteName& route) const {
  const std::lock_guard lock(mutex_);
  const auto found = routes_.find(route);
  return found == routes_.end() ? std::nullopt : found->second.standing;
}

view::FollowStanding FollowBoard::Note(const FollowFacts& facts, const FollowPlan& plan,
                                       const FollowTargets& targets, SteadyTime now) {
  view::FollowStanding standing{plan.state, plan.text, targets.champion, targets.challenger, {}};
  const std::lock_guard lock(mutex_);
  std::optional<view::FollowStanding>& before = routes_[facts.route].standing;
  // While a person holds the route, it is not late.
  if (facts.champion && !facts.follow.held && !ChampionServes(facts)) {
    const bool was_late = before && before->champion_since;
    standing.champion_since = was_late ? before->champion_since : now;
  }
  before = standing;
  return standing;
}

void FollowBoard::Keep(const std::set<RouteName>& followed) {
  const std::lock_guard lock(mutex_);
  std::erase_if(routes_, [&](const auto& entry) { return !followed.contains(entry.first); });
}

std::optional<FollowTrouble> FollowBoard::TroubleOf(const RouteName& route, const std::string& key,
                                                    SteadyTime now) const {
  const std::lock_guard lock(mutex_);
  const auto found = routes_.find(route);
  if (found == routes_.end()) return std::nullopt;
  const auto entry = found->second.troubles.find(key);
  if (entry == found->second.troubles.end() || entry->second.retry_at <= now) return std::nullopt;
  return entry->second.trouble;
}

bool FollowBoard::Blame(const RouteName& route, const std::string& key, const Error& error,
                        bool of_load, SteadyTime now) {
  const std::lock_guard lock(mutex_);
  auto& troubles = routes_[route].troubles;
  if (troubles.size() == kMostTroubles && !troubles.contains(key)) {
    troubles.erase(std::ranges::min_element(troubles, {},
                                            [](const auto& one) { return one.second.retry_at; }));
  }
  Entry& entry = troubles[key];
  const bool news = entry.trouble.why != error.message;
  const auto longest = std::max<std::chrono::nanoseconds>(kLongestPause, pause_);
  entry.pause = entry.pause.count() == 0 ? pause_ : std::min(2 * entry.pause, longest);
  entry.trouble = {error.message, Passes(error.code), of_load};
  entry.retry_at = now + entry.pause;
  return news;
}

void FollowBoard::Absolve(const RouteName& route, const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = routes_.find(route);
  if (found != routes_.end()) found->second.troubles.erase(key);
}

void FollowBoard::Forgive(const RouteName& route) {
  const std::lock_guard lock(mutex_);
  const auto found = routes_.find(route);
  if (found != routes_.end()) found->second.troubles.clear();
}

}  // namespace podium::control
