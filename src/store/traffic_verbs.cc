#include <algorithm>
#include <set>

#include "base/json.h"
#include "store/verbs.h"

namespace podium::store {
namespace {

Failure NothingToRollBack(const Route& route, std::string_view why) {
  return Fail(ErrorCode::kConflict, "route {} has nothing to roll back: {}", route.name.get(), why);
}

// Share to 0 is the whole of it: the primary has never stopped serving.
Outcome StopCanary(const ModelVersion& canary, Work work) {
  Outcome outcome;
  outcome.audit.kind = PromotionKind::kRollback;
  outcome.audit.from = canary.model_id;
  if (const ModelVersion* primary = work.draft.Holder(VersionStatus::kPrimary)) {
    outcome.audit.to = primary->model_id;
  }
  outcome.audit.share_before = canary.share;
  outcome.subject = canary.model_id;
  work.draft.Place(canary.model_id, VersionStatus::kCanary);
  return outcome;
}

// Where a rollback of `promotion` would lead; none when it could not.
std::optional<ModelId> TargetOf(const Promotion& promotion, const Draft& draft) {
  if (!promotion.from) return std::nullopt;
  const ModelVersion* row = draft.Find(*promotion.from);
  if (row == nullptr || row->status == VersionStatus::kRetired) return std::nullopt;
  return promotion.from;
}

Result<ModelId> RollbackTarget(const Promotion& promotion, const Draft& draft) {
  if (!promotion.from) {
    return NothingToRollBack(draft.route(),
                             fmt::format("{} is the first that served it",
                                         promotion.to ? promotion.to->get() : "its primary"));
  }
  if (std::optional<ModelId> target = TargetOf(promotion, draft)) return *target;
  return Fail(ErrorCode::kConflict,
              "route {} cannot go back to version {}: it was {}. Activate another one instead",
              draft.route().name.get(), promotion.from->get(),
              draft.Find(*promotion.from) == nullptr ? "deleted" : "retired");
}

Status CheckCanaryCandidate(const ModelVersion* row, const SetCanary& verb) {
  if (row == nullptr) {
    return Fail(ErrorCode::kNotFound, "route {} has no version {}", verb.route.get(),
                verb.id.get());
  }
  switch (row->status) {
    case VersionStatus::kShadow:
    case VersionStatus::kStandby:
    case VersionStatus::kCanary:
      return {};
    case VersionStatus::kPrimary:
      return Fail(ErrorCode::kInvalidArgument,
                  "version {} is the primary of route {}, it cannot be its own canary",
                  verb.id.get(), verb.route.get());
    case VersionStatus::kArm:
      return Fail(ErrorCode::kInvalidArgument,
                  "version {} is an arm of an A/B split: end the split first", verb.id.get());
    case VersionStatus::kRetired:
      break;
  }
  return Fail(ErrorCode::kInvalidArgument,
              "version {} is retired: register it anew under another version to try it again",
              verb.id.get());
}

Status CheckArm(const ModelVersion* row, const RouteName& route, const ModelId& id) {
  if (row == nullptr) {
    return Fail(ErrorCode::kNotFound, "route {} has no version {}", route.get(), id.get());
  }
  if (row->status == VersionStatus::kPrimary || row->status == VersionStatus::kRetired ||
      row->status == VersionStatus::kCanary) {
    return Fail(ErrorCode::kInvalidArgument,
                "version {} is {}: an arm is a shadow or standby version", id.get(),
                NameOf(row->status));
  }
  return {};
}

Status CheckArms(const std::vector<RouteArm>& arms, const Draft& draft) {
  std::set<ModelId> seen;
  int sum = 0;
  for (const RouteArm& arm : arms) {
    PODIUM_TRY(CheckArm(draft.Find(arm.model_id), draft.route().name, arm.model_id));
    if (!seen.insert(arm.model_id).second) {
      return Fail(ErrorCode::kInvalidArgument, "version {} is listed as an arm twice",
                  arm.model_id.get());
    }
    sum += arm.weight.value();
    // Here and not after the loop: the sum of a very long list must not overflow.
    if (sum > BasisPoints::kWhole) {
      return Fail(ErrorCode::kInvalidArgument, "the weights of the arms add up to more than 100 %");
    }
  }
  return {};
}

bool SameArms(const std::vector<RouteArm>& one, const std::vector<RouteArm>& other) {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                    [](const RouteArm& a, const RouteArm& b) {
                      return a.model_id == b.model_id && a.weight == b.weight;
                    });
}

std::string DescribeArms(const std::vector<RouteArm>& arms) {
  Json list = Json::array();
  for (const RouteArm& arm : arms) {
    list.push_back({{"model_id", arm.model_id.get()}, {"weight_bp", arm.weight.value()}});
  }
  Json evidence = Json::object();
  evidence["arms"] = std::move(list);
  return DumpJson(evidence);
}

}  // namespace

