#include "store/memory_rollouts.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "store/cursor.h"

namespace podium::store {

const Rollout* MemoryRollouts::Find(const RolloutId& id) const {
  const auto found = rows_.find(id);
  return found == rows_.end() ? nullptr : &found->second.rollout;
}

bool MemoryRollouts::Runs(const RolloutId& id) const {
  const Rollout* rollout = Find(id);
  return rollout != nullptr && !HasEnded(rollout->phase);
}

const Rollout* MemoryRollouts::RunningOn(const RouteName& route) const {
  for (const auto& [id, row] : rows_) {
    if (row.rollout.route == route && !HasEnded(row.rollout.phase)) return &row.rollout;
  }
  return nullptr;
}

Page<Rollout> MemoryRollouts::List(const RolloutQuery& query, Revision before) const {
  std::map<Revision, const Rollout*, std::greater<>> wanted;
  for (const auto& [id, row] : rows_) {
    const bool on_route = !query.route || row.rollout.route == *query.route;
    const bool running = !query.running_only || !HasEnded(row.rollout.phase);
    if (on_route && running && row.started < before) wanted.emplace(row.started, &row.rollout);
  }
  Page<Rollout> page;
  for (const auto& [started, rollout] : wanted) {
    if (page.items.size() == static_cast<std::size_t>(query.limit)) {
      page.next_cursor = EncodeRolloutCursor(before);
      return page;
    }
    page.items.push_back(*rollout);
    before = started;
  }
  return page;
}

void MemoryRollouts::AddTo(const Subject& subject, RouteSnapshot& state) const {
  if (!state.route) return;
  if (const Rollout* running = RunningOn(state.route->name)) state.rollout = *running;
  if (const Rollout* named = Find(subject.rollout)) {
    state.named_rollout = *named;
    if (const auto lease = leases_.find(named->id); lease != leases_.end()) {
      state.lease_token = lease->second.token;
    }
    if (const auto kept = verdicts_.find(named->id); kept != verdicts_.end()) {
      state.verdicts = kept->second.rbegin()->first;
    }
  }
  if (!subject.attempts || !state.named) return;
  const std::string artifact = ArtifactOf(*state.named);
  for (const auto& [id, row] : rows_) {
    const bool same = row.rollout.route == state.route->name && row.artifact == artifact;
    if (same) ++state.earlier_attempts;
  }
}

void MemoryRollouts::Write(const Changes& changes) {
  if (!changes.rollout) return;
  Row& row = rows_[changes.rollout->id];
  row.rollout = *changes.rollout;
  if (!changes.artifact.empty()) {
    row.artifact = changes.artifact;
    row.started = row.rollout.revision;
  }
  const auto running = std::count_if(rows_.begin(), rows_.end(), [&](const auto& other) {
    const Rollout& rollout = other.second.rollout;
    return rollout.route == changes.rollout->route && !HasEnded(rollout.phase);
  });
  PODIUM_ASSERT(running <= 1);  // What the other databases have a unique index for.
  if (changes.verdict) Keep(*changes.verdict);
}

std::optional<RolloutLease> MemoryRollouts::TakeLease(const RolloutId& id, const std::string& owner,
                                                      std::chrono::milliseconds duration,
                                                      WallTime now) {
  if (!Runs(id)) return std::nullopt;
  RolloutLease& lease = leases_[id];
  const bool mine = lease.owner == owner && lease.token > 0;
  // One that ends later than anybody can have asked for is of a clock that was stepped back since.
  const bool over = lease.until <= now || lease.until > now + 2 * duration;
  if (!mine && !over) return std::nullopt;
  if (!mine) ++lease.token;
  lease.owner = owner;
  lease.until = now + duration;
  return lease;
}

std::optional<RolloutLease> MemoryRollouts::LeaseOf(const RolloutId& id, WallTime now) const {
  const auto lease = leases_.find(id);
  const bool held = lease != leases_.end() && !lease->second.owner.empty() &&
                    lease->second.until > now && Runs(id);
  return held ? std::optional(lease->second) : std::nullopt;
}

void MemoryRollouts::GiveUpLease(const RolloutId& id, const std::string& owner) {
  const auto lease = leases_.find(id);
  if (lease == leases_.end() || lease->second.owner != owner) return;
  lease->second.owner.clear();
  lease->second.until = {};
}

void MemoryRollouts::Record(const RolloutCount& count) {
  if (!Runs(count.rollout)) return;
  auto& counts = counted_[count.rollout].counts;
  const auto [row, is_new] =
      counts.try_emplace({count.epoch, count.incarnation, count.canary}, count);
  if (is_new) return;
  RolloutCount& kept = row->second;
  kept.units = std::max(kept.units, count.units);
  kept.requests = std::max(kept.requests, count.requests);
  kept.ineligible = std::max(kept.ineligible, count.ineligible);
  for (std::size_t i = 0; i < kRolloutSeries; ++i) {
    kept.bad[i] = std::max(kept.bad[i], count.bad[i]);
  }
}

void MemoryRollouts::Record(const RolloutHit& hit) {
  if (!Runs(hit.rollout)) return;
  Counted& counted = counted_[hit.rollout];
  ++counted.versions[hit.epoch];
  auto& hits = counted.hits;
  const auto [row, is_new] = hits.try_emplace(
      {hit.epoch, hit.series, static_cast<std::int64_t>(hit.unit), hit.incarnation}, hit);
  if (is_new) return;
  RolloutHit& kept = row->second;
  kept.first_rank = std::min(kept.first_rank, hit.first_rank);
  kept.second_rank = std::min(kept.second_rank, hit.second_rank);
  kept.bad = std::max(kept.bad, hit.bad);
  kept.seen = std::max(kept.seen, hit.seen);
}

RolloutEvidence MemoryRollouts::Evidence(const RolloutId& id, const EpochVersions& known,
                                         WallTime now) const {
  RolloutEvidence evidence;
  evidence.rollout = *Find(id);
  evidence.now = now;
  evidence.versions.assign(evidence.rollout.epochs.size(), 0);
  const auto counted = counted_.find(id);
  if (counted == counted_.end()) return evidence;
  for (const auto& [key, count] : counted->second.counts) evidence.counts.push_back(count);
  for (const auto& [epoch, version] : counted->second.versions) {
    if (epoch < evidence.versions.size()) evidence.versions[epoch] = version;
  }
  for (const auto& [key, hit] : counted->second.hits) {
    if (hit.epoch >= evidence.versions.size()) continue;
    if (!IsKnownEpoch(known, evidence.versions, hit.epoch)) evidence.hits.push_back(hit);
  }
  return evidence;
}

std::uint64_t MemoryRollouts::CountHits(const RolloutId& id, std::uint32_t epoch,
                                        std::uint32_t series) const {
  const auto counted = counted_.find(id);
  if (counted == counted_.end()) return 0;
  const auto& hits = counted->second.hits;
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  return static_cast<std::uint64_t>(
      std::distance(hits.lower_bound({epoch, series, kLeast, ""}),
                    hits.lower_bound({epoch, series + 1, kLeast, ""})));
}

Status MemoryRollouts::CheckPin(const RolloutId& id, const LookPin& pin) const {
  const auto lease = leases_.find(id);
  const std::int64_t token = lease == leases_.end() ? 0 : lease->second.token;
  return CheckLook(id, pin, token, Find(id)->revision);
}

void MemoryRollouts::Keep(const RolloutVerdict& verdict) {
  verdicts_[verdict.rollout].insert_or_assign(verdict.number, verdict);
}

LatestVerdicts MemoryRollouts::Latest(const RolloutId& id) const {
  LatestVerdicts latest;
  const auto kept = verdicts_.find(id);
  if (kept == verdicts_.end()) return latest;
  const auto& [lowest, first] = *kept->second.begin();
  const auto& [highest, last] = *kept->second.rbegin();
  if (lowest == 0) latest.look = first;
  if (highest > 0) latest.decision = last;
  return latest;
}

VerdictPage MemoryRollouts::Verdicts(const RolloutId& id, const VerdictQuery& query) const {
  VerdictPage page;
  const auto kept = verdicts_.find(id);
  if (kept == verdicts_.end()) return page;
  for (auto at = kept->second.upper_bound(query.after); at != kept->second.end(); ++at) {
    page.more = IsFull(page, query);
    if (page.more) return page;
    page.items.push_back(at->second);
  }
  return page;
}

}  // namespace podium::store
