// How each followed route stands, and what was tried in vain: what this replica remembers between
// two looks. Nothing of it is needed to go on after a restart.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "control/follow/follow_plan.h"
#include "control/follow/followed_model.h"
#include "view/follow_port.h"

namespace podium::control {

/// Threads: all methods from any thread.
class FollowBoard {
 public:
  /// A version that failed is tried again after `pause`, then after twice that, and so on up to
  /// five minutes (or `pause`, if that is longer).
  explicit FollowBoard(std::chrono::nanoseconds pause) : pause_(pause) {}

  std::optional<view::FollowStanding> StandingOf(const RouteName& route) const;
  /// What a look has shown; returns it as it stands now.
  view::FollowStanding Note(const FollowFacts& facts, const FollowPlan& plan,
                            const FollowTargets& targets, SteadyTime now);
  /// Drops what is known of all routes but `followed`.
  void Keep(const std::set<RouteName>& followed);

  /// `key` is TroubleKeyOf a version (follow_judge.h). nullopt: nothing is known against it, or it
  /// is time to try again.
  std::optional<FollowTrouble> TroubleOf(const RouteName& route, const std::string& key,
                                         SteadyTime now) const;
  /// True when that is news, to be logged.
  bool Blame(const RouteName& route, const std::string& key, const Error& error, bool of_load,
             SteadyTime now);
  /// It went well with that version.
  void Absolve(const RouteName& route, const std::string& key);
  /// All of the route's may be tried again.
  void Forgive(const RouteName& route);

 private:
  struct Entry {
    FollowTrouble trouble;
    std::chrono::nanoseconds pause{0};
    SteadyTime retry_at;
  };
  struct OfRoute {
    std::optional<view::FollowStanding> standing;
    std::map<std::string, Entry> troubles;  // By key.
  };

  const std::chrono::nanoseconds pause_;
  mutable std::mutex mutex_;
  std::map<RouteName, OfRoute> routes_;  // Protected by mutex_.
};

}  // namespace podium::control
