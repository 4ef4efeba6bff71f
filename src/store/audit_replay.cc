#include "store/audit_replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/json.h"
#include "store/evidence_text.h"
#include "store/follow_row.h"
#include "store/rollout_verbs.h"

namespace podium::store {
namespace {

std::string TextOrEmpty(const Json& evidence, const char* key) {
  const auto found = evidence.find(key);
  return found != evidence.end() && found->is_string() ? found->get<std::string>() : "";
}

Json EvidenceOf(const Promotion& row) {
  Result<Json> evidence = row.evidence.empty() ? Json::object() : ParseJson(row.evidence);
  return evidence && evidence->is_object() ? std::move(*evidence) : Json::object();
}

std::optional<RouteArm> ReadArm(const Json& json, int slot) {
  if (!json.is_object()) return std::nullopt;
  const auto weight = json.find("weight_bp");
  RouteArm arm{ModelId(TextOrEmpty(json, "model_id")), slot, {}};
  if (arm.model_id.get().empty() || weight == json.end() || !weight->is_number_integer()) {
    return std::nullopt;
  }
  const Result<BasisPoints> share = BasisPoints::From(weight->get<std::int64_t>());
  if (!share) return std::nullopt;
  arm.weight = *share;
  return arm;
}

// What decides a call, in the parts that a row can change.
auto Deciding(const RouteStanding& standing) {
  const std::optional<RolloutMark>& rollout = standing.rollout;
  return std::tuple(standing.primary, standing.canary, standing.share, standing.salt,
                    standing.canary_salt, standing.arms, rollout ? rollout->id : RolloutId(),
                    rollout ? rollout->unit : SplitUnit::kRoute);
}

}  // namespace

void AuditReplay::Add(const Promotion& row) {
  const auto before = Deciding(standing_);
  switch (row.kind) {
    case PromotionKind::kActivate:
      // All others of the route go to standby with it.
      DropCanary();
      standing_.arms.clear();
      standing_.arms_by.reset();
      SetPrimary(row);
      break;
    case PromotionKind::kPromote:
    case PromotionKind::kSeed:
      SetPrimary(row);
      break;
    case PromotionKind::kRollback:
      if (row.undoes) {
        SetPrimary(row);
      } else {
        standing_.share = {};
        standing_.canary_by = row;
      }
      break;
    case PromotionKind::kRamp:
      SetCanary(row);
      break;
    case PromotionKind::kAbort:
      DropCanary();
      break;
    case PromotionKind::kArms:
      SetArms(row);
      break;
    case PromotionKind::kRetire:
    case PromotionKind::kDelete:
      if (row.from) LeaveRole(*row.from);
      break;
    case PromotionKind::kRegister:
    case PromotionKind::kFollow:
    case PromotionKind::kUnfollow:
    case PromotionKind::kFollowResume:
    case PromotionKind::kRollout:
    case PromotionKind::kShadow:      // What is copied, or asked beside the champion, decides
    case PromotionKind::kChallenger:  // no call.
      break;
  }
  ReadRollout(row);
  ReadFollow(row);
  ReadSalts(row);
  if (!standing_.newest || before != Deciding(standing_)) standing_.decided = row;
  standing_.newest = row;
}

// A rollout that ends takes the role from its candidate, but for the rollback of a whole route,
// which takes the share alone.
void AuditReplay::ReadRollout(const Promotion& row) {
  const std::optional<RolloutTold> told = ToldOfRollout(row);
  if (!told) return;
  if (!HasEnded(told->phase)) {
    if (told->move == "start") standing_.rollout_by = row;
    standing_.rollout = RolloutMark{told->id, told->epoch, told->unit, {}};
    return;
  }
  standing_.rollout.reset();
  standing_.rollout_by.reset();
  if (told->move != "route_rollback") DropCanary();
}

void AuditReplay::SetPrimary(const Promotion& row) {
  if (row.to) LeaveRole(*row.to);
  standing_.primary = row.to;
  standing_.primary_by = row;
}

void AuditReplay::SetCanary(const Promotion& row) {
  if (standing_.canary != row.to) DropCanary();
  standing_.canary = row.to;
  standing_.share = row.share_after;
  standing_.canary_by = row;
}

void AuditReplay::SetArms(const Promotion& row) {
  standing_.arms.clear();
  standing_.arms_by = row;
  const Json evidence = EvidenceOf(row);
  const auto list = evidence.find("arms");
  const bool is_list = list != evidence.end() && list->is_array();
  for (std::size_t i = 0; is_list && i < list->size(); ++i) {
    if (std::optional<RouteArm> arm = ReadArm((*list)[i], static_cast<int>(i))) {
      // Before it became one it may have been a canary without a share.
      LeaveRole(arm->model_id);
      standing_.arms.push_back(std::move(*arm));
    }
  }
  if (!is_list || standing_.arms.size() != list->size()) {
    standing_.unknown.push_back(
        fmt::format("which arms revision {} has set cannot be read", row.revision.get()));
  }
}

void AuditReplay::LeaveRole(const ModelId& id) {
  if (standing_.primary == id) standing_.primary.reset();
  if (standing_.canary == id) DropCanary();
  std::erase_if(standing_.arms, [&](const RouteArm& arm) { return arm.model_id == id; });
}

void AuditReplay::DropCanary() {
  standing_.canary.reset();
  standing_.share = {};
  standing_.canary_salt.clear();
  standing_.canary_by.reset();
}

// Salts are minted in the transaction of the row, and written down in it.
void AuditReplay::ReadSalts(const Promotion& row) {
  const Json evidence = EvidenceOf(row);
  if (std::string salt = TextOrEmpty(evidence, "route_salt"); !salt.empty()) {
    standing_.salt = std::move(salt);
  } else if (!standing_.newest) {
    standing_.unknown.push_back(
        fmt::format("the route's salt is not in its first row, {}", row.revision.get()));
  }
  if (std::string salt = TextOrEmpty(evidence, "canary_salt"); !salt.empty()) {
    standing_.canary_salt = std::move(salt);
  } else if (row.kind == PromotionKind::kRamp && standing_.canary_salt.empty()) {
    standing_.unknown.push_back(fmt::format(
        "the salt of the canary of revision {} is not written down", row.revision.get()));
  }
}

// Rows without the member say nothing of it: the route goes on as it did.
void AuditReplay::ReadFollow(const Promotion& row) {
  const Json evidence = EvidenceOf(row);
  const auto said = evidence.find("follow");
  if (said == evidence.end()) return;
  standing_.follow.reset();
  standing_.follow_by = row;
  if (said->is_null()) return;
  if (Result<Follow> follow = FollowFromJson(*said)) {
    standing_.follow = std::move(*follow);
  } else {
    standing_.unknown.push_back(
        fmt::format("what revision {} has the route follow cannot be read", row.revision.get()));
  }
}

std::vector<ModelId> HoldersOf(const RouteStanding& standing) {
  std::vector<ModelId> ids;
  if (standing.primary) ids.push_back(*standing.primary);
  if (standing.canary) ids.push_back(*standing.canary);
  for (const RouteArm& arm : standing.arms) ids.push_back(arm.model_id);
  return ids;
}

Route RouteOf(const RouteStanding& standing, const std::string& sticky_on) {
  Route route;
  route.name = standing.route;
  route.policy = standing.arms.empty() ? RoutePolicy::kFixed : RoutePolicy::kAb;
  route.sticky_on = sticky_on;
  route.salt = standing.salt;
  route.canary_salt = standing.canary_salt;
  route.arms = standing.arms;
  route.rollout = standing.rollout;
  return route;
}

std::vector<ModelVersion> VersionsOf(const RouteStanding& standing) {
  std::vector<ModelVersion> rows = standing.versions;
  for (ModelVersion& row : rows) {
    const bool is_canary = standing.canary == row.model_id;
    row.status = standing.primary == row.model_id ? VersionStatus::kPrimary
                 : is_canary                      ? VersionStatus::kCanary
                                                  : VersionStatus::kArm;
    row.share = is_canary ? standing.share : BasisPoints();
    row.deleted = false;
  }
  return rows;
}

}  // namespace podium::store
