// What a Snapshot holds: the compiled routes, and beside each the versions as users see them.
#pragma once

#include <podium/snapshot.h>

#include <memory>
#include <unordered_map>
#include <vector>

#include "base/rng.h"
#include "routing/table.h"

namespace podium::v1 {

/// One route in both shapes. Kept between snapshots while the route does not change.
struct RouteEntry {
  std::shared_ptr<const routing::CompiledRoute> route;
  std::vector<ModelVersion> versions;  ///< By routing::VersionIndex.
};

/// Threads: immutable, share freely.
class Snapshot::Table {
 public:
  Table(std::shared_ptr<const routing::RoutesPart> routes, const Table* previous,
        std::shared_ptr<Rng> rng);

  /// nullptr when nothing of that name is there. No allocation.
  const RouteEntry* Find(std::string_view name) const;
  const routing::RoutesPart& routes() const { return *routes_; }
  Rng& rng() const { return *rng_; }

 private:
  std::shared_ptr<const routing::RoutesPart> routes_;
  std::unordered_map<const routing::CompiledRoute*, std::shared_ptr<const RouteEntry>> entries_;
  std::shared_ptr<Rng> rng_;  // Owned: a snapshot may outlive its registry.
};

/// The one maker of snapshots.
class SnapshotBuilder {
 public:
  /// Takes over from `previous` what did not change.
  static Snapshot Build(std::shared_ptr<const routing::RoutesPart> routes, const Snapshot& previous,
                        std::shared_ptr<Rng> rng);
};

}  // namespace podium::v1
