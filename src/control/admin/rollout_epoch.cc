#include "control/admin/rollout_epoch.h"

#include <map>
#include <utility>

#include "view/rollout_baseline.h"

namespace podium::control {
namespace {

std::uint64_t BadOf(const view::RoleCounts& counts) {
  return counts.outcomes[static_cast<std::size_t>(view::Outcome::kError)] +
         counts.outcomes[static_cast<std::size_t>(view::Outcome::kTimeout)];
}

}  // namespace

PrimaryTraffic TrafficOf(const view::StatsRegistry& stats, const ModelId& primary,
                         std::chrono::nanoseconds uptime) {
  PrimaryTraffic traffic;
  const std::optional<view::VersionReport> report = stats.Report(primary);
  if (!report) return traffic;
  traffic.requests = report->total.plain.total();
  traffic.bad = BadOf(report->total.plain);
  const double seconds = SecondsOf(uptime);
  if (seconds > 0) traffic.per_second = static_cast<double>(traffic.requests) / seconds;
  return traffic;
}

rollout::EpochBaseline BaselineHere(const view::StatsRegistry& stats, const ModelId& primary) {
  rollout::EpochBaseline baseline;
  const std::optional<view::VersionReport> report = stats.Report(primary);
  if (!report) return baseline;
  const view::RolloutBaseline known = view::BaselineOf(report->total);
  baseline.thresholds = known.thresholds;
  baseline.bad = known.bad_before;
  baseline.units = known.units_before;
  return baseline;
}

rollout::PrimaryCounts CountsOfPrimary(const store::RolloutEvidence& evidence) {
  rollout::PrimaryCounts counts;
  if (evidence.rollout.epochs.empty()) return counts;
  const std::size_t last = evidence.rollout.epochs.size() - 1;
  for (const store::RolloutCount& count : evidence.counts) {
    if (count.epoch != last || count.canary) continue;
    counts.requests += count.requests;
    for (std::size_t i = 0; i < kRolloutSeries; ++i) counts.bad[i] += count.bad[i];
  }
  // A key that several replicas saw is one key.
  std::map<std::pair<std::uint32_t, std::uint64_t>, rollout::HitRecord> keys;
  for (const store::RolloutHit& hit : evidence.hits) {
    if (hit.epoch != last || hit.canary || hit.series >= kRolloutSeries) continue;
    const rollout::HitRecord record{hit.first_rank, hit.second_rank, hit.bad};
    const auto [at, fresh] = keys.emplace(std::pair(hit.series, hit.unit), record);
    if (!fresh) at->second = rollout::Merged(at->second, record);
  }
  for (const auto& [key, record] : keys) counts.keys[key.first].push_back(record);
  return counts;
}

}  // namespace podium::control
