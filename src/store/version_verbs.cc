#include "base/json.h"
#include "store/verbs.h"

namespace podium::store {
namespace {

Outcome Say(PromotionKind kind, std::optional<ModelId> from, std::optional<ModelId> to,
            const ModelId& subject) {
  Outcome outcome;
  outcome.audit.kind = kind;
  outcome.audit.from = std::move(from);
  outcome.audit.to = std::move(to);
  outcome.subject = subject;
  return outcome;
}

std::optional<ModelId> IdOf(const ModelVersion* row) {
  return row == nullptr ? std::nullopt : std::optional(row->model_id);
}

Status CheckFree(const RouteSnapshot& state, const ModelVersion& row) {
  if (state.named) {
    return Fail(ErrorCode::kConflict, "id {} {}: ids are never used twice, choose another",
                row.model_id.get(),
                state.named->deleted
                    ? "belonged to a version that was deleted"
                    : "is registered already, on route " + state.named->route.get());
  }
  if (state.twin) {
    return Fail(ErrorCode::kConflict, "route {} has version {} of {} already: it is {} ({})",
                row.route.get(), row.version, row.name, state.twin->model_id.get(),
                NameOf(state.twin->status));
  }
  return {};
}

BasisPoints WeightOf(const Route& route, const ModelId& id) {
  for (const RouteArm& arm : route.arms) {
    if (arm.model_id == id) return arm.weight;
  }
  return {};
}

// Why a version may not simply vanish; empty when it may.
std::string LiveReason(const Draft& draft, const ModelVersion& row) {
  if (row.status == VersionStatus::kPrimary) {
    return fmt::format("is the primary of route {}: promote or activate another one first",
                       row.route.get());
  }
  if (row.status == VersionStatus::kCanary && row.share > BasisPoints()) {
    return fmt::format("is the canary of route {} with {} % of its traffic: end the canary first",
                       row.route.get(), FormatPercent(row.share));
  }
  const BasisPoints weight = WeightOf(draft.route(), row.model_id);
  if (row.status == VersionStatus::kArm && weight > BasisPoints()) {
    return fmt::format(
        "is an arm of route {} with {} % of its traffic: set the arms without it first",
        row.route.get(), FormatPercent(weight));
  }
  return "";
}

Status CheckPromotable(const ModelVersion& row) {
  switch (row.status) {
    case VersionStatus::kShadow:
    case VersionStatus::kCanary:
      return {};
    case VersionStatus::kPrimary:
      return Fail(ErrorCode::kInvalidArgument, "version {} is the primary of route {} already",
                  row.model_id.get(), row.route.get());
    case VersionStatus::kArm:
      return Fail(ErrorCode::kInvalidArgument,
                  "version {} is an arm of an A/B split: end the split first, or activate it",
                  row.model_id.get());
    case VersionStatus::kStandby:
      return Fail(ErrorCode::kInvalidArgument,
                  "version {} is standby, only a shadow or canary can be promoted: make it the "
                  "canary first, or activate it",
                  row.model_id.get());
    case VersionStatus::kRetired:
      break;
  }
  return Fail(ErrorCode::kInvalidArgument,
              "version {} is retired: register it anew under another version to serve it again",
              row.model_id.get());
}

}  // namespace

Result<Outcome> Register(const RegisterVersion& verb, Work work) {
  ModelVersion row = verb.version;
  if (verb.seed && work.state.route) return Outcome{};
  PODIUM_TRY(CheckFree(work.state, row));
  if (row.parent_id && !work.state.parent_exists) {
    return Fail(Error{ErrorCode::kInvalidArgument,
                      fmt::format("parent {} is not a registered version", row.parent_id->get()),
                      "parent_id", nullptr});
  }
  if (row.model_id.get().empty()) row.model_id = work.stamp.fresh_id;
  row.share = {};
  row.deleted = false;
  row.created_at = work.stamp.now;
  const ModelId id = row.model_id;
  Outcome outcome =
      Say(verb.seed ? PromotionKind::kSeed : PromotionKind::kRegister, std::nullopt, id, id);
  if (!work.state.route) outcome.audit.evidence = DumpJson({{"route_salt", work.stamp.route_salt}});
  work.draft.Add(std::move(row));
  if (verb.seed) work.draft.Place(id, VersionStatus::kPrimary);
  return outcome;
}

Result<Outcome> Activate(const ActivateVersion& verb, Work work) {
  Draft& draft = work.draft;
  const ModelVersion& row = *draft.Find(verb.id);
  if (row.status == VersionStatus::kRetired) {
    return Fail(ErrorCode::kInvalidArgument,
                "version {} is retired: register it anew under another version to serve it again",
                verb.id.get());
  }
  const std::optional<ModelId> incumbent = IdOf(draft.Holder(VersionStatus::kPrimary));
  const BasisPoints share_before = row.share;
  for (const ModelId& id : draft.Ids()) {
    if (id != verb.id && draft.Find(id)->status != VersionStatus::kRetired) {
      draft.Place(id, VersionStatus::kStandby);
    }
  }
  draft.Place(verb.id, VersionStatus::kPrimary);
  if (incumbent != verb.id) draft.SetPreviousPrimary(incumbent);
  Outcome outcome = Say(PromotionKind::kActivate, incumbent, verb.id, verb.id);
  outcome.audit.share_before = share_before;
  return outcome;
}

Result<Outcome> Retire(const RetireVersion& verb, Work work) {
  const ModelVersion& row = *work.draft.Find(verb.id);
  if (const std::string reason = LiveReason(work.draft, row); !reason.empty()) {
    return Fail(ErrorCode::kConflict, "version {} {}", verb.id.get(), reason);
  }
  work.draft.Place(verb.id, VersionStatus::kRetired);
  work.draft.ForgetPreviousPrimary(verb.id);
  return Say(PromotionKind::kRetire, verb.id, std::nullopt, verb.id);
}

Result<Outcome> Delete(const DeleteVersion& verb, Work work) {
  const ModelVersion& row = *work.draft.Find(verb.id);
  const std::string reason = LiveReason(work.draft, row);
  if (!reason.empty() && !verb.allow_live) {
    return Fail(ErrorCode::kConflict, "version {} {}", verb.id.get(), reason);
  }
  const BasisPoints share_before = row.share;
  work.draft.Bury(verb.id);
  work.draft.ForgetPreviousPrimary(verb.id);
  Outcome outcome = Say(PromotionKind::kDelete, verb.id, std::nullopt, verb.id);
  outcome.audit.share_before = share_before;
  return outcome;
}

std::optional<ModelId> SucceedPrimary(Draft& draft, const ModelId& id) {
  std::optional<ModelId> incumbent = IdOf(draft.Holder(VersionStatus::kPrimary));
  if (incumbent) draft.Place(*incumbent, VersionStatus::kShadow);
  draft.Place(id, VersionStatus::kPrimary);
  draft.SetPreviousPrimary(incumbent);
  return incumbent;
}

Result<Outcome> Promote(const PromoteVersion& verb, Work work) {
  Draft& draft = work.draft;
  const ModelVersion& row = *draft.Find(verb.id);
  PODIUM_TRY(CheckPromotable(row));
  const ModelVersion* canary = draft.Holder(VersionStatus::kCanary);
  if (canary != nullptr && canary->model_id != verb.id && canary->share > BasisPoints()) {
    return Fail(ErrorCode::kConflict,
                "version {} is canary of route {} with {} % of its traffic: end that canary, or "
                "promote it, before promoting {}",
                canary->model_id.get(), row.route.get(), FormatPercent(canary->share),
                verb.id.get());
  }
  const BasisPoints share_before = row.share;
  const std::optional<ModelId> incumbent = SucceedPrimary(draft, verb.id);
  Outcome outcome = Say(PromotionKind::kPromote, incumbent, verb.id, verb.id);
  outcome.audit.share_before = share_before;
  return outcome;
}

}  // namespace podium::store
