// A route "shop" and a rollout on it, for tests of what verbs decide.
#pragma once

#include <string>

#include "base/json.h"
#include "store/rollout_verbs.h"

namespace podium::store {

inline const RouteName kShop("shop");
inline const RolloutId kFirst("r1");

inline BasisPoints Bp(int share) { return *BasisPoints::From(share); }

inline ModelVersion ShopVersion(const char* id, VersionStatus status, int share = 0) {
  ModelVersion row;
  row.model_id = ModelId(id);
  row.route = kShop;
  row.version = id;
  row.provider_key = "local";
  row.status = status;
  row.share = Bp(share);
  return row;
}

inline Stamp ShopStamp() {
  return {Revision(70), WallTime(std::chrono::seconds(9)), ModelId("fresh"), "route-salt",
          "new-salt",   RolloutId("fresh-rollout")};
}

/// `p` is primary, `c` waits to be the candidate, `s` is a shadow; `named` is one of them.
inline RouteSnapshot Shop(const char* named = "c") {
  RouteSnapshot state;
  state.route = Route();
  state.route->name = kShop;
  state.route->primary_since = Revision(3);
  state.versions = {ShopVersion("p", VersionStatus::kPrimary),
                    ShopVersion("c", VersionStatus::kStandby),
                    ShopVersion("s", VersionStatus::kShadow)};
  for (const ModelVersion& row : state.versions) {
    if (row.model_id == ModelId(named)) state.named = row;
  }
  return state;
}

inline Rollout Running() {
  Rollout rollout;
  rollout.id = kFirst;
  rollout.route = kShop;
  rollout.candidate = ModelId("c");
  rollout.primary = ModelId("p");
  rollout.plan = DefaultPlan();
  rollout.epochs.resize(1);
  rollout.epochs[0].share = Bp(100);
  rollout.revision = Revision(41);
  rollout.said = "ann started it";
  return rollout;
}

/// The rollout of `c` runs at 1 %, as every part of the rows says.
inline RouteSnapshot Rolling(const Rollout& rollout = Running(), const char* named = "") {
  RouteSnapshot state = Shop(named);
  state.versions[1] = ShopVersion("c", VersionStatus::kCanary, rollout.share().value());
  if (state.named && state.named->model_id == ModelId("c")) state.named = state.versions[1];
  state.route->canary_salt = "old-salt";
  state.route->rollout = MarkOf(rollout);
  state.rollout = rollout;
  state.named_rollout = rollout;
  state.lease_token = 5;
  state.verdicts = 2;
  return state;
}

inline StartRollout StartOf(const char* candidate = "c") {
  return {kShop, ModelId(candidate), DefaultPlan(), {}};
}

inline MoveRollout MoveTo(RolloutMove move) {
  MoveRollout verb;
  verb.route = kShop;
  verb.id = kFirst;
  verb.move = move;
  return verb;
}

inline MoveRollout EpochAt(std::uint32_t step, int share) {
  MoveRollout verb = MoveTo(RolloutMove::kEpoch);
  verb.epoch = RolloutEpoch();
  verb.epoch->step = step;
  verb.epoch->share = Bp(share);
  return verb;
}

inline MoveRollout Driven(MoveRollout verb) {
  verb.token = 5;
  verb.seen = Revision(41);
  verb.said = "the verdict";
  return verb;
}

inline MoveRollout Proven(MoveRollout verb, const char* decision = "step-up") {
  verb.proof = RolloutProof{decision, R"({"steps":[]})", R"({"decision":"x"})"};
  return verb;
}

inline MutationContext Ann() {
  MutationContext context;
  context.actor = "ann";
  context.named_person = true;
  return context;
}

inline Result<Changes> Ask(const RouteSnapshot& state, const Mutation& mutation,
                           const MutationContext& context = {}) {
  return Decide(state, mutation, context, ShopStamp());
}

inline std::string Slug(const Result<Changes>& changes) {
  if (!changes) return std::string(TraitsOf(changes.error().code).slug);
  return changes->changed ? "done" : "unchanged";
}

/// "p=shadow c=primary": the rows that are written.
inline std::string Rows(const Changes& changes) {
  std::string text;
  for (const ModelVersion& row : changes.versions) {
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", row.model_id.get(), NameOf(row.status));
    if (row.status == VersionStatus::kCanary) text += fmt::format("@{}", row.share.value());
  }
  return text;
}

inline Json Told(const Changes& changes) {
  return ParseJson(changes.audit.evidence).value_or(Json::object())["rollout"];
}

}  // namespace podium::store
