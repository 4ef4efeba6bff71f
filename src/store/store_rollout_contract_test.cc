// The contract of RegistryStore, part eight: a rollout's row.
#include <gmock/gmock.h>

#include "store/rollout_store_contract.h"

namespace podium::store {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

INSTANTIATE_TEST_SUITE_P(Stores, RegistryRollouts, AllBackends(), BackendName);

// --- Rows ---

TEST_P(RegistryRollouts, WhatIsStartedComesBackWithItsMark) {
  StartRollout verb{kIris, ModelId("b"), DefaultPlan(), {}};
  verb.plan.unit = SplitUnit::kUser;
  verb.first.thresholds.latency_ms = {10, 20.5, 1e9};
  verb.first.bad_before[9] = 1'000'000'000'000;
  const Committed done = registry_.Do(verb, Ann());
  ASSERT_TRUE(done.rollout);
  EXPECT_EQ(registry_.Roles(), "a=primary b=canary@100 c=shadow");
  EXPECT_EQ(done.rollout->revision, done.revision);
  EXPECT_EQ(done.rollout->started_by, "ann");
  EXPECT_EQ(done.rollout->epochs[0].bad_before[9], 1'000'000'000'000u);
  EXPECT_EQ(Find(done.rollout->id), *done.rollout);
  EXPECT_EQ(done.route.rollout, MarkOf(*done.rollout));
  EXPECT_EQ(registry_.TheRoute().rollout, done.route.rollout);
  const auto delta = store_->ReadTable(Revision(done.revision.get() - 1));
  ASSERT_TRUE(delta);
  ASSERT_EQ(delta->routes.size(), 1u);
  EXPECT_EQ(delta->routes.front().rollout, done.route.rollout) << "publishers hear of it";
  EXPECT_TRUE(delta->faults.empty());
  EXPECT_EQ(NewestEvent(), "podium.rollout.started");
  const Json told = NewestEventData()["rollout"];
  EXPECT_EQ(told["id"], done.rollout->id.get());
  EXPECT_EQ(told["candidate"], "b");
  EXPECT_EQ(told["primary"], "a");
  EXPECT_EQ(told["attempt"], 1);
  EXPECT_EQ(told["phase"], "running");
  EXPECT_EQ(told["share_pct"], 1.0);
  EXPECT_EQ(told["said"], "ann started it at 1 %");
  EXPECT_EQ(NewestEventData()["actor"], "ann");
  Reopen();
  EXPECT_EQ(Find(done.rollout->id), *done.rollout);
  EXPECT_EQ(Registry(*store_).TheRoute().rollout, done.route.rollout);
  EXPECT_TRUE(store_->VerifyAudit()->intact());
}

TEST_P(RegistryRollouts, GoesOnStepByStepToItsPromotion) {
  const Rollout started = registry_.Start("b");
  const std::string salt = registry_.TheRoute().canary_salt;
  clock_.Advance(5s);
  const Committed stepped = registry_.Do(EpochOf(started, 1, 500));
  EXPECT_EQ(registry_.Roles(), "a=primary b=canary@500 c=shadow");
  EXPECT_EQ(registry_.TheRoute().canary_salt, salt);
  EXPECT_EQ(registry_.TheRoute().rollout->epoch, 1u);
  EXPECT_EQ(Find(started.id), *stepped.rollout);
  EXPECT_EQ(stepped.rollout->step_entered_at, clock_.Now());
  EXPECT_EQ(NewestEvent(), "podium.rollout.stepped");
  EXPECT_EQ(stepped.audit.kind, PromotionKind::kRamp);

  EXPECT_TRUE(registry_.Do(MoveOf(started, RolloutMove::kPause)).changed);
  EXPECT_EQ(Find(started.id).phase, RolloutPhase::kPaused);
  EXPECT_EQ(registry_.Audit().back().kind, PromotionKind::kRollout);
  const Committed again = registry_.Do(MoveOf(started, RolloutMove::kPause));
  EXPECT_FALSE(again.changed);
  EXPECT_EQ(again.rollout, Find(started.id));
  registry_.Do(MoveOf(started, RolloutMove::kResume));

  const Committed promoted = registry_.Do(MoveOf(started, RolloutMove::kPromote), Ann());
  EXPECT_EQ(registry_.Roles(), "a=shadow b=primary c=shadow");
  EXPECT_EQ(Find(started.id).phase, RolloutPhase::kPromoted);
  EXPECT_EQ(Find(started.id).ended_at, clock_.Now());
  EXPECT_EQ(registry_.TheRoute().rollout, std::nullopt);
  EXPECT_EQ(promoted.version->model_id, ModelId("b"));
  EXPECT_EQ(NewestEvent(), "podium.rollout.promoted");
  EXPECT_THAT(registry_.Refuse(ErrorCode::kConflict, MoveOf(started, RolloutMove::kAbort)),
              HasSubstr("was promoted at 2026-03-09T14:00:05.000000Z (ann promoted it)"));
  // It is a promotion as any other: it can be rolled back.
  registry_.RollBack();
  EXPECT_EQ(registry_.Roles(), "a=primary b=shadow c=shadow");
  EXPECT_EQ(Find(started.id).phase, RolloutPhase::kPromoted);
  EXPECT_TRUE(store_->VerifyAudit()->intact());
}

TEST_P(RegistryRollouts, EndsWithoutTheRoleOrByTheRoutesRollbackWithoutTheShare) {
  const Rollout one = registry_.Start("b");
  const Committed back = registry_.Do(MoveOf(one, RolloutMove::kRollBack));
  EXPECT_EQ(registry_.Roles(), "a=primary b=standby c=shadow");
  EXPECT_EQ(back.audit.kind, PromotionKind::kRollback);
  EXPECT_EQ(NewestEvent(), "podium.rollout.rolled_back");
  const Rollout two = registry_.Start("b");
  registry_.Do(MoveOf(two, RolloutMove::kAbort));
  EXPECT_EQ(NewestEvent(), "podium.rollout.aborted");
  const Rollout three = registry_.Start("b");
  const Committed whole = registry_.RollBack();
  EXPECT_EQ(registry_.Roles(), "a=primary b=canary@0 c=shadow");
  EXPECT_EQ(whole.rollout->phase, RolloutPhase::kRolledBack);
  EXPECT_EQ(Find(three.id), *whole.rollout);
  EXPECT_EQ(NewestEvent(), "podium.route.rolled_back");
  EXPECT_EQ(NewestEventData()["rollout"]["phase"], "rolled_back");
  EXPECT_EQ(registry_.TheRoute().rollout, std::nullopt);
  const Rollout four = registry_.Start("b");
  registry_.Do(PromoteVersion{ModelId("c"), true});
  EXPECT_EQ(Find(four.id).phase, RolloutPhase::kAborted);
  EXPECT_EQ(registry_.Roles(), "a=shadow b=standby c=primary");
  EXPECT_EQ(NewestEvent(), "podium.version.promoted");
}

TEST_P(RegistryRollouts, AreOneAtATimeOnARouteAndApartOnOthers) {
  const Rollout rollout = registry_.Start("b");
  EXPECT_THAT(
      registry_.Refuse(ErrorCode::kConflict, StartRollout{kIris, ModelId("c"), DefaultPlan(), {}}),
      HasSubstr("one at a time"));
  registry_.Refuse(ErrorCode::kConflict, ActivateVersion{ModelId("c")});
  registry_.Refuse(ErrorCode::kConflict, SetCanary{kIris, ModelId("b"), Share(700)});
  registry_.Add("r", VersionStatus::kShadow, "roses");
  registry_.Add("s", VersionStatus::kShadow, "roses");
  registry_.Activate("r");
  const Committed other =
      registry_.Do(StartRollout{RouteName("roses"), ModelId("s"), DefaultPlan(), {}});
  EXPECT_NE(other.rollout->id, rollout.id);
  MoveRollout strayed = MoveOf(*other.rollout, RolloutMove::kAbort);
  strayed.route = kIris;
  registry_.Refuse(ErrorCode::kNotFound, strayed);
  registry_.Do(MoveOf(*other.rollout, RolloutMove::kAbort));
  EXPECT_EQ(Find(rollout.id).phase, RolloutPhase::kRunning);
}

// Alpha is spent by the artifact, whatever it is called.
TEST_P(RegistryRollouts, AttemptsAreCountedByTheArtifact) {
  const auto add = [&](const std::string& id, const std::string& sha, const std::string& upstream) {
    ModelVersion row = Row(id);
    row.artifact_sha256 = sha;
    row.upstream_model = upstream;
    if (!upstream.empty()) row.provider_key = "openai";
    registry_.Do(RegisterVersion{row});
  };
  const std::string one(64, '1');
  add("s1", one, "");
  add("s2", one, "");
  add("s3", std::string(64, '2'), "");
  add("u1", "", "gpt-x");
  add("u2", "", "gpt-x");
  const auto attempt = [&](const std::string& id) {
    const Rollout rollout = registry_.Start(id);
    registry_.Do(MoveOf(rollout, RolloutMove::kAbort));
    return rollout.attempt;
  };
  EXPECT_EQ(attempt("s1"), 1);
  EXPECT_EQ(attempt("s2"), 2) << "the same bytes under another name";
  EXPECT_EQ(attempt("s1"), 3);
  EXPECT_EQ(attempt("s3"), 1);
  EXPECT_EQ(attempt("u1"), 1);
  EXPECT_EQ(attempt("u2"), 2);
  EXPECT_EQ(attempt("b"), 1);
  EXPECT_EQ(attempt("b"), 2);
  EXPECT_EQ(attempt("c"), 1);
}

TEST_P(RegistryRollouts, AKeyedStartSentTwiceIsDoneOnce) {
  MutationContext context;
  context.idempotency = IdempotencyKey{"k", "body"};
  const Mutation verb = StartRollout{kIris, ModelId("b"), DefaultPlan(), {}};
  const Committed first = registry_.Do(verb, context);
  registry_.Do(EpochOf(*first.rollout, 1, 500));
  const Committed again = registry_.Do(verb, context);
  EXPECT_TRUE(again.replayed);
  ASSERT_TRUE(again.rollout);
  EXPECT_EQ(*again.rollout, Find(first.rollout->id)) << "as it is now";
}

TEST_P(RegistryRollouts, ARefusalLeavesNothing) {
  const Rollout rollout = registry_.Start("b");
  const std::string before = TextOf(*store_->ReadTable(Revision(0)));
  MoveRollout above = EpochOf(rollout, 1, 9000);
  registry_.Refuse(ErrorCode::kUnprocessable, above);
  MoveRollout fenced = MoveOf(rollout, RolloutMove::kRollBack);
  fenced.token = 1;
  registry_.Refuse(ErrorCode::kConflict, fenced);
  registry_.Refuse(ErrorCode::kUnprocessable, MoveOf(rollout, RolloutMove::kPromote));
  EXPECT_EQ(TextOf(*store_->ReadTable(Revision(0))), before);
  EXPECT_EQ(Find(rollout.id), rollout);
  EXPECT_TRUE(rollouts().ReadVerdicts(rollout.id)->empty());
}

TEST_P(RegistryRollouts, PagesAreNewestFirst) {
  registry_.Add("r", VersionStatus::kShadow, "roses");
  registry_.Add("s", VersionStatus::kShadow, "roses");
  registry_.Activate("r");
  std::vector<RolloutId> ids;
  for (int i = 0; i < 5; ++i) {
    const Rollout rollout = registry_.Start("b");
    ids.push_back(rollout.id);
    if (i < 4) registry_.Do(MoveOf(rollout, RolloutMove::kAbort));
  }
  const RolloutId roses =
      registry_.Do(StartRollout{RouteName("roses"), ModelId("s"), DefaultPlan(), {}}).rollout->id;
  const auto list = [&](const RolloutQuery& query) {
    std::vector<RolloutId> found;
    const Result<Page<Rollout>> page = rollouts().ListRollouts(query);
    EXPECT_TRUE(page) << Describe(page.error());
    for (const Rollout& rollout : page->items) found.push_back(rollout.id);
    return std::pair(found, page->next_cursor);
  };
  EXPECT_THAT(list({}).first, ElementsAre(roses, ids[4], ids[3], ids[2], ids[1], ids[0]));
  EXPECT_THAT(list({std::nullopt, true, 50, ""}).first, ElementsAre(roses, ids[4]));
  EXPECT_THAT(list({kIris, true, 50, ""}).first, ElementsAre(ids[4]));
  const auto first = list({kIris, false, 2, ""});
  EXPECT_THAT(first.first, ElementsAre(ids[4], ids[3]));
  const auto second = list({kIris, false, 2, first.second});
  EXPECT_THAT(second.first, ElementsAre(ids[2], ids[1]));
  const auto third = list({kIris, false, 2, second.second});
  EXPECT_THAT(third.first, ElementsAre(ids[0]));
  EXPECT_EQ(third.second, "");
  // A move of one does not take it to another page.
  registry_.Do(EpochOf(Find(ids[4]), 1, 500));
  EXPECT_THAT(list({kIris, false, 2, first.second}).first, ElementsAre(ids[2], ids[1]));
  EXPECT_EQ(rollouts().ListRollouts({{}, false, 0, ""}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(rollouts().ListRollouts({{}, false, 1, "zz"}).error().code,
            ErrorCode::kInvalidArgument);
}

TEST_P(RegistryRollouts, WhatIsNotThereIsNotFound) {
  const RolloutId none("r-none");
  EXPECT_EQ(rollouts().FindRollout(none).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(rollouts().ReadEvidence(none).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(rollouts().TakeLease(none, "one", 10s).error().code, ErrorCode::kNotFound);
  RolloutVerdict look;
  look.rollout = none;
  EXPECT_EQ(rollouts().KeepLook(look, {}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(*rollouts().FindLease(none), std::nullopt);
  EXPECT_EQ(*rollouts().CountHits(none, 0, 0), 0u);
  EXPECT_TRUE(rollouts().ReadVerdicts(none)->empty());
  EXPECT_EQ(rollouts().ReadLatestVerdicts(none)->look, std::nullopt);
  EXPECT_TRUE(rollouts().GiveUpLease(none, "one"));
}

// --- History ---

// `podium explain` throws the coin again: it has to know for what it was thrown.
TEST_P(RegistryRollouts, EveryPastMomentKnowsWhatItsCoinsWereThrownFor) {
  StartRollout verb{kIris, ModelId("b"), DefaultPlan(), {}};
  verb.plan.unit = SplitUnit::kRequest;
  const Rollout rollout = *registry_.Do(verb).rollout;                       // 5
  registry_.Do(EpochOf(rollout, 0, 100));                                    // 6: a further epoch
  registry_.Do(EpochOf(rollout, 1, 500));                                    // 7
  registry_.Do(MoveOf(rollout, RolloutMove::kPause));                        // 8
  registry_.Do(MoveOf(rollout, RolloutMove::kRollBack));                     // 9
  const Rollout next = registry_.Start("b");                                 // 10
  registry_.RollBack();                                                      // 11
  registry_.Start("b");                                                      // 12
  registry_.Do(PromoteVersion{ModelId("c"), true});                          // 13
  registry_.Do(MoveOf(registry_.Start("b"), RolloutMove::kPromote), Ann());  // 14, 15
  struct Case {
    std::int64_t revision;
    std::int64_t since;
    std::optional<SplitUnit> unit;
    int share;
  };
  const Case cases[] = {
      {4, 2, std::nullopt, 0},          {5, 5, SplitUnit::kRequest, 100},
      {6, 5, SplitUnit::kRequest, 100}, {7, 7, SplitUnit::kRequest, 500},
      {8, 7, SplitUnit::kRequest, 500}, {9, 9, std::nullopt, 0},
      {10, 10, SplitUnit::kRoute, 100}, {11, 11, std::nullopt, 0},
      {12, 12, SplitUnit::kRoute, 100}, {13, 13, std::nullopt, 0},
      {14, 14, SplitUnit::kRoute, 100}, {15, 15, std::nullopt, 0},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.revision);
    const HistoryPoint point{MakeGeneration(0, Revision(c.revision)), std::nullopt};
    const auto kept = store_->ReadRouteAt(kIris, point);
    ASSERT_TRUE(kept) << Describe(kept.error());
    EXPECT_EQ(RevisionOf(kept->since), Revision(c.since));
    const std::optional<RolloutMark>& mark = kept->input.route.rollout;
    EXPECT_EQ(mark ? std::optional(mark->unit) : std::nullopt, c.unit);
    const auto standing = store_->ReadStanding(kIris, point);
    ASSERT_TRUE(standing) << Describe(standing.error());
    EXPECT_TRUE(standing->unknown.empty());
    EXPECT_EQ(standing->share, Share(c.share));
    EXPECT_EQ(standing->rollout.has_value(), c.unit.has_value());
    const RouteAt replayed = AsRouteAt(*standing, 0, "session");
    EXPECT_EQ(InputToText(replayed.input), InputToText(kept->input)) << "by the trail alone";
    EXPECT_EQ(replayed.since, kept->since);
  }
  const auto then = store_->ReadStanding(kIris, {MakeGeneration(0, Revision(8)), std::nullopt});
  EXPECT_EQ(then->rollout->epoch, 2u);
  EXPECT_EQ(then->rollout_by->revision, Revision(5));
  EXPECT_EQ(next.attempt, 2);
}

}  // namespace
}  // namespace podium::store
