// The port through which control's folders ask how a followed route stands, and have it looked at.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "domain/ids.h"

namespace podium::view {

enum class FollowState : std::uint8_t {
  kFollowing,  ///< It serves what the registered model says.
  kWaiting,    ///< It is on its way there, or the model says nothing.
  kBlocked,    ///< What the model says cannot be served: what served before goes on.
  kHeld,       ///< A rollback detached it.
};
constexpr std::string_view NameOf(FollowState state) {
  switch (state) {
    case FollowState::kFollowing:
      return "following";
    case FollowState::kWaiting:
      return "waiting";
    case FollowState::kBlocked:
      return "blocked";
    case FollowState::kHeld:
      break;
  }
  return "held";
}

/// How a followed route stands against its registered model, as this replica saw it last.
struct FollowStanding {
  FollowState state = FollowState::kWaiting;
  std::string text;                          ///< One sentence for people.
  std::optional<std::int64_t> champion;      ///< The version that the model names as such now.
  std::optional<std::int64_t> challenger;    ///< The same.
  std::optional<SteadyTime> champion_since;  ///< Since when it is named but does not serve.
};

/// On whose behalf a route is looked at.
struct FollowCaller {
  std::string actor;
  std::string reason;
  std::string request_id;
  bool force = false;         ///< Past a signature that does not fit.
  bool named_person = false;  ///< Whether `actor` names one: force takes one.
};

/// Threads: StandingOf from any thread; Look on any executor.
class FollowPort {
 public:
  virtual ~FollowPort() = default;
  /// nullopt: the route does not follow, or has not been looked at yet.
  virtual std::optional<FollowStanding> StandingOf(const RouteName& route) const = 0;
  /// Looks now, tries again what failed before, and returns once the route serves what the model
  /// says or cannot. kNotFound without the route, kConflict if it does not follow.
  virtual Task<Result<FollowStanding>> Look(RouteName route, FollowCaller caller) = 0;
};

}  // namespace podium::view
