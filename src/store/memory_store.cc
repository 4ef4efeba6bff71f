#include "store/memory_store.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "base/assert.h"
#include "base/limits.h"
#include "store/cursor.h"
#include "store/rollout_verbs.h"

namespace podium::store {
namespace {

VersionKey KeyOf(const ModelVersion& row) { return {row.route, row.created_at, row.model_id}; }

bool ByKey(const ModelVersion& one, const ModelVersion& other) { return KeyOf(one) < KeyOf(other); }

bool Wanted(const ModelVersion& row, const VersionQuery& query) {
  return !row.deleted && (!query.route || row.route == *query.route) &&
         (!query.name || row.name == *query.name) && (!query.status || row.status == *query.status);
}

bool HasRole(const ModelVersion& row) {
  return row.status != VersionStatus::kStandby && row.status != VersionStatus::kRetired;
}

// What the other databases have unique indexes for. REQUIRES: every row with a role is there.
bool RolesAreUnique(const std::vector<ModelVersion>& rows) {
  const auto count = [&](VersionStatus status) {
    return std::count_if(rows.begin(), rows.end(),
                         [&](const ModelVersion& row) { return row.status == status; });
  };
  return count(VersionStatus::kPrimary) <= 1 && count(VersionStatus::kCanary) <= 1;
}

}  // namespace

Result<Committed> MemoryStore::Apply(const Mutation& mutation, const MutationContext& context) {
  const std::lock_guard lock(mutex_);
  if (context.idempotency) {
    const WallTime now = std::max(clock_.Now(), head_.at);
    PODIUM_TRY_ASSIGN(std::optional<Committed> replay, Replayed(*context.idempotency, now));
    if (replay) return std::move(*replay);
  }
  const RouteSnapshot state = Snapshot(SubjectOf(mutation));
  PODIUM_TRY_ASSIGN(Changes changes,
                    Decide(state, mutation, context, MakeStamp(head_, clock_.Now(), rng_)));
  if (!changes.changed) return AnswerUnchanged(std::move(changes), head_);
  const Sealed sealed = Seal(changes, head_);
  KeepHistory(state, changes, sealed);
  Write(changes, sealed);
  if (context.idempotency) KeepKey(*context.idempotency, sealed.audit);
  return Answer(std::move(changes), sealed);
}

void MemoryStore::Write(const Changes& changes, const Sealed& sealed) {
  routes_[changes.route.name] = changes.route;
  for (const ModelVersion& row : changes.versions) versions_[row.model_id] = row;
  PODIUM_ASSERT(RolesAreUnique(RolesOf(changes.route.name)));
  rollouts_.Write(changes);
  promotions_.push_back(sealed.audit);
  outbox_.push_back(sealed.event);
  outbox_.back().sequence = static_cast<std::int64_t>(outbox_.size());
  head_ = sealed.head;
}

Result<std::optional<Committed>> MemoryStore::Replayed(const IdempotencyKey& key,
                                                       WallTime now) const {
  const auto found = keys_.find(key.key);
  const std::optional<KnownKey> known =
      found == keys_.end() ? std::nullopt : std::optional(found->second);
  PODIUM_TRY_ASSIGN(const bool is_replay, IsReplay(known, key, now));
  if (!is_replay) return std::optional<Committed>();
  const Promotion& audit = promotions_[static_cast<std::size_t>(known->revision.get()) - 1];
  std::optional<ModelVersion> version;
  if (audit.to) version = versions_.at(*audit.to);
  Committed replay = AnswerReplay(audit, routes_.at(audit.route), std::move(version));
  if (const std::optional<RolloutTold> told = ToldOfRollout(audit)) {
    if (const Rollout* rollout = rollouts_.Find(told->id)) replay.rollout = *rollout;
  }
  return std::optional(std::move(replay));
}

void MemoryStore::KeepKey(const IdempotencyKey& key, const Promotion& audit) {
  std::erase_if(keys_, [&](const auto& row) { return row.second.at <= OldestKept(audit.at); });
  if (keys_.size() >= static_cast<std::size_t>(limits::kMaxIdempotencyKeys)) {
    const auto older = [](const auto& a, const auto& b) {
      return std::tie(a.second.at, a.first) < std::tie(b.second.at, b.first);
    };
    keys_.erase(std::min_element(keys_.begin(), keys_.end(), older));
  }
  keys_.insert_or_assign(key.key, KnownKey{key.fingerprint, audit.revision, audit.at});
}

void MemoryStore::KeepHistory(const RouteSnapshot& state, const Changes& changes,
                              const Sealed& sealed) {
  std::vector<HistoryRow>& rows = history_[changes.route.name];
  const std::optional<HistoryRow> newest = rows.empty() ? std::nullopt : std::optional(rows.back());
  // Nobody writes these rows by SQL, so none ever lacks its input.
  HistoryStep step = NextStep(newest, InputBefore(state), InputAfter(state, changes));
  if (step.add) {
    rows.push_back(
        {sealed.audit.revision, sealed.audit.at, HistorySource::kPodium, std::move(step.add)});
  }
  const Revision oldest = RangeOf(sealed.head, Revision(0)).oldest;
  for (auto& [route, kept] : history_) {
    while (kept.size() > 1 && kept[1].revision <= oldest) kept.erase(kept.begin());
  }
}

std::vector<ModelVersion> MemoryStore::VersionsOf(const RouteName& route) const {
  std::vector<ModelVersion> rows;
  for (const auto& [id, row] : versions_) {
    if (row.route == route && !row.deleted) rows.push_back(row);
  }
  std::sort(rows.begin(), rows.end(), ByKey);
  return rows;
}

std::vector<ModelVersion> MemoryStore::RolesOf(const RouteName& route) const {
  std::vector<ModelVersion> rows;
  for (const auto& [id, row] : versions_) {
    if (row.route == route && HasRole(row)) rows.push_back(row);
  }
  return rows;
}

const ModelVersion* MemoryStore::AtPlace(const Subject& subject) const {
  for (const auto& [id, row] : versions_) {
    if (!row.deleted && row.route == subject.route && row.name == subject.name &&
        row.version == subject.version) {
      return &row;
    }
  }
  return nullptr;
}

std::vector<Promotion> MemoryStore::Standing(const RouteName& route) const {
  std::set<Revision> undone;
  std::vector<Promotion> standing;
  for (auto row = promotions_.rbegin(); row != promotions_.rend() && standing.size() < 2; ++row) {
    if (row->route != route) continue;
    if (row->undoes) undone.insert(*row->undoes);
    const bool moved_primary =
        row->kind == PromotionKind::kPromote || row->kind == PromotionKind::kActivate;
    if (moved_primary && row->from != row->to && !undone.contains(row->revision)) {
      standing.push_back(*row);
    }
  }
  return standing;
}

RouteSnapshot MemoryStore::Snapshot(const Subject& subject) const {
  RouteSnapshot state;
  if (const auto row = versions_.find(subject.id); row != versions_.end())
    state.named = row->second;
  RouteName route = subject.route;
  if (route.get().empty() && state.named) route = state.named->route;
  if (const auto row = routes_.find(route); row != routes_.end()) state.route = row->second;
  state.versions = RolesOf(route);
  if (!subject.version.empty()) {
    if (const ModelVersion* twin = AtPlace(subject)) state.twin = *twin;
  }
  const auto parent = versions_.find(subject.parent);
  state.parent_exists = parent != versions_.end() && !parent->second.deleted;
  if (subject.history) state.standing_promotions = Standing(route);
  for (const ModelId& id : AlsoNeeded(subject, state)) {
    if (const auto row = versions_.find(id); row != versions_.end()) Include(state, row->second);
  }
  rollouts_.AddTo(subject, state);
  return state;
}

Result<Revision> MemoryStore::ReadRevision() {
  const std::lock_guard lock(mutex_);
  return head_.revision;
}

Result<TableDelta> MemoryStore::ReadTable(Revision since) {
  const std::lock_guard lock(mutex_);
  TableDelta delta;
  delta.epoch = head_.epoch;
  delta.revision = head_.revision;
  delta.audit_then = AuditAt(since);
  delta.audit_now = AuditAt(head_.revision);
  for (const auto& [name, route] : routes_) {
    if (route.revision > since) delta.routes.push_back(route);
  }
  for (const auto& [id, row] : versions_) {
    if (row.revision > since) delta.versions.push_back(row);
  }
  std::sort(delta.versions.begin(), delta.versions.end(), ByKey);
  return delta;
}

Result<RouteState> MemoryStore::ReadRoute(const RouteName& route) {
  const std::lock_guard lock(mutex_);
  const auto found = routes_.find(route);
  if (found == routes_.end())
    return Fail(ErrorCode::kNotFound, "there is no route {}", route.get());
  return RouteState{found->second, VersionsOf(route)};
}

Result<RouteAt> MemoryStore::ReadRouteAt(const RouteName& route, const HistoryPoint& point) {
  const std::lock_guard lock(mutex_);
  const auto found = history_.find(route);
  if (found == history_.end()) {
    return Fail(ErrorCode::kNotFound, "there is no route {}", route.get());
  }
  PODIUM_TRY_ASSIGN(const Revision asked, Asked(point));
  if (asked < RangeOf(head_, Revision(0)).oldest) {
    PODIUM_TRY_ASSIGN(const RouteStanding standing, Replay(route, asked));
    return AsRouteAt(standing, head_.epoch, routes_.at(route).sticky_on);
  }
  const std::vector<HistoryRow>& rows = found->second;
  const auto after = std::find_if(rows.begin(), rows.end(),
                                  [&](const HistoryRow& row) { return row.revision > asked; });
  const Generation generation = MakeGeneration(head_.epoch, asked);
  if (after == rows.begin()) {
    return NotYetThere(route, generation, MakeGeneration(head_.epoch, rows.front().revision));
  }
  const HistoryRow& row = *(after - 1);
  PODIUM_TRY_ASSIGN(RouteState input, InputFromText(route, *row.input));
  return RouteAt{std::move(input), generation, MakeGeneration(head_.epoch, row.revision), row.at};
}

Result<RouteStanding> MemoryStore::ReadStanding(const RouteName& route, const HistoryPoint& point) {
  const std::lock_guard lock(mutex_);
  if (!routes_.contains(route)) {
    return Fail(ErrorCode::kNotFound, "there is no route {}", route.get());
  }
  PODIUM_TRY_ASSIGN(const Revision asked, Asked(point));
  return Replay(route, asked);
}

Result<Revision> MemoryStore::Asked(const HistoryPoint& point) const {
  if (point.generation) return RevisionIn(head_, *point.generation);
  if (!point.at) return head_.revision;
  for (auto row = promotions_.rbegin(); row != promotions_.rend(); ++row) {
    if (row->at <= *point.at) return row->revision;
  }
  return Revision(0);
}

Result<RouteStanding> MemoryStore::Replay(const RouteName& route, Revision asked) const {
  AuditReplay replay(route);
  Revision first = head_.revision;
  bool found = false;
  for (const Promotion& row : promotions_) {
    if (row.route != route) continue;
    if (row.revision > asked) {
      first = std::min(first, row.revision);
      break;
    }
    replay.Add(row);
    found = true;
  }
  if (!found) {
    return NotYetThere(route, MakeGeneration(head_.epoch, asked),
                       MakeGeneration(head_.epoch, first));
  }
  RouteStanding standing = std::move(replay).Take();
  standing.revision = asked;
  for (const ModelId& id : HoldersOf(standing)) standing.versions.push_back(versions_.at(id));
  return standing;
}

Result<ModelVersion> MemoryStore::FindVersion(const ModelId& id) {
  const std::lock_guard lock(mutex_);
  const auto found = versions_.find(id);
  if (found == versions_.end()) {
    return Fail(ErrorCode::kNotFound, "there is no version {}", id.get());
  }
  if (found->second.deleted) return Fail(ErrorCode::kNotFound, "version {} was deleted", id.get());
  return found->second;
}

Result<Page<ModelVersion>> MemoryStore::ListVersions(const VersionQuery& query) {
  PODIUM_TRY(CheckPageLimit(query.limit));
  VersionKey after{RouteName(), WallTime::min(), ModelId()};
  if (!query.cursor.empty()) {
    PODIUM_TRY_ASSIGN(after, DecodeVersionCursor(query.cursor));
  }
  const std::lock_guard lock(mutex_);
  std::vector<ModelVersion> rows;
  for (const auto& [id, row] : versions_) {
    if (Wanted(row, query) && KeyOf(row) > after) rows.push_back(row);
  }
  std::sort(rows.begin(), rows.end(), ByKey);
  Page<ModelVersion> page;
  const auto limit = static_cast<std::size_t>(query.limit);
  if (rows.size() > limit) {
    rows.resize(limit);
    page.next_cursor = EncodeCursor(KeyOf(rows.back()));
  }
  page.items = std::move(rows);
  return page;
}

Result<Page<Promotion>> MemoryStore::ListPromotions(const PromotionQuery& query) {
  PODIUM_TRY(CheckPageLimit(query.limit));
  std::optional<Revision> before;
  if (!query.cursor.empty()) {
    PODIUM_TRY_ASSIGN(before, DecodePromotionCursor(query.cursor));
  }
  const std::lock_guard lock(mutex_);
  Page<Promotion> page;
  for (auto row = promotions_.rbegin(); row != promotions_.rend(); ++row) {
    if (query.route && row->route != *query.route) continue;
    if (before && row->revision >= *before) continue;
    if (page.items.size() == static_cast<std::size_t>(query.limit)) {
      page.next_cursor = EncodeCursor(page.items.back().revision);
      break;
    }
    page.items.push_back(*row);
  }
  return page;
}

// REQUIRES mutex_ held.
std::string MemoryStore::AuditAt(Revision revision) const {
  for (auto row = promotions_.rbegin(); row != promotions_.rend(); ++row) {
    if (row->revision <= revision) return row->hash;
  }
  return {};
}

Result<bool> MemoryStore::RaiseEpoch(const SeenHistory& seen, const std::string& by) {
  const std::lock_guard lock(mutex_);
  if (!HasLost(head_, AuditAt(seen.revision), seen)) return false;
  RaisedEpoch raised = RaiseAbove(head_, seen, by, clock_.Now());
  outbox_.push_back(std::move(raised.event));
  outbox_.back().sequence = static_cast<std::int64_t>(outbox_.size());
  head_ = std::move(raised.head);
  return true;
}

Result<std::int64_t> MemoryStore::ReadNewestEvent() {
  const std::lock_guard lock(mutex_);
  return static_cast<std::int64_t>(outbox_.size());
}

Result<std::vector<OutboxEvent>> MemoryStore::ReadOutbox(std::int64_t after, int limit) {
  PODIUM_TRY(CheckPageLimit(limit));
  const std::lock_guard lock(mutex_);
  std::vector<OutboxEvent> events;
  for (const OutboxEvent& event : outbox_) {
    if (events.size() == static_cast<std::size_t>(limit)) break;
    if (event.sequence > after) events.push_back(event);
  }
  return events;
}

Result<AuditVerdict> MemoryStore::VerifyAudit() {
  const std::lock_guard lock(mutex_);
  ChainWalk walk;
  for (const Promotion& row : promotions_) walk.Add(LinkOf(row));
  return std::move(walk).Finish(head_.chain);
}

}  // namespace podium::store
