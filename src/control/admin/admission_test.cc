#include "control/admin/admission.h"

#include <gtest/gtest.h>

#include <string>

namespace podium::control {
namespace {

ModelVersion Row(const std::string& id, VersionStatus status, int share = 0) {
  ModelVersion row;
  row.model_id = ModelId(id);
  row.route = RouteName("r");
  row.name = "r";
  row.version = id;
  row.provider_key = kLocalProvider;
  row.status = status;
  row.share = *BasisPoints::From(share);
  return row;
}

store::RouteState State(std::vector<ModelVersion> versions,
                        std::optional<ModelId> previous = std::nullopt) {
  store::RouteState state;
  state.route.name = RouteName("r");
  state.route.salt = "salt";
  state.route.canary_salt = "canary";
  state.route.primary_since = Revision(3);
  state.route.revision = Revision(9);
  state.route.previous_primary = std::move(previous);
  state.versions = std::move(versions);
  return state;
}

Result<Admission> Ask(const store::RouteState& state, const store::Mutation& mutation) {
  std::optional<ModelVersion> named;
  for (const ModelVersion& version : state.versions) {
    if (version.model_id == store::SubjectOf(mutation).id) named = version;
  }
  return Admit(state, named, mutation, {});
}

std::string Live(const Result<Admission>& admission) {
  if (!admission) return "refused";
  std::string ids;
  for (const ModelVersion& version : admission->goes_live) ids += version.model_id.get() + " ";
  return ids;
}

// INV-7: exactly the versions that would begin to serve must be ready first; waiting for others
// would hold a rollback up, waiting for none would send people to a cold model.
TEST(Admit, Inv7NamesWhatWouldGoLive) {
  const ModelId shadow("shadow");
  const ModelId primary("primary");
  const auto state =
      State({Row("primary", VersionStatus::kPrimary), Row("shadow", VersionStatus::kShadow),
             Row("standby", VersionStatus::kStandby)},
            shadow);
  EXPECT_EQ(Live(Ask(state, store::PromoteVersion{shadow})), "shadow ");
  EXPECT_EQ(Live(Ask(state, store::ActivateVersion{ModelId("standby")})), "standby ");
  EXPECT_EQ(Live(Ask(state, store::RollBackRoute{RouteName("r")})), "shadow ");
  EXPECT_EQ(Live(Ask(state, store::RetireVersion{shadow})), "");
  const auto share = [&](int bp) {
    return store::SetCanary{RouteName("r"), shadow, *BasisPoints::From(bp)};
  };
  EXPECT_EQ(Live(Ask(state, share(1))), "shadow ");
  EXPECT_EQ(Live(Ask(state, share(0))), "");
}

// INV-7 for a split: an arm keeps its row when its weight changes, and is live all the same.
TEST(Admit, Inv7NamesTheArmsThatGainTraffic) {
  auto state = State({Row("primary", VersionStatus::kPrimary), Row("idle", VersionStatus::kArm),
                      Row("busy", VersionStatus::kArm), Row("shadow", VersionStatus::kShadow)});
  const auto arm = [](const char* id, int weight) {
    return RouteArm{ModelId(id), 0, *BasisPoints::From(weight)};
  };
  state.route.policy = RoutePolicy::kAb;
  state.route.arms = {arm("idle", 0), arm("busy", 500)};
  const auto split = [&](std::vector<RouteArm> arms) {
    return Live(Ask(state, store::SetArms{RouteName("r"), std::move(arms)}));
  };
  EXPECT_EQ(split({arm("idle", 1), arm("busy", 500)}), "idle ");
  EXPECT_EQ(split({arm("idle", 0), arm("busy", 501)}), "busy ");
  EXPECT_EQ(split({arm("idle", 0), arm("busy", 499)}), "") << "less traffic needs nobody";
  EXPECT_EQ(split({arm("idle", 300), arm("busy", 600)}), "idle busy ");
  EXPECT_EQ(split({arm("idle", 0), arm("busy", 500), arm("shadow", 1)}), "shadow ");
  EXPECT_EQ(split({arm("idle", 0), arm("busy", 500), arm("shadow", 0)}), "");
  EXPECT_EQ(split({}), "");
}

TEST(Admit, PinsTheRevisionOfThePrimary) {
  const auto state =
      State({Row("primary", VersionStatus::kPrimary), Row("shadow", VersionStatus::kShadow)});
  EXPECT_EQ(Ask(state, store::PromoteVersion{ModelId("shadow")})->primary_since, Revision(3));
}

// INV-7: what a rollback meets at its commit must be what was made ready for it.
TEST(Admit, Inv7PinsWhatWasNotMadeReady) {
  const auto pinned = [](VersionStatus status, int share, const store::Mutation& mutation) {
    const auto state = State({Row("primary", VersionStatus::kPrimary), Row("x", status, share),
                              Row("before", VersionStatus::kShadow)},
                             ModelId("before"));
    store::MutationContext context;
    Pin(*Ask(state, mutation), mutation, context);
    const std::string canary = context.pinned_canary ? context.pinned_canary->get() : "-";
    return canary + " " +
           std::to_string(context.pinned_primary ? context.pinned_primary->get() : 0);
  };
  const store::RollBackRoute rollback{RouteName("r")};
  EXPECT_EQ(pinned(VersionStatus::kCanary, 1, rollback), "x 3");
  EXPECT_EQ(pinned(VersionStatus::kCanary, 0, rollback), " 3");
  EXPECT_EQ(pinned(VersionStatus::kShadow, 0, rollback), " 3");
  EXPECT_EQ(pinned(VersionStatus::kShadow, 0, store::PromoteVersion{ModelId("x")}), "- 3");
  EXPECT_EQ(pinned(VersionStatus::kShadow, 0, store::ActivateVersion{ModelId("x")}), "- 0");
  // What is so already is held to it: nothing was made ready for its being made so anew.
  EXPECT_EQ(pinned(VersionStatus::kShadow, 0, store::ActivateVersion{ModelId("primary")}), "- 3");
  const auto share = [](int bp) {
    return store::SetCanary{RouteName("r"), ModelId("x"), *BasisPoints::From(bp)};
  };
  EXPECT_EQ(pinned(VersionStatus::kCanary, 5, share(5)), "x 0");
  EXPECT_EQ(pinned(VersionStatus::kCanary, 5, share(6)), "- 0");
}

// INV-7: an arm that has its weight at the admission is not made ready for keeping it.
TEST(Admit, Inv7PinsTheArmsThatASplitWasAdmittedOn) {
  auto state = State({Row("primary", VersionStatus::kPrimary), Row("x", VersionStatus::kArm)});
  state.route.arms = {{ModelId("x"), 0, *BasisPoints::From(300)}};
  const store::SetArms same{RouteName("r"), state.route.arms};
  store::MutationContext context;
  const auto admission = Ask(state, same);
  ASSERT_TRUE(admission);
  EXPECT_TRUE(admission->goes_live.empty());
  Pin(*admission, same, context);
  EXPECT_EQ(context.pinned_arms, state.route.arms);
  context = {};
  Pin(*admission, store::ActivateVersion{ModelId("primary")}, context);
  EXPECT_FALSE(context.pinned_arms);
}

// The caller's mistake must be told before a model is loaded for nothing.
TEST(Admit, RefusesWhatTheCommitWouldRefuse) {
  const auto state =
      State({Row("primary", VersionStatus::kPrimary), Row("standby", VersionStatus::kStandby)});
  const auto refused = Ask(state, store::PromoteVersion{ModelId("standby")});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
}

// The version was read before the rows: what another call did to it meanwhile must not be missed.
TEST(Admit, TakesTheNamedVersionAsTheRowsHaveIt) {
  const ModelVersion read = Row("shadow", VersionStatus::kShadow);
  const auto gone = State({Row("primary", VersionStatus::kPrimary)});
  for (const store::Mutation& mutation : {store::Mutation(store::PromoteVersion{read.model_id}),
                                          store::Mutation(store::ActivateVersion{read.model_id}),
                                          store::Mutation(store::RetireVersion{read.model_id}),
                                          store::Mutation(store::DeleteVersion{read.model_id})}) {
    const auto refused = Admit(gone, read, mutation, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kNotFound);
    EXPECT_EQ(refused.error().message, "version shadow was deleted");
  }
  ModelVersion changed = read;
  changed.revision = Revision(7);
  store::MutationContext context;
  context.if_match = Revision(7);
  EXPECT_TRUE(
      Admit(State({changed}), read, store::ActivateVersion{read.model_id}, context).has_value());
}

// ---- Rollouts.

/// Primary and candidate of a rollout at its second step, 5 %.
struct RolloutCase {
  RolloutCase()
      : state(State(
            {Row("primary", VersionStatus::kPrimary), Row("x", VersionStatus::kCanary, 500)})) {
    rollout.id = RolloutId("ro7");
    rollout.route = RouteName("r");
    rollout.candidate = ModelId("x");
    rollout.primary = ModelId("primary");
    rollout.plan = DefaultPlan();
    rollout.step = 1;
    rollout.epochs.resize(2);
    rollout.epochs[1].step = 1;
    rollout.epochs[1].share = *BasisPoints::From(500);
    rollout.revision = Revision(9);
    state.route.rollout = MarkOf(rollout);
  }
  store::MoveRollout Move(store::RolloutMove kind) const {
    store::MoveRollout move;
    move.route = rollout.route;
    move.id = rollout.id;
    move.move = kind;
    return move;
  }
  store::MoveRollout To(std::uint32_t step, int share) const {
    store::MoveRollout move = Move(store::RolloutMove::kEpoch);
    move.epoch.emplace().step = step;
    move.epoch->share = *BasisPoints::From(share);
    return move;
  }
  Result<Admission> Ask(const store::Mutation& mutation) const {
    store::MutationContext context;
    context.named_person = true;
    return Admit(state, std::nullopt, mutation, context, rollout);
  }

