// Finds the counters of a version by its id, across all generations of the view.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "domain/ids.h"
#include "view/version_stats.h"

namespace podium::view {

/// What a person sees of one version: sums since the start or the last reset.
struct VersionReport {
  ModelId id;
  RouteName route;
  std::string version;
  StatsSnapshot total;        ///< Since the start: what Prometheus scrapes, never going back.
  StatsSnapshot since_reset;  ///< Equal to `total` until somebody resets.
};

struct VersionName {
  ModelId id;
  RouteName route;
  std::string version;
};

/// Threads: any.
class StatsRegistry {
 public:
  explicit StatsRegistry(std::size_t cores) : cores_(cores) {}

  /// The same object for the same id, for as long as this process lives.
  std::shared_ptr<VersionStats> Of(const ModelId& id, const RouteName& route,
                                   const std::string& version);
  std::optional<VersionReport> Report(const ModelId& id) const;
  /// Whose counters these are: empty ids for those of another registry.
  VersionName NameOf(const VersionStats* stats) const;
  /// Those that saw any request, by route and version.
  std::vector<VersionReport> ReportAll() const;
  /// Starts `since_reset` anew; false when the id is not known.
  bool Reset(const ModelId& id);
  std::size_t cores() const { return cores_; }

 private:
  struct Entry {
    RouteName route;
    std::string version;
    std::shared_ptr<VersionStats> stats;
    std::optional<StatsSnapshot> baseline;
  };
  static VersionReport MakeReport(const ModelId& id, const Entry& entry);

  const std::size_t cores_;
  mutable std::mutex mutex_;
  std::unordered_map<ModelId, Entry> entries_;  // Protected by mutex_.
};

}  // namespace podium::view
