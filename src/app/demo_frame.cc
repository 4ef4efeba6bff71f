#include "app/demo_frame.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace podium::app {
namespace {

constexpr std::array<std::string_view, 6> kOrder = {"primary", "canary",  "arm",
                                                    "shadow",  "standby", "retired"};

std::size_t RankOf(const FrameVersion& version) {
  const auto* const found = std::find(kOrder.begin(), kOrder.end(), version.role);
  return static_cast<std::size_t>(found - kOrder.begin());
}

const RegistryRoute* TableOf(const std::string& name, const RegistryPicture& registry) {
  for (const RegistryRoute& route : registry.routes) {
    if (route.route == name) return &route;
  }
  return nullptr;
}

bool Idle(const FrameVersion& version) {
  return version.figures.requests == 0 && (version.role == "standby" || version.role == "retired");
}

}  // namespace

FrameRoute MakeFrameRoute(const std::string& route, const RegistryPicture& registry,
                          const std::map<std::string, DemoFigures>& figures) {
  const RegistryRoute* table = TableOf(route, registry);
  FrameRoute frame;
  frame.route = route;
  std::map<std::string, DemoFigures> unlisted = figures;
  for (const RegistryVersion& listed : registry.versions) {
    if (listed.route != route) continue;
    FrameVersion version{listed.version, listed.status, 0, {}};
    if (table != nullptr) version.asked_pct = ShareAsked(*table, listed);
    if (const auto found = unlisted.find(listed.model_id); found != unlisted.end()) {
      version.figures = found->second;
      unlisted.erase(found);
    }
    if (!Idle(version)) frame.versions.push_back(std::move(version));
  }
  for (const auto& [model_id, counted] : unlisted) {
    frame.versions.push_back(model_id.empty() ? FrameVersion{"(none)", "no answer", 0, counted}
                                              : FrameVersion{model_id, "gone", 0, counted});
  }
  // Where others were seen, one that never answered was seen with 0 %, not with nothing.
  const bool is_seen = std::any_of(figures.begin(), figures.end(),
                                   [](const auto& one) { return one.second.share_seen; });
  for (FrameVersion& version : frame.versions) {
    if (is_seen && !version.figures.share_seen) version.figures.share_seen = 0;
  }
  std::sort(frame.versions.begin(), frame.versions.end(),
            [](const FrameVersion& a, const FrameVersion& b) {
              return std::pair(RankOf(a), a.version) < std::pair(RankOf(b), b.version);
            });
  return frame;
}

std::vector<std::string> ShownChanges(const RegistryPicture& registry) {
  std::vector<std::string> shown;
  for (const RegistryChange& change : registry.changes) {
    if (change.origin == kDemoOrigin) continue;
    if (shown.size() == kMaxShownChanges) break;
    shown.push_back(Sentence(change, registry.versions));
  }
  return shown;
}

std::vector<std::string> TroublesOf(const RegistryPicture& registry) {
  std::vector<std::string> troubles;
  for (const RegistryRoute& route : registry.routes) {
    for (const std::string& fault : route.faults) {
      troubles.push_back(fmt::format("{}: {}", route.route, fault));
    }
  }
  for (const RegistryVersion& version : registry.versions) {
    if (version.load_state != "failed") continue;
    troubles.push_back(
        fmt::format("{} {} is not loaded: {}", version.route, version.version, version.load_error));
  }
  return troubles;
}

}  // namespace podium::app