Result<Outcome> RollBack(const RollBackRoute&, Work work) {
  Draft& draft = work.draft;
  const ModelVersion* canary = draft.Holder(VersionStatus::kCanary);
  // A rollout is what there is to take back, whatever share it has at the moment.
  const bool rolls_out = draft.rollout() || draft.route().rollout;
  if (canary != nullptr && (canary->share > BasisPoints() || rolls_out)) {
    return StopCanary(*canary, work);
  }

  const std::vector<Promotion>& standing = work.state.standing_promotions;
  if (standing.empty()) {
    return NothingToRollBack(draft.route(), "no promotion is left that was not undone already");
  }
  PODIUM_TRY_ASSIGN(const ModelId target, RollbackTarget(standing.front(), draft));
  Outcome outcome;
  outcome.audit.kind = PromotionKind::kRollback;
  outcome.audit.undoes = standing.front().revision;
  outcome.audit.from = standing.front().to;
  outcome.audit.to = target;
  outcome.subject = target;
  // The undone version may be gone (deleted while live); then nobody has to make room.
  if (const ModelVersion* incumbent = draft.Holder(VersionStatus::kPrimary)) {
    draft.Place(incumbent->model_id, VersionStatus::kShadow);
  }
  outcome.audit.share_before = draft.Find(target)->share;
  draft.Place(target, VersionStatus::kPrimary);
  draft.SetPreviousPrimary(standing.size() > 1 ? TargetOf(standing[1], draft) : std::nullopt);
  return outcome;
}

Result<Outcome> Ramp(const SetCanary& verb, Work work) {
  Draft& draft = work.draft;
  const ModelVersion* row = draft.Find(verb.id);
  PODIUM_TRY(CheckCanaryCandidate(row, verb));
  if (draft.route().policy == RoutePolicy::kAb) {
    return Fail(ErrorCode::kConflict, "route {} is split into arms: end the split before a canary",
                verb.route.get());
  }
  if (draft.Holder(VersionStatus::kPrimary) == nullptr) {
    return Fail(ErrorCode::kConflict,
                "route {} has no primary to take the rest: activate one first", verb.route.get());
  }
  const ModelVersion* canary = draft.Holder(VersionStatus::kCanary);
  Outcome outcome;
  outcome.audit.kind = PromotionKind::kRamp;
  outcome.audit.to = verb.id;
  outcome.audit.share_after = verb.share;
  outcome.subject = verb.id;
  if (canary != nullptr) {
    outcome.audit.from = canary->model_id;
    outcome.audit.share_before = canary->share;
  }
  if (canary != nullptr && canary->model_id != verb.id) {
    if (canary->share > BasisPoints()) {
      return Fail(
          ErrorCode::kConflict,
          "version {} is canary of route {} with {} % of its traffic: end that canary first",
          canary->model_id.get(), verb.route.get(), FormatPercent(canary->share));
    }
    draft.Place(canary->model_id, VersionStatus::kStandby);
  }
  if (row->status != VersionStatus::kCanary) {
    outcome.audit.evidence = DumpJson({{"canary_salt", work.stamp.canary_salt}});
  }
  draft.Place(verb.id, VersionStatus::kCanary, verb.share);
  return outcome;
}

Result<Outcome> Abort(const EndCanary& verb, Work work) {
  const ModelVersion* canary = work.draft.Holder(VersionStatus::kCanary);
  if (canary == nullptr) {
    return Fail(ErrorCode::kConflict, "route {} has no canary to end", verb.route.get());
  }
  Outcome outcome;
  outcome.audit.kind = PromotionKind::kAbort;
  outcome.audit.from = canary->model_id;
  outcome.audit.share_before = canary->share;
  outcome.subject = canary->model_id;
  work.draft.Place(canary->model_id, VersionStatus::kStandby);
  return outcome;
}

Result<Outcome> Split(const SetArms& verb, Work work) {
  Draft& draft = work.draft;
  PODIUM_TRY(CheckArms(verb.arms, draft));
  const ModelVersion* canary = draft.Holder(VersionStatus::kCanary);
  if (!verb.arms.empty() && canary != nullptr && canary->share > BasisPoints()) {
    return Fail(ErrorCode::kConflict,
                "version {} is canary of route {} with {} % of its traffic: end it before a split",
                canary->model_id.get(), verb.route.get(), FormatPercent(canary->share));
  }
  if (!verb.arms.empty() && draft.Holder(VersionStatus::kPrimary) == nullptr) {
    return Fail(ErrorCode::kConflict,
                "route {} has no primary to be the control: activate one first", verb.route.get());
  }
  Outcome outcome;
  outcome.audit.kind = PromotionKind::kArms;
  outcome.audit.evidence = DescribeArms(verb.arms);
  if (SameArms(verb.arms, draft.route().arms)) return outcome;
  std::set<ModelId> kept;
  for (const RouteArm& arm : verb.arms) kept.insert(arm.model_id);
  for (const ModelId& id : draft.Ids()) {
    if (draft.Find(id)->status == VersionStatus::kArm && !kept.contains(id)) {
      draft.Place(id, VersionStatus::kStandby);
    }
  }
  for (const RouteArm& arm : verb.arms) draft.Place(arm.model_id, VersionStatus::kArm);
  draft.ReplaceArms(verb.arms);
  return outcome;
}

}  // namespace podium::store
