#include "view/stats_registry.h"

#include <algorithm>
#include <tuple>

namespace podium::view {
namespace {

void Subtract(OutcomeCounts& counts, const OutcomeCounts& before) {
  for (std::size_t i = 0; i < kOutcomes; ++i) counts[i] -= before[i];
}

void Subtract(std::optional<HistogramSnapshot>& counts,
              const std::optional<HistogramSnapshot>& before) {
  if (counts && before) counts->Subtract(*before);
}

void Subtract(RoleCounts& counts, const RoleCounts& before) {
  Subtract(counts.outcomes, before.outcomes);
  counts.latency.Subtract(before.latency);
  Subtract(counts.first_token, before.first_token);
  Subtract(counts.cost_nano_usd, before.cost_nano_usd);
}

}  // namespace

std::shared_ptr<VersionStats> StatsRegistry::Of(const ModelId& id, const RouteName& route,
                                                const std::string& version) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[id];
  if (entry.stats == nullptr) {
    entry = {route, version, std::make_shared<VersionStats>(cores_), std::nullopt};
  }
  return entry.stats;
}

VersionReport StatsRegistry::MakeReport(const ModelId& id, const Entry& entry) {
  VersionReport report{id, entry.route, entry.version, entry.stats->Snapshot(), {}};
  report.since_reset = report.total;
  if (entry.baseline) {
    Subtract(report.since_reset.plain, entry.baseline->plain);
    Subtract(report.since_reset.canary, entry.baseline->canary);
    Subtract(report.since_reset.overrides, entry.baseline->overrides);
    report.since_reset.not_served -= entry.baseline->not_served;
  }
  return report;
}

std::optional<VersionReport> StatsRegistry::Report(const ModelId& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return std::nullopt;
  return MakeReport(id, found->second);
}

VersionName StatsRegistry::NameOf(const VersionStats* stats) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, entry] : entries_) {
    if (entry.stats.get() == stats) return {id, entry.route, entry.version};
  }
  return {};
}

std::vector<VersionReport> StatsRegistry::ReportAll() const {
  std::vector<VersionReport> reports;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, entry] : entries_) {
      VersionReport report = MakeReport(id, entry);
      if (report.total.any()) reports.push_back(std::move(report));
    }
  }
  std::sort(reports.begin(), reports.end(), [](const VersionReport& a, const VersionReport& b) {
    return std::tie(a.route, a.version, a.id) < std::tie(b.route, b.version, b.id);
  });
  return reports;
}

bool StatsRegistry::Reset(const ModelId& id) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return false;
  found->second.baseline = found->second.stats->Snapshot();
  return true;
}

}  // namespace podium::view
