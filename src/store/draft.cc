#include "store/draft.h"

#include <algorithm>

#include "base/assert.h"

namespace podium::store {

Draft::Draft(Route route, std::vector<ModelVersion> rows, const Stamp& stamp)
    : stamp_(stamp), route_(std::move(route)), rows_(std::move(rows)) {}

const ModelVersion* Draft::Find(const ModelId& id) const {
  const auto row = std::find_if(rows_.begin(), rows_.end(),
                                [&](const ModelVersion& v) { return v.model_id == id; });
  return row == rows_.end() ? nullptr : &*row;
}

ModelVersion* Draft::Row(const ModelId& id) { return const_cast<ModelVersion*>(Find(id)); }

const ModelVersion* Draft::Holder(VersionStatus status) const {
  const auto row = std::find_if(rows_.begin(), rows_.end(),
                                [&](const ModelVersion& v) { return v.status == status; });
  return row == rows_.end() ? nullptr : &*row;
}

std::vector<ModelId> Draft::Ids() const {
  std::vector<ModelId> ids;
  ids.reserve(rows_.size());
  for (const ModelVersion& row : rows_) ids.push_back(row.model_id);
  return ids;
}

void Draft::Touch(const ModelId& id) {
  if (std::find(touched_.begin(), touched_.end(), id) == touched_.end()) touched_.push_back(id);
}

void Draft::LeaveRole(const ModelVersion& row) {
  if (row.status == VersionStatus::kCanary) route_.canary_salt.clear();
  if (row.status == VersionStatus::kPrimary) route_.primary_since = stamp_.revision;
  if (row.status == VersionStatus::kArm) {
    std::erase_if(route_.arms, [&](const RouteArm& arm) { return arm.model_id == row.model_id; });
    if (route_.arms.empty()) route_.policy = RoutePolicy::kFixed;
  }
}

void Draft::Place(const ModelId& id, VersionStatus status, BasisPoints share) {
  ModelVersion* row = Row(id);
  PODIUM_ASSERT(row != nullptr);
  if (row->status == status && row->share == share) return;
  if (row->status != status) {
    LeaveRole(*row);
    if (status == VersionStatus::kCanary) route_.canary_salt = stamp_.canary_salt;
    if (status == VersionStatus::kPrimary) route_.primary_since = stamp_.revision;
  }
  row->status = status;
  row->share = share;
  Touch(id);
}

void Draft::Add(ModelVersion row) {
  Touch(row.model_id);
  rows_.push_back(std::move(row));
}

void Draft::Bury(const ModelId& id) {
  Place(id, VersionStatus::kRetired);
  Row(id)->deleted = true;
  Touch(id);
}

void Draft::ReplaceArms(std::vector<RouteArm> arms) {
  for (std::size_t i = 0; i < arms.size(); ++i) arms[i].slot = static_cast<int>(i);
  route_.policy = arms.empty() ? RoutePolicy::kFixed : RoutePolicy::kAb;
  route_.arms = std::move(arms);
  route_touched_ = true;
}

void Draft::ReplaceFollow(std::optional<Follow> follow) {
  route_.follow = std::move(follow);
  route_touched_ = true;
}

void Draft::ReplaceRollout(Rollout rollout) {
  rollout.revision = stamp_.revision;
  if (HasEnded(rollout.phase)) rollout.ended_at = stamp_.now;
  route_.rollout = HasEnded(rollout.phase) ? std::nullopt : std::optional(MarkOf(rollout));
  rollout_ = std::move(rollout);
  route_touched_ = true;
}

void Draft::ReplaceShadow(std::optional<ShadowPlan> plan) {
  route_.shadow = std::move(plan);
  route_touched_ = true;
}

void Draft::ReplaceChallenger(std::optional<ChallengerPlan> plan) {
  route_.challenger = std::move(plan);
  route_touched_ = true;
}

void Draft::SetPreviousPrimary(std::optional<ModelId> id) {
  route_.previous_primary = std::move(id);
  route_touched_ = true;
}

void Draft::ForgetPreviousPrimary(const ModelId& id) {
  if (route_.previous_primary == id) SetPreviousPrimary(std::nullopt);
}

Changes Draft::Take(Promotion audit, const std::optional<ModelId>& subject) && {
  Changes changes;
  changes.changed = route_touched_ || !touched_.empty();
  if (changes.changed) {
    route_.revision = stamp_.revision;
    route_.updated_at = stamp_.now;
    for (const ModelId& id : touched_) {
      ModelVersion& row = *Row(id);
      row.revision = stamp_.revision;
      row.updated_at = stamp_.now;
      changes.versions.push_back(row);
    }
    audit.revision = stamp_.revision;
    audit.route = route_.name;
    audit.at = stamp_.now;
    changes.audit = std::move(audit);
  }
  if (subject) {
    if (const ModelVersion* row = Find(*subject)) changes.subject = *row;
  }
  changes.route = std::move(route_);
  changes.rollout = std::move(rollout_);
  return changes;
}

}  // namespace podium::store
