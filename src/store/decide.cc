#include "store/decide.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "domain/names.h"
#include "store/draft.h"
#include "store/follow_verbs.h"
#include "store/registration.h"
#include "store/rollout_verbs.h"
#include "store/shadow_verbs.h"
#include "store/signature_gate.h"
#include "store/verbs.h"

namespace podium::store {
namespace {

template <typename Verb>
constexpr bool kOnVersion =
    std::is_same_v<Verb, ActivateVersion> || std::is_same_v<Verb, RetireVersion> ||
    std::is_same_v<Verb, DeleteVersion> || std::is_same_v<Verb, PromoteVersion>;

Status CheckContext(const MutationContext& context) {
  PODIUM_TRY(CheckText("actor", context.actor, limits::kMaxUnitBytes));
  PODIUM_TRY(CheckText("origin", context.origin, limits::kMaxNameBytes));
  PODIUM_TRY(CheckText("reason", context.reason, limits::kMaxReasonBytes));
  PODIUM_TRY(CheckText("request_id", context.request_id, limits::kMaxUnitBytes));
  return {};
}

Status CheckFound(const RouteSnapshot& state, const Subject& subject, bool on_version,
                  bool creates_route) {
  if (on_version) {
    if (!state.named) return Fail(ErrorCode::kNotFound, "there is no version {}", subject.id.get());
    if (state.named->deleted) {
      return Fail(ErrorCode::kNotFound, "version {} was deleted", subject.id.get());
    }
  }
  if (state.route || creates_route) return {};
  return Fail(ErrorCode::kNotFound, "there is no route {}", subject.route.get());
}

// Whose canary has a share; empty for nobody's.
ModelId LiveCanary(const RouteSnapshot& state) {
  for (const ModelVersion& row : state.versions) {
    const bool live = row.status == VersionStatus::kCanary && row.share > BasisPoints();
    if (live) return row.model_id;
  }
  return ModelId();
}

Status CheckPinnedCanary(const RouteSnapshot& state, const Route& route, const ModelId& pinned) {
  const ModelId now = LiveCanary(state);
  if (now == pinned) return {};
  if (now.get().empty()) {
    return Fail(ErrorCode::kConflict,
                "canary {} of route {} lost its share after this request was admitted: look again",
                pinned.get(), route.name.get());
  }
  return Fail(ErrorCode::kConflict,
              "{} became the canary with a share of route {} after this request was admitted: look "
              "again",
              now.get(), route.name.get());
}

// Optimistic locks: what the caller saw must still be so.
Status CheckStillSo(const RouteSnapshot& state, const Route& route, const MutationContext& context,
                    bool on_version) {
  const Revision current = on_version ? state.named->revision : route.revision;
  if (context.if_match && *context.if_match != current) {
    return Fail(ErrorCode::kRevisionMismatch, "{} {} is at revision {}, not {}: re-read and retry",
                on_version ? "version" : "route",
                on_version ? state.named->model_id.get() : route.name.get(), current.get(),
                context.if_match->get());
  }
  if (context.pinned_primary && *context.pinned_primary != route.primary_since) {
    std::string now = "nobody";
    for (const ModelVersion& row : state.versions) {
      if (row.status == VersionStatus::kPrimary) now = row.model_id.get();
    }
    return Fail(ErrorCode::kConflict,
                "the primary of route {} changed (to {}, at revision {}) after this request was "
                "admitted: look again",
                route.name.get(), now, route.primary_since.get());
  }
  if (context.pinned_canary) PODIUM_TRY(CheckPinnedCanary(state, route, *context.pinned_canary));
  if (context.pinned_arms && *context.pinned_arms != route.arms) {
    return Fail(ErrorCode::kConflict,
                "the arms of route {} changed after this request was admitted: look again",
                route.name.get());
  }
  return {};
}

Route NewRoute(const RouteName& name, const Stamp& stamp) {
  Route route;
  route.name = name;
  route.sticky_on = "session";
  route.salt = stamp.route_salt;
  route.created_at = stamp.now;
  return route;
}

Result<Outcome> Dispatch(const Mutation& mutation, const Work& work) {
  return std::visit(Overloaded{
                        [&](const RegisterVersion& verb) { return Register(verb, work); },
                        [&](const ActivateVersion& verb) { return Activate(verb, work); },
                        [&](const RetireVersion& verb) { return Retire(verb, work); },
                        [&](const DeleteVersion& verb) { return Delete(verb, work); },
                        [&](const PromoteVersion& verb) { return Promote(verb, work); },
                        [&](const RollBackRoute& verb) { return RollBack(verb, work); },
                        [&](const SetCanary& verb) { return Ramp(verb, work); },
                        [&](const EndCanary& verb) { return Abort(verb, work); },
                        [&](const SetArms& verb) { return Split(verb, work); },
                        [&](const SetFollow& verb) { return StartFollowing(verb, work); },
                        [&](const ResumeFollow& verb) { return ResumeFollowing(verb, work); },
                        [&](const StartRollout& verb) { return Start(verb, work); },
                        [&](const MoveRollout& verb) { return Move(verb, work); },
                        [&](const SetShadow& verb) { return Shadow(verb, work); },
                        [&](const SetChallenger& verb) { return Challenge(verb, work); },
                    },
                    mutation);
}

}  // namespace

Subject SubjectOf(const Mutation& mutation) {
  Subject subject;
  const auto of_registration = [&](const RegisterVersion& verb) {
    const ModelVersion& row = verb.version;
    subject.route = row.route;
    subject.id = row.model_id;
    subject.parent = row.parent_id.value_or(ModelId());
    subject.name = row.name.empty() ? row.route.get() : row.name;
    subject.version = row.version;
  };
  const auto of_arms = [&](const SetArms& verb) {
    subject.route = verb.route;
    for (const RouteArm& arm : verb.arms) subject.others.push_back(arm.model_id);
  };
  const auto of_canary = [&](const SetCanary& verb) {
    subject.route = verb.route;
    subject.id = verb.id;
  };
  const auto of_rollback = [&](const RollBackRoute& verb) {
    subject.route = verb.route;
    subject.history = true;
  };
  const auto of_end = [&](const EndCanary& verb) { subject.route = verb.route; };
  const auto of_follow = [&](const SetFollow& verb) { subject.route = verb.route; };
  const auto of_resume = [&](const ResumeFollow& verb) { subject.route = verb.route; };
  const auto of_start = [&](const StartRollout& verb) {
    subject.route = verb.route;
    subject.id = verb.candidate;
    subject.attempts = true;
  };
  const auto of_move = [&](const MoveRollout& verb) {
    subject.route = verb.route;
    subject.rollout = verb.id;
  };
  const auto of_shadow = [&](const SetShadow& verb) {
    subject.route = verb.route;
    if (verb.plan) subject.others = verb.plan->versions;
  };
  const auto of_challenger = [&](const SetChallenger& verb) {
    subject.route = verb.route;
    if (verb.plan) subject.id = verb.plan->challenger;
  };
  const auto of_version = [&](const auto& verb) { subject.id = verb.id; };
  std::visit(Overloaded{of_registration, of_arms, of_canary, of_rollback, of_end, of_follow,
                        of_resume, of_start, of_move, of_shadow, of_challenger, of_version},
             mutation);
  return subject;
}

std::vector<ModelId> AlsoNeeded(const Subject& subject, const RouteSnapshot& state) {
  std::vector<ModelId> ids = subject.others;
  if (!subject.id.get().empty()) ids.push_back(subject.id);
  for (const Promotion& promotion : state.standing_promotions) {
    if (promotion.from) ids.push_back(*promotion.from);
  }
  if (!state.route) return ids;
  // By SQL an arm may name a version in another role than arm: it decides all the same.
  for (const RouteArm& arm : state.route->arms) {
    const bool known =
        std::any_of(state.versions.begin(), state.versions.end(),
                    [&](const ModelVersion& row) { return row.model_id == arm.model_id; });
    if (!known) ids.push_back(arm.model_id);
  }
  return ids;
}

void Include(RouteSnapshot& state, const ModelVersion& row) {
  if (row.deleted || !state.route || row.route != state.route->name) return;
  for (const ModelVersion& known : state.versions) {
    if (known.model_id == row.model_id) return;
  }
  state.versions.push_back(row);
}

Result<Changes> Decide(const RouteSnapshot& state, const Mutation& mutation,
                       const MutationContext& context, const Stamp& stamp) {
  PODIUM_TRY(CheckContext(context));
  const Subject subject = SubjectOf(mutation);
  const bool on_version =
      std::visit([]<typename Verb>(const Verb&) { return kOnVersion<Verb>; }, mutation);
  Mutation checked = mutation;
  auto* registration = std::get_if<RegisterVersion>(&checked);
  if (registration != nullptr) {
    PODIUM_TRY_ASSIGN(registration->version, CheckRegistration(std::move(registration->version)));
  }
  const auto* follow = std::get_if<SetFollow>(&mutation);
  const bool creates_route = registration != nullptr || (follow != nullptr && follow->follow);
  PODIUM_TRY(CheckFound(state, subject, on_version, creates_route));
  PODIUM_TRY(CheckDriver(state, mutation, context));
  const Route route = state.route ? *state.route : NewRoute(subject.route, stamp);
  PODIUM_TRY(CheckStillSo(state, route, context, on_version));
  PODIUM_TRY(CheckRollout(state, mutation, context));

  Draft draft(route, state.versions, stamp);
  const Work work{state, context, stamp, draft};
  EndRolloutFor(mutation, work);
  PODIUM_TRY_ASSIGN(Outcome outcome, Dispatch(checked, work));
  KeepShadows(state, draft);
  if (const std::string_view did = HoldsFollow(mutation, context); !did.empty()) {
    HoldFollow(draft, stamp, context, did, outcome.audit);
  }
  PODIUM_TRY_ASSIGN(std::vector<SignatureFinding> signatures,
                    CheckSignatures(state, checked, context));
  outcome.audit.evidence = WithForced(outcome.audit.evidence, signatures);
  outcome.audit.actor = context.actor;
  outcome.audit.origin = context.origin;
  outcome.audit.reason = context.reason;
  outcome.audit.request_id = context.request_id;
  TellOfRollout(mutation, work, outcome);
  Changes changes = std::move(draft).Take(std::move(outcome.audit), outcome.subject);
  changes.signatures = std::move(signatures);
  changes.verdict = std::move(outcome.verdict);
  if (!changes.changed) changes.rollout = state.named_rollout;
  if (state.mark_made_up) changes.route.rollout.reset();
  changes.event = std::move(outcome.event);
  if (std::holds_alternative<StartRollout>(mutation)) {
    changes.artifact = ArtifactOf(*changes.subject);
  }
  return changes;
}

}  // namespace podium::store
