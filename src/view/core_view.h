// CoreView: everything that a request needs, immutable and whole.
//
// Control compiles a new one when a row or a model's readiness changes; each core gets it in a
// message; a request pins it once, at its start, and never looks again (invariant 3).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "domain/model.h"
#include "routing/choose.h"
#include "routing/table.h"
#include "view/rollout_tally.h"
#include "view/route_shadows.h"
#include "view/version_stats.h"

namespace podium::view {

/// What this replica can do with one version.
struct VersionServing {
  ModelHandle model;  ///< Null unless READY, and for versions of a provider.
  LoadState state = LoadState::kRequested;
  std::string error;                    ///< Of a failed load.
  std::shared_ptr<VersionStats> stats;  ///< Never null.

  /// Served by a provider that can be called: READY without a model here.
  bool remote = false;

  bool ready() const { return model != nullptr || remote; }
};

/// One route: the compiled rows, and beside each version what serves it here.
struct RouteView {
  std::shared_ptr<const routing::CompiledRoute> route;
  std::vector<VersionServing> serving;  ///< By routing::VersionIndex.
  /// Of the epoch of the rollout that runs; null without one. Calls in flight may need it longer
  /// than they need the view: streams keep it by themselves.
  std::shared_ptr<RolloutTally> tally = nullptr;
  std::shared_ptr<const RouteShadows> shadows = nullptr;        ///< Null: nobody watches.
  std::shared_ptr<const RouteChallenger> challenger = nullptr;  ///< Null: the champion is alone.
};

/// Threads: immutable, share freely.
class CoreView {
 public:
  /// REQUIRES: one RouteView per route of `routes`, in its order.
  CoreView(std::shared_ptr<const routing::RoutesPart> routes, std::vector<RouteView> views,
           std::uint64_t sequence);

  /// nullptr when nothing of that name is in the table. No allocation.
  const RouteView* Find(std::string_view route) const;
  const std::vector<RouteView>& routes() const { return views_; }
  Generation generation() const { return routes_->generation(); }
  /// Counts publishes: also those that only changed what is ready. Strictly increasing.
  std::uint64_t sequence() const { return sequence_; }

 private:
  std::shared_ptr<const routing::RoutesPart> routes_;
  std::vector<RouteView> views_;
  std::uint64_t sequence_;
};

using ViewPtr = std::shared_ptr<const CoreView>;

/// The view that new requests on one core see.
/// Threads: one cell per core; Publish and Pin run on that core, so there is no lock.
/// INV-3: the generations and sequences seen through one cell never decrease.
class ViewCell {
 public:
  /// Starts with an empty view of generation 0.
  ViewCell();
  /// Takes `next` over in a control block of this core's own, so that counting stays local to it.
  /// REQUIRES: next's sequence above, and its generation not below, those of Pin().
  void Publish(const ViewPtr& next);
  const ViewPtr& Pin() const { return current_; }

 private:
  ViewPtr current_;  // Never null.
};

}  // namespace podium::view
