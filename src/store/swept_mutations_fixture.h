// Every kind of mutation with the registry it is tried on, for the tests in which everything fails.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "store/store_contract.h"

namespace podium::store {

struct SweptMutation {
  std::string name;
  std::function<void(Registry&)> prepare;  ///< Beyond versions a (primary), b, c, d of iris.
  Mutation mutation;                       ///< As Prepare returns it.
};

inline void PrintTo(const SweptMutation& swept, std::ostream* out) { *out << swept.name; }

inline std::vector<SweptMutation> SweptMutations() {
  const RouteName iris("iris");
  const auto nothing = [](Registry&) {};
  const auto canary = [](Registry& on) { on.Canary("b", 500); };
  const auto promoted = [](Registry& on) {
    on.Canary("b", 500);
    on.Promote("b");
  };
  const auto split = [](Registry& on) { on.Split({{"b", 1000}, {"c", 2000}}); };
  Follow ranker;
  ranker.model = "iris-ranker";
  const auto follows = [=](Registry& on) { on.Do(SetFollow{iris, ranker}); };
  const auto held = [=](Registry& on) {
    on.Canary("b", 500);
    on.Do(SetFollow{iris, ranker});
    on.RollBack();
  };
  const auto followed_canary = [=](Registry& on) {
    on.Canary("b", 500);
    on.Do(SetFollow{iris, ranker});
  };
  RolloutPlan plan = DefaultPlan();
  plan.steps.resize(2);
  plan.promote_at_end = true;
  const auto rolls_out = [=](Registry& on) {
    on.Do(StartRollout{iris, ModelId("b"), plan, {}});
    on.Do(MoveRollout(EpochOf(on.NewestRollout(), 1, 500)));
  };
  Rollout unnamed;
  unnamed.route = iris;
  const RolloutProof proof{"step-up", "{}", "{}"};
  MoveRollout step = EpochOf(unnamed, 1, 200);
  step.proof = proof;
  MoveRollout promote = MoveOf(unnamed, RolloutMove::kPromote);
  promote.proof = proof;
  ShadowPlan everything;
  everything.rate = Share(10'000);
  const auto shadowed = [=](Registry& on) { on.Do(SetShadow{iris, everything}); };
  ChallengerPlan against;
  against.challenger = ModelId("b");
  against.testing = true;
  const auto challenged = [=](Registry& on) { on.Do(SetChallenger{iris, against}); };
  const auto retired = [](Registry& on) { on.Do(RetireVersion{ModelId("d")}); };
  return {
      {"register", nothing, RegisterVersion{Row("e")}},
      {"register a new route", nothing, RegisterVersion{Row("r", "roses")}},
      {"activate", nothing, ActivateVersion{ModelId("b")}},
      {"canary", nothing, SetCanary{iris, ModelId("b"), Share(500)}},
      {"share", canary, SetCanary{iris, ModelId("b"), Share(2500)}},
      {"end the canary", canary, EndCanary{iris}},
      {"promote", canary, PromoteVersion{ModelId("b")}},
      {"roll back a canary", canary, RollBackRoute{iris}},
      {"roll back a promote", promoted, RollBackRoute{iris}},
      {"arms", nothing,
       SetArms{iris, {{ModelId("b"), 0, Share(10)}, {ModelId("c"), 0, Share(20)}}}},
      {"end the arms", split, SetArms{iris, {}}},
      {"retire", nothing, RetireVersion{ModelId("d")}},
      {"delete", retired, DeleteVersion{ModelId("d")}},
      {"follow", nothing, SetFollow{iris, ranker}},
      {"follow with a new route", nothing, SetFollow{RouteName("roses"), ranker}},
      {"unfollow", follows, SetFollow{iris, std::nullopt}},
      {"roll back and hold", followed_canary, RollBackRoute{iris}},
      {"resume", held, ResumeFollow{iris}},
      {"start a rollout", nothing, StartRollout{iris, ModelId("b"), DefaultPlan(), {}}},
      {"step a rollout", rolls_out, step},
      {"promote a rollout", rolls_out, promote},
      {"abort a rollout", rolls_out, MoveOf(unnamed, RolloutMove::kAbort)},
      {"roll back a route with a rollout", rolls_out, RollBackRoute{iris}},
      {"shadow", nothing, SetShadow{iris, everything}},
      {"end the shadow", shadowed, SetShadow{iris, std::nullopt}},
      {"challenger", nothing, SetChallenger{iris, against}},
      {"end the challenger", challenged, SetChallenger{iris, std::nullopt}},
  };
}

/// The mutation, with the id of the rollout that it moves.
inline Mutation Prepare(Registry& registry, const SweptMutation& swept) {
  for (const char* id : {"a", "b", "c", "d"}) registry.Add(id);
  registry.Activate("a");
  swept.prepare(registry);
  Mutation mutation = swept.mutation;
  if (auto* move = std::get_if<MoveRollout>(&mutation)) move->id = registry.NewestRollout().id;
  return mutation;
}

}  // namespace podium::store
