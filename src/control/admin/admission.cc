#include "control/admin/admission.h"

#include <algorithm>
#include <utility>

namespace podium::control {
namespace {

int WeightOf(const ModelId& id, const Route& route) {
  for (const RouteArm& arm : route.arms) {
    if (arm.model_id == id) return arm.weight.value();
  }
  return 0;
}

bool IsLive(const ModelVersion& version, const Route& route) {
  switch (version.status) {
    case VersionStatus::kPrimary:
      return true;
    case VersionStatus::kCanary:
      return version.share.value() > 0;
    case VersionStatus::kArm:
      return WeightOf(version.model_id, route) > 0;
    default:
      return false;
  }
}

// Rows that are written and live then, and arms that get more than they had: those keep their row,
// since weights are the route's.
std::vector<ModelVersion> GoesLive(const store::RouteState& before, const store::Changes& changes) {
  std::vector<ModelVersion> rows;
  for (const ModelVersion& row : changes.versions) {
    if (IsLive(row, changes.route)) rows.push_back(row);
  }
  for (const ModelVersion& row : before.versions) {
    const bool written =
        std::any_of(changes.versions.begin(), changes.versions.end(),
                    [&](const ModelVersion& now) { return now.model_id == row.model_id; });
    const bool gains = WeightOf(row.model_id, changes.route) > WeightOf(row.model_id, before.route);
    if (!written && gains) rows.push_back(row);
  }
  return rows;
}

// A part of a rollout that gives its candidate no more than it has. What serves so already is not
// made ready again, or a replica that lost it would hold up the way down.
bool IsNoMore(const store::RouteState& state, const store::Mutation& mutation) {
  const auto* move = std::get_if<store::MoveRollout>(&mutation);
  if (move == nullptr || !move->epoch) return false;
  return std::any_of(state.versions.begin(), state.versions.end(), [&](const ModelVersion& row) {
    return row.status == VersionStatus::kCanary && IsLive(row, state.route) &&
           move->epoch->share <= row.share;
  });
}

ModelId LiveCanary(const store::RouteState& state) {
  for (const ModelVersion& row : state.versions) {
    if (row.status == VersionStatus::kCanary && IsLive(row, state.route)) return row.model_id;
  }
  return ModelId();
}

// A rehearsal needs no history beyond what a rollback would go to.
std::vector<Promotion> StandingPromotion(const store::RouteState& state) {
  if (!state.route.previous_primary) return {};
  Promotion standing;
  standing.route = state.route.name;
  standing.from = state.route.previous_primary;
  for (const ModelVersion& version : state.versions) {
    if (version.status == VersionStatus::kPrimary) standing.to = version.model_id;
  }
  return {std::move(standing)};
}

// `named` was read a moment before the rows: by now another call may have changed or deleted it.
std::optional<ModelVersion> AsOfNow(std::optional<ModelVersion> named,
                                    const store::RouteState& state) {
  if (!named || named->route != state.route.name) return named;
  for (const ModelVersion& version : state.versions) {
    if (version.model_id == named->model_id) return version;
  }
  named->deleted = true;
  return named;
}

// Whose lease is the newest and which verdicts there are, the commit knows better.
void TakeRollout(const std::optional<Rollout>& rollout, const store::Mutation& mutation,
                 store::RouteSnapshot& snapshot) {
  if (!rollout) return;
  if (!HasEnded(rollout->phase) && rollout->route == snapshot.route->name) {
    snapshot.rollout = rollout;
  }
  const auto* move = std::get_if<store::MoveRollout>(&mutation);
  if (move == nullptr) return;
  snapshot.named_rollout = rollout;
  snapshot.lease_token = move->token.value_or(0);
}

// A start and a promotion were made ready against this primary; a part of a rollout that gives no
// more, against a candidate that serves.
void PinRollout(const Admission& admission, const store::Mutation& mutation,
                store::MutationContext& context) {
  if (std::holds_alternative<store::StartRollout>(mutation)) {
    context.pinned_primary = admission.primary_since;
  }
  const auto* move = std::get_if<store::MoveRollout>(&mutation);
  if (move == nullptr) return;
  if (move->move == store::RolloutMove::kPromote) context.pinned_primary = admission.primary_since;
  const bool keeps = move->epoch && move->epoch->share > BasisPoints();
  if (keeps && admission.goes_live.empty()) context.pinned_canary = admission.live_canary;
}

}  // namespace

Result<Admission> Admit(const store::RouteState& state, const std::optional<ModelVersion>& named,
                        const store::Mutation& mutation, const store::MutationContext& context,
                        const std::optional<Rollout>& rollout) {
  Admission admission{state.route.arms, state.route.primary_since, LiveCanary(state), {}};
  // What a rollback without a target meets, only the whole history can tell: the commit will.
  if (std::holds_alternative<store::RollBackRoute>(mutation) && !state.route.previous_primary) {
    return admission;
  }
  if (std::holds_alternative<store::MoveRollout>(mutation) && !rollout) return admission;
  store::RouteSnapshot snapshot;
  snapshot.route = state.route;
  snapshot.versions = state.versions;
  snapshot.named = AsOfNow(named, state);
  snapshot.standing_promotions = StandingPromotion(state);
  TakeRollout(rollout, mutation, snapshot);
  store::Stamp stamp;
  stamp.revision = Revision(state.route.revision.get() + 1);
  stamp.now = state.route.updated_at;
  stamp.fresh_id = ModelId("rehearsal");
  stamp.route_salt = "rehearsal";
  stamp.canary_salt = "rehearsal";
  stamp.fresh_rollout = RolloutId("rehearsal");
  PODIUM_TRY_ASSIGN(const store::Changes changes,
                    store::Decide(snapshot, mutation, context, stamp));

  if (!TakesBack(mutation) && !IsNoMore(state, mutation)) {
    admission.goes_live = GoesLive(state, changes);
  }
  // INV-7 for one that is asked beside the primary and may answer.
  const auto* against = std::get_if<store::SetChallenger>(&mutation);
  if (against != nullptr && against->plan && against->plan->testing && changes.subject) {
    admission.goes_live.push_back(*changes.subject);
  }
  return admission;
}

bool TakesBack(const store::Mutation& mutation) {
  const auto* move = std::get_if<store::MoveRollout>(&mutation);
  return move != nullptr &&
         (move->move == store::RolloutMove::kRollBack || move->move == store::RolloutMove::kAbort);
}

void Pin(const Admission& admission, const store::Mutation& mutation,
         store::MutationContext& context) {
  const bool rolls_back = std::holds_alternative<store::RollBackRoute>(mutation);
  if (rolls_back) context.pinned_canary = admission.live_canary;
  // INV-7: what is live already is not made ready again, so it must be live still at the commit.
  const bool already = admission.goes_live.empty();
  const bool activates = std::holds_alternative<store::ActivateVersion>(mutation);
  if (rolls_back || std::holds_alternative<store::PromoteVersion>(mutation) ||
      (activates && already)) {
    context.pinned_primary = admission.primary_since;
  }
  if (std::holds_alternative<store::SetArms>(mutation)) context.pinned_arms = admission.arms;
  const auto* ramp = std::get_if<store::SetCanary>(&mutation);
  if (ramp != nullptr && ramp->share > BasisPoints() && already) {
    context.pinned_canary = admission.live_canary;
  }
  PinRollout(admission, mutation, context);
}

}  // namespace podium::control
