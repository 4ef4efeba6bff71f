#include "store/shadow_verbs.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "store/shadow_row.h"
#include "store/verbs.h"

namespace podium::store {
namespace {

const ModelVersion* PrimaryBefore(const RouteSnapshot& before) {
  for (const ModelVersion& row : before.versions) {
    if (row.status == VersionStatus::kPrimary) return &row;
  }
  return nullptr;
}

// A version that is another one's traffic already cannot watch it too.
Status CheckShadow(const Draft& draft, const RouteName& route, const ModelId& id) {
  const ModelVersion* row = draft.Find(id);
  if (row == nullptr) {
    return Fail(Error{ErrorCode::kNotFound,
                      fmt::format("route {} has no version {}", route.get(), id.get()), "versions",
                      nullptr});
  }
  if (row->status == VersionStatus::kShadow) return {};
  return Fail(Error{ErrorCode::kInvalidArgument,
                    fmt::format("version {} is {}, not a shadow: register one with \"status\": "
                                "\"shadow\", or promote another over it",
                                id.get(), NameOf(row->status)),
                    "versions", nullptr});
}

Status CheckChallenger(const Draft& draft, const SetChallenger& verb) {
  const ModelId& id = verb.plan->challenger;
  const ModelVersion* row = draft.Find(id);
  if (row == nullptr) {
    return Fail(Error{ErrorCode::kNotFound,
                      fmt::format("route {} has no version {}", verb.route.get(), id.get()),
                      "challenger", nullptr});
  }
  const bool fit = row->status == VersionStatus::kShadow || row->status == VersionStatus::kStandby;
  if (!fit) {
    return Fail(Error{ErrorCode::kInvalidArgument,
                      fmt::format("version {} is {}: a challenger is a shadow or on standby",
                                  id.get(), NameOf(row->status)),
                      "challenger", nullptr});
  }
  if (verb.plan->testing && draft.route().rollout) {
    return Fail(ErrorCode::kConflict,
                "route {} has a rollout, which compares its primary by itself: end it first",
                verb.route.get());
  }
  if (verb.plan->testing && !draft.route().arms.empty()) {
    return Fail(ErrorCode::kConflict,
                "route {} is an A/B split, which has no champion: end the arms first",
                verb.route.get());
  }
  return {};
}

}  // namespace

Result<Outcome> Shadow(const SetShadow& verb, Work work) {
  Draft& draft = work.draft;
  Outcome outcome;
  outcome.audit.kind = PromotionKind::kShadow;
  const std::optional<ShadowPlan>& now = draft.route().shadow;
  if (verb.seed && now) return outcome;
  std::optional<ShadowPlan> wanted = verb.plan;
  if (wanted) {
    PODIUM_TRY(Validate(*wanted));
    for (const ModelId& id : wanted->versions) PODIUM_TRY(CheckShadow(draft, verb.route, id));
  } else {
    if (!now) return outcome;
    wanted = ShadowPlan();  // Off is something that was said: no configuration seeds it again.
  }
  if (wanted == now) return outcome;
  outcome.audit.evidence = DumpJson(ShadowEvidence(wanted));
  draft.ReplaceShadow(std::move(wanted));
  return outcome;
}

Result<Outcome> Challenge(const SetChallenger& verb, Work work) {
  Draft& draft = work.draft;
  Outcome outcome;
  outcome.audit.kind = PromotionKind::kChallenger;
  if (verb.plan) {
    PODIUM_TRY(Validate(*verb.plan));
    PODIUM_TRY(CheckChallenger(draft, verb));
    outcome.subject = verb.plan->challenger;
  }
  const std::optional<ChallengerPlan>& now = draft.route().challenger;
  if (verb.plan == now) return outcome;
  if (now) outcome.audit.from = now->challenger;
  if (verb.plan) outcome.audit.to = verb.plan->challenger;
  outcome.audit.evidence = DumpJson(ChallengerEvidence(verb.plan));
  draft.ReplaceChallenger(verb.plan);
  return outcome;
}

void KeepShadows(const RouteSnapshot& before, Draft& draft) {
  if (!draft.route().shadow || draft.route().shadow->versions.empty()) return;
  const ModelVersion* was = PrimaryBefore(before);
  const ModelVersion* is = draft.Holder(VersionStatus::kPrimary);
  if (was == nullptr || is == nullptr || was->model_id == is->model_id) return;
  ShadowPlan plan = *draft.route().shadow;
  const auto place = std::find(plan.versions.begin(), plan.versions.end(), is->model_id);
  const ModelVersion* demoted = draft.Find(was->model_id);
  const bool watches = demoted != nullptr && demoted->status == VersionStatus::kShadow;
  if (place == plan.versions.end() || !watches) return;
  *place = was->model_id;
  draft.ReplaceShadow(std::move(plan));
}

}  // namespace podium::store