  Rollout rollout;
  store::RouteState state;
};

// INV-7: a step up sends people to the candidate on every replica; nothing else that a rollout does
// may wait for one.
TEST(Admit, Inv7OnlyStepsUpOfARolloutWaitForAnybody) {
  const RolloutCase at;
  EXPECT_EQ(Live(at.Ask(at.To(2, 2'500))), "x ");
  EXPECT_EQ(Live(at.Ask(at.Move(store::RolloutMove::kPromote))), "x ");
  EXPECT_EQ(Live(at.Ask(at.To(1, 500))), "") << "a further part of the same hold";
  EXPECT_EQ(Live(at.Ask(at.To(0, 100))), "") << "less traffic";
  for (const auto move : {store::RolloutMove::kRollBack, store::RolloutMove::kAbort,
                          store::RolloutMove::kPause, store::RolloutMove::kPage}) {
    EXPECT_EQ(Live(at.Ask(at.Move(move))), "");
  }
  const auto state =
      State({Row("primary", VersionStatus::kPrimary), Row("y", VersionStatus::kStandby)});
  store::StartRollout start{RouteName("r"), ModelId("y"), DefaultPlan(), {}};
  EXPECT_EQ(Live(Ask(state, start)), "y ");
}

// What was not made ready for its present share must have that share still at the commit.
TEST(Admit, Inv7PinsTheCandidateThatServesAlready) {
  const RolloutCase at;
  const auto canary = [&](const store::Mutation& mutation) {
    store::MutationContext context;
    Pin(*at.Ask(mutation), mutation, context);
    return context.pinned_canary ? context.pinned_canary->get() : "-";
  };
  EXPECT_EQ(canary(at.To(1, 500)), "x");
  EXPECT_EQ(canary(at.To(2, 2'500)), "-");
  EXPECT_EQ(canary(at.To(0, 0)), "-");
  EXPECT_EQ(canary(at.Move(store::RolloutMove::kAbort)), "-") << "nothing holds an abort up";
  store::MutationContext context;
  const store::Mutation promote = at.Move(store::RolloutMove::kPromote);
  Pin(*at.Ask(promote), promote, context);
  EXPECT_EQ(context.pinned_primary, Revision(3));
}

TEST(Admit, RehearsesTheMovesOfADriver) {
  const RolloutCase at;
  store::MoveRollout move = at.To(2, 2'500);
  move.token = 7;
  move.seen = Revision(9);
  EXPECT_TRUE(at.Ask(move)) << "whose lease it is, the commit knows";
  move.seen = Revision(8);
  const auto stale = at.Ask(move);
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code, ErrorCode::kConflict);
  EXPECT_EQ(Live(at.Ask(at.To(3, 9'000))), "refused") << "above the plan";
}

TEST(Admit, LeavesARolloutThatItCannotSeeToTheCommit) {
  const RolloutCase at;
  EXPECT_EQ(Live(Admit(at.state, std::nullopt, at.To(3, 9'000), {})), "");
}

TEST(Admit, LeavesARollbackWithoutATargetToTheCommit) {
  const auto state = State({Row("primary", VersionStatus::kPrimary)});
  EXPECT_EQ(Live(Ask(state, store::RollBackRoute{RouteName("r")})), "");
}

}  // namespace
}  // namespace podium::control
