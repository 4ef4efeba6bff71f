#include "store/follow_verbs.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "domain/names.h"
#include "store/evidence_text.h"
#include "store/follow_row.h"

namespace podium::store {
namespace {

bool Follows(const Route& route) { return route.follow && !route.follow->held; }

bool HasTraffic(const ModelVersion& row) {
  switch (row.status) {
    case VersionStatus::kPrimary:
    case VersionStatus::kArm:
      return true;
    case VersionStatus::kCanary:
      return row.share > BasisPoints();
    default:
      return false;
  }
}

// What to do at the registered model instead; none for a mutation that the route's follower has no
// say in. Whoever must drive the route themselves may always end the following.
std::optional<std::string> WayOut(const RouteSnapshot& state, const Mutation& mutation) {
  const Follow& follow = *state.route->follow;
  const FollowSelector challenger = ChallengerOf(follow);
  const std::string of_champion =
      fmt::format("move its {} there, or", Describe(ChampionOf(follow)));
  const std::string of_challenger =
      challenger == FollowSelector() ? "it follows without a challenger, so follow with one, or"
                                     : fmt::format("move its {} there, or", Describe(challenger));
  using Way = std::optional<std::string>;
  return std::visit(
      Overloaded{
          [&](const PromoteVersion&) { return Way(of_champion); },
          [&](const ActivateVersion&) { return Way(of_champion); },
          [&](const StartRollout&) { return Way(of_champion); },
          [&](const SetCanary&) { return Way(of_challenger); },
          [&](const EndCanary&) { return Way(of_challenger); },
          [&](const SetArms&) { return Way("no split has a place beside its champion: first"); },
          [&](const DeleteVersion&) {
            const bool live = state.named && HasTraffic(*state.named);
            return live ? Way("move its aliases and stages away from this version there, or")
                        : Way();
          },
          [](const auto&) { return Way(); },
      },
      mutation);
}

Status CheckFollower(const std::optional<Route>& route, const MutationContext& context) {
  if (!route || !route->follow) {
    return Fail(ErrorCode::kConflict,
                "{} does not follow a registered model any more, so {} changes nothing",
                route ? "route " + route->name.get() : "the route", context.actor);
  }
  if (!route->follow->held) return {};
  return Fail(ErrorCode::kConflict,
              "route {} does not follow {} until it is resumed ({}), so {} changes nothing",
              route->name.get(), route->follow->model, route->follow->held_because, context.actor);
}

}  // namespace

Status CheckDriver(const RouteSnapshot& state, const Mutation& mutation,
                   const MutationContext& context) {
  if (context.as_follower) PODIUM_TRY(CheckFollower(state.route, context));
  if (context.pinned_follow && !(state.route && state.route->follow &&
                                 SameAims(*state.route->follow, *context.pinned_follow))) {
    return Fail(ErrorCode::kConflict,
                "what the route follows changed after this request was admitted: look again");
  }
  if (!state.route || !Follows(*state.route)) return {};
  // A champion and a split exclude each other, whoever asks.
  if (context.as_follower && !std::holds_alternative<SetArms>(mutation)) return {};
  if (context.as_guard && std::holds_alternative<EndCanary>(mutation)) return {};
  const std::optional<std::string> way_out = WayOut(state, mutation);
  if (!way_out) return {};
  const Route& route = *state.route;
  return Fail(ErrorCode::kConflict,
              "route {} follows registered model {}: {} DELETE /api/v1/routes/{}/follow",
              route.name.get(), route.follow->model, *way_out, route.name.get());
}

// A driver's rollback is what the route asked for by being rolled out; a person's is a veto.
std::string_view HoldsFollow(const Mutation& mutation, const MutationContext& context) {
  if (std::holds_alternative<RollBackRoute>(mutation)) return "rolled back";
  const auto* move = std::get_if<MoveRollout>(&mutation);
  if (move == nullptr || move->token || context.as_follower) return "";
  if (move->move == RolloutMove::kRollBack) return "rolled back";
  return move->move == RolloutMove::kAbort ? "aborted its rollout" : "";
}

void HoldFollow(Draft& draft, const Stamp& stamp, const MutationContext& context,
                std::string_view did, Promotion& audit) {
  if (!Follows(draft.route())) return;
  Follow held = *draft.route().follow;
  held.held = true;
  held.held_because = fmt::format("{} {}", context.actor, did);
  if (!context.reason.empty()) held.held_because += ": " + context.reason;
  held.held_at = stamp.now;
  audit.evidence = WithMember(audit.evidence, "follow", FollowToJson(held));
  draft.ReplaceFollow(std::move(held));
}

Result<Outcome> StartFollowing(const SetFollow& verb, Work work) {
  Draft& draft = work.draft;
  Outcome outcome;
  outcome.audit.kind = verb.follow ? PromotionKind::kFollow : PromotionKind::kUnfollow;
  std::optional<Follow> wanted = verb.follow;
  if (wanted) {
    PODIUM_TRY(Validate(*wanted));
    if (wanted->on_champion == OnChampion::kRollout) {
      return Fail(Error{ErrorCode::kUnprocessable, "rollouts are not offered yet: use promote",
                        "on_champion", nullptr});
    }
    if (!draft.route().arms.empty()) {
      return Fail(ErrorCode::kConflict,
                  "route {} is an A/B split, which has no place for a champion: end the arms first",
                  verb.route.get());
    }
    // What is sent again, by a person or a machine, does not end a hold: ResumeFollow does.
    const std::optional<Follow>& now = draft.route().follow;
    const bool stays = now && now->model == wanted->model;
    wanted->held = stays && now->held;
    wanted->held_because = stays ? now->held_because : "";
    wanted->held_at = stays ? now->held_at : WallTime();
  }
  if (wanted == draft.route().follow) return outcome;
  Json evidence = FollowEvidence(wanted);
  if (!work.state.route) {
    PODIUM_TRY(CheckName("route", verb.route.get()));
    evidence["route_salt"] = work.stamp.route_salt;
  }
  outcome.audit.evidence = DumpJson(evidence);
  draft.ReplaceFollow(std::move(wanted));
  return outcome;
}

Result<Outcome> ResumeFollowing(const ResumeFollow& verb, Work work) {
  const std::optional<Follow>& now = work.draft.route().follow;
  if (!now) {
    return Fail(ErrorCode::kConflict,
                "route {} does not follow a registered model, so there is nothing to resume: PUT "
                "/api/v1/routes/{}/follow first",
                verb.route.get(), verb.route.get());
  }
  Outcome outcome;
  outcome.audit.kind = PromotionKind::kFollowResume;
  if (!now->held) return outcome;
  if (!work.draft.route().arms.empty()) {
    return Fail(ErrorCode::kConflict,
                "route {} became an A/B split while it was held: end the arms first",
                verb.route.get());
  }
  Follow resumed = *now;
  resumed.held = false;
  resumed.held_because.clear();
  resumed.held_at = {};
  outcome.audit.evidence = DumpJson(FollowEvidence(resumed));
  work.draft.ReplaceFollow(std::move(resumed));
  return outcome;
}

}  // namespace podium::store
