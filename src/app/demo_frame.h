// One picture of the demo: the registry's word and the traffic's figures put side by side.
//
// Pure: the same inputs give the same frame.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/demo_chat.h"
#include "app/demo_registry.h"
#include "app/demo_rollout.h"
#include "app/demo_stats.h"

namespace podium::app {

struct FrameVersion {
  std::string version;
  std::string role;  ///< The status in the registry; "gone" when it is not listed any more.
  double asked_pct = 0;
  DemoFigures figures;
};

struct FrameRoute {
  std::string route;
  std::vector<FrameVersion> versions;  ///< Those with a role first: primary, canary, the rest.
};

struct DemoFrame {
  std::string url;
  std::chrono::seconds elapsed{0};  ///< Since the traffic began.
  double rate = 0;                  ///< Requests per second, as asked.
  std::uint64_t requests = 0;
  std::uint64_t errors = 0;
  std::uint64_t skipped = 0;  ///< Not sent, since too many were under way.
  std::vector<FrameRoute> routes;
  FrameChat chat;
  std::optional<DemoRollout> rollout;  ///< The newest one.
  std::vector<std::string> changes;    ///< Newest first, one sentence each.
  std::vector<std::string> troubles;   ///< What a person should know: a failed load, no API.
};

/// What the API said at the last poll.
struct RegistryPicture {
  std::vector<RegistryVersion> versions;
  std::vector<RegistryRoute> routes;
  std::vector<RegistryChange> changes;  ///< Newest first.
};

inline constexpr std::size_t kMaxShownChanges = 5;
/// The origin of what the demo does itself; such changes are not news.
inline constexpr std::string_view kDemoOrigin = "demo";

/// The versions of one route: listed ones, except retired or standby ones that never answered, and
/// those that answered but are not listed.
FrameRoute MakeFrameRoute(const std::string& route, const RegistryPicture& registry,
                          const std::map<std::string, DemoFigures>& figures);
/// Sentences about what others changed, newest first.
std::vector<std::string> ShownChanges(const RegistryPicture& registry);
/// Faults of routes and versions that could not be loaded.
std::vector<std::string> TroublesOf(const RegistryPicture& registry);

}  // namespace podium::app
