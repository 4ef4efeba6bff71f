// The routes part of a CoreView: the registry's rows compiled into what Choose reads.
//
// Immutable once compiled. Routes that did not change are shared between generations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "domain/ids.h"
#include "domain/route.h"
#include "domain/version.h"
#include "routing/name_index.h"

namespace podium::routing {

/// Index of a version within its route's `versions`; stable for one compiled route.
using VersionIndex = std::uint16_t;
inline constexpr VersionIndex kNoVersion = 0xFFFF;
inline constexpr std::size_t kNoRoute = static_cast<std::size_t>(-1);

/// One run of an arm's fine buckets: [begin, end). Most arms hold one run (arm_layout.h).
struct ArmSlot {
  int begin = 0;
  int end = 0;
  VersionIndex version = kNoVersion;
  BasisPoints weight;  ///< Of the whole arm: its probability.
};

/// One route, ready to choose from.
struct CompiledRoute {
  RouteName name;
  RoutePolicy policy = RoutePolicy::kFixed;
  UnitKind sticky_on = UnitKind::kSession;
  std::string salt;
  std::string canary_salt;
  BasisPoints canary_share;  ///< 0 without a canary, or when its salt is not usable.
  VersionIndex primary = kNoVersion;
  VersionIndex canary = kNoVersion;  ///< Set with a share of 0 too.
  VersionIndex previous_primary =
      kNoVersion;             ///< Warm target of a rollback; never chosen, only fallen back to.
  std::vector<ArmSlot> arms;  ///< By begin; free buckets are the control's.
  BasisPoints arms_share;     ///< Of all arms together; the rest is the control's.
  std::vector<ModelVersion> versions;  ///< All that are not deleted or retired, by model_id.
  std::optional<Follow> follow;        ///< Decides no call: for those who show or drive the route.
  /// Of the rollout that runs: what its canary layer hashes, and in which epoch calls are counted.
  std::optional<RolloutMark> rollout;
  std::optional<ShadowPlan> shadow;          ///< Decides none either (view/route_shadows.h),
  std::optional<ChallengerPlan> challenger;  ///< nor does this.
  WallTime updated_at;
  Revision revision;  ///< The route row's: its ETag.

  const ModelVersion& At(VersionIndex index) const { return versions[index]; }
};

/// A row that was set aside while the rest compiled (invariant 4).
struct CompileFault {
  RouteName route;
  std::string row;      ///< model_id, or empty when the route itself is at fault.
  std::string problem;  ///< One sentence for the event.
};

/// Threads: immutable, share freely.
class RoutesPart {
 public:
  /// Where in `routes` that name stands; kNoRoute when it is not in the table. No allocation.
  std::size_t IndexOf(std::string_view name) const;
  /// The same as a pointer; nullptr when it is not in the table.
  const CompiledRoute* Find(std::string_view name) const;
  const std::vector<std::shared_ptr<const CompiledRoute>>& routes() const { return routes_; }
  Generation generation() const { return generation_; }

 private:
  friend class TableCompiler;
  Generation generation_;
  std::vector<std::shared_ptr<const CompiledRoute>> routes_;  // By name.
  NameIndex index_;
};

/// The rows of one route, as last read.
struct RouteRows {
  Route route;
  std::vector<ModelVersion> versions;
};

/// Pure: rows in, compiled route and faults out; the order of the rows does not matter. A duplicate
/// role goes to the oldest row (created_at, then model_id); the others, versions of an unknown
/// provider, and arms that point nowhere or do not fit are set aside. A share without a usable salt
/// is nobody's: a guessed salt would assign units that no other replica assigns.
struct CompileResult {
  std::shared_ptr<const CompiledRoute> route;
  std::vector<CompileFault> faults;
};
/// `local` is always a known provider.
CompileResult CompileRoute(const RouteRows& rows, const std::vector<std::string>& known_providers);

/// Keeps the compiled routes between generations and recompiles only what a delta touches.
/// Threads: one at a time (control's publisher).
class TableCompiler {
 public:
  explicit TableCompiler(std::vector<std::string> known_providers);

  /// Takes the rows of a delta over. Tombstones remove.
  void Absorb(std::vector<Route> routes, std::vector<ModelVersion> versions);
  /// The table as it stands. Faults are of all routes, old ones included.
  std::shared_ptr<const RoutesPart> Compile(Generation generation);
  const std::vector<CompileFault>& faults() const { return faults_; }
  std::size_t version_count() const;

 private:
  struct Entry {
    RouteRows rows;
    bool has_route = false;  // False while only versions of it have been read.
    std::shared_ptr<const CompiledRoute> compiled;
    std::vector<CompileFault> faults;
    bool dirty = true;
  };
  void TakeOut(const std::string& model_id);
  void Refresh(const std::string& name, Entry& entry) const;

  std::vector<std::string> known_providers_;
  std::unordered_map<std::string, Entry> entries_;
  std::unordered_map<std::string, std::string> route_of_version_;
  std::vector<CompileFault> faults_;
};

}  // namespace podium::routing
