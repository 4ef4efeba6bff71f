// The contract of RegistryStore, part eight, and of RolloutStore: a rollout's row, who drives it,
// what was counted of it and what was found.
#include <gmock/gmock.h>

#include "base/json.h"
#include "store/rollout_store.h"
#include "store/rollout_verbs.h"
#include "store/store_contract.h"

namespace podium::store {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RegistryRollouts : public RegistryContract {
 protected:
  RegistryRollouts() {
    registry_.Add("a");
    registry_.Activate("a");
    for (const char* id : {"b", "c"}) registry_.Add(id, VersionStatus::kShadow);
  }
  RolloutStore& rollouts() { return dynamic_cast<RolloutStore&>(*store_); }

  static MutationContext Ann() {
    MutationContext context;
    context.actor = "ann";
    context.named_person = true;
    return context;
  }
  Rollout Find(const RolloutId& id) {
    const Result<Rollout> found = rollouts().FindRollout(id);
    EXPECT_TRUE(found) << Describe(found.error());
    return found ? *found : Rollout();
  }
  Json NewestEventData() {
    const std::vector<OutboxEvent> events = registry_.Events();
    const Result<Json> data = events.empty() ? Json() : ParseJson(events.back().data);
    return data ? *data : Json();
  }
  std::string NewestEvent() {
    const std::vector<OutboxEvent> events = registry_.Events();
    return events.empty() ? "" : events.back().type;
  }
  std::optional<std::int64_t> Token(const RolloutId& id, const std::string& owner) {
    const auto lease = rollouts().TakeLease(id, owner, 10s);
    EXPECT_TRUE(lease) << Describe(lease.error());
    if (!lease || !*lease) return std::nullopt;
    EXPECT_EQ((*lease)->owner, owner);
    EXPECT_EQ((*lease)->until, clock_.Now() + 10s);
    return (*lease)->token;
  }
  RolloutEvidence Evidence(const RolloutId& id) {
    Result<RolloutEvidence> evidence = rollouts().ReadEvidence(id);
    EXPECT_TRUE(evidence) << Describe(evidence.error());
    return evidence ? std::move(*evidence) : RolloutEvidence();
  }
  void Record(std::vector<RolloutCount> counts, std::vector<RolloutHit> hits = {}) {
    const Status done = rollouts().RecordEvidence(counts, hits);
    EXPECT_TRUE(done) << Describe(done.error());
  }
  void Reopen() {
    if (!GetParam().keeps_rows) return;
    store_.reset();
    store_ = GetParam().open(clock_, rng_, folder_);
    ASSERT_TRUE(store_);
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, RegistryRollouts, AllBackends(), BackendName);

RolloutCount CountOf(const RolloutId& id, std::uint32_t epoch, bool canary, std::uint64_t units) {
  RolloutCount count;
  count.rollout = id;
  count.epoch = epoch;
  count.incarnation = "one";
  count.canary = canary;
  count.units = count.requests = units;
  return count;
}

RolloutHit HitOf(const RolloutId& id, std::uint64_t unit) {
  RolloutHit hit;
  hit.rollout = id;
  hit.unit = unit;
  hit.incarnation = "one";
  hit.first_rank = 3;
  hit.second_rank = UINT32_MAX;
  hit.bad = 1;
  hit.seen = 4;
  return hit;
}

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

// --- Leases ---

TEST_P(RegistryRollouts, ALeaseIsOnesUntilItEndsAndItsTokenOnlyGrows) {
  const RolloutId id = registry_.Start("b").id;
  EXPECT_EQ(Token(id, "one"), 1);
  EXPECT_EQ(Token(id, "two"), std::nullopt);
  clock_.Advance(6s);
  EXPECT_EQ(Token(id, "one"), 1) << "prolonged";
  clock_.Advance(10s - 1us);
  EXPECT_EQ(Token(id, "two"), std::nullopt) << "until the very end";
  clock_.Advance(1us);
  EXPECT_EQ(Token(id, "two"), 2);
  EXPECT_EQ(Token(id, "one"), std::nullopt) << "it learns that it was too slow";
  EXPECT_TRUE(rollouts().GiveUpLease(id, "one"));
  EXPECT_EQ(Token(id, "one"), std::nullopt) << "it was not its to give";
  EXPECT_TRUE(rollouts().GiveUpLease(id, "two"));
  EXPECT_EQ(Token(id, "one"), 3) << "at once";
  EXPECT_TRUE(rollouts().GiveUpLease(id, "one"));
  EXPECT_EQ(Token(id, "one"), 4) << "given up is given up";
  Reopen();
  EXPECT_EQ(Token(id, "two"), std::nullopt);
  clock_.Advance(1h);
  EXPECT_EQ(Token(id, "one"), 4) << "nobody else had it meanwhile";
  clock_.Advance(1h);
  EXPECT_EQ(Token(id, "two"), 5);
}

TEST_P(RegistryRollouts, LeasesOfDifferentRolloutsAreApart) {
  registry_.Add("r", VersionStatus::kShadow, "roses");
  registry_.Add("s", VersionStatus::kShadow, "roses");
  registry_.Activate("r");
  const RolloutId iris = registry_.Start("b").id;
  const RolloutId roses =
      registry_.Do(StartRollout{RouteName("roses"), ModelId("s"), DefaultPlan(), {}}).rollout->id;
  EXPECT_EQ(Token(iris, "one"), 1);
  EXPECT_EQ(Token(roses, "two"), 1);
  EXPECT_EQ(Token(iris, "two"), std::nullopt);
}

// Who drives, every replica may know: it is asked of the database, not of the driver.
TEST_P(RegistryRollouts, WhoHoldsTheLeaseAnybodyMayAsk) {
  const Rollout rollout = registry_.Start("b");
  EXPECT_EQ(*rollouts().FindLease(rollout.id), std::nullopt);
  EXPECT_EQ(Token(rollout.id, "one"), 1);
  const auto held = *rollouts().FindLease(rollout.id);
  ASSERT_TRUE(held);
  EXPECT_EQ(held->owner, "one");
  EXPECT_EQ(held->token, 1);
  EXPECT_EQ(held->until, clock_.Now() + 10s);
  clock_.Advance(10s - 1us);
  EXPECT_TRUE(*rollouts().FindLease(rollout.id));
  clock_.Advance(1us);
  EXPECT_EQ(*rollouts().FindLease(rollout.id), std::nullopt) << "it has run out";
  EXPECT_EQ(Token(rollout.id, "two"), 2);
  EXPECT_EQ((*rollouts().FindLease(rollout.id))->owner, "two");
  EXPECT_TRUE(rollouts().GiveUpLease(rollout.id, "two"));
  EXPECT_EQ(*rollouts().FindLease(rollout.id), std::nullopt);
  EXPECT_EQ(Token(rollout.id, "one"), 3);
  registry_.Do(MoveOf(rollout, RolloutMove::kAbort));
  EXPECT_EQ(*rollouts().FindLease(rollout.id), std::nullopt) << "nobody drives what is over";
}

// Nobody drives what is over.
TEST_P(RegistryRollouts, AnEndedOneHasNoLease) {
  const Rollout rollout = registry_.Start("b");
  EXPECT_EQ(Token(rollout.id, "one"), 1);
  registry_.Do(MoveOf(rollout, RolloutMove::kPause));
  EXPECT_EQ(Token(rollout.id, "one"), 1) << "paused is not over";
  registry_.Do(MoveOf(rollout, RolloutMove::kAbort));
  EXPECT_EQ(Token(rollout.id, "one"), std::nullopt);
}

// The database's clock stepped back: a lease from before must not last for as long.
TEST_P(RegistryRollouts, AClockThatWasSteppedBackHoldsNoLeaseForLong) {
  const RolloutId id = registry_.Start("b").id;
  EXPECT_EQ(Token(id, "one"), 1);
  clock_.SetWall(clock_.Now() - 1h);
  EXPECT_EQ(Token(id, "two"), 2);
}

TEST_P(RegistryRollouts, AFencedDriverMovesNothing) {
  const Rollout rollout = registry_.Start("b");
  MoveRollout first = EpochOf(rollout, 1, 500);
  first.token = Token(rollout.id, "one");
  first.seen = rollout.revision;
  clock_.Advance(10s);
  ASSERT_EQ(Token(rollout.id, "two"), 2);
  EXPECT_THAT(registry_.Refuse(ErrorCode::kConflict, first), HasSubstr("its lease is number 2"));
  MoveRollout second = first;
  second.token = 2;
  const Committed done = registry_.Do(second);
  EXPECT_EQ(done.rollout->step, 1u);
  EXPECT_THAT(registry_.Refuse(ErrorCode::kConflict, second), HasSubstr("look again"));
  second.seen = done.rollout->revision;
  second.epoch->share = Share(600);
  registry_.Do(second);
}

// --- Evidence ---

TEST_P(RegistryRollouts, EvidenceWrittenAgainChangesNothing) {
  const Rollout rollout = registry_.Start("b");
  RolloutCount primary = CountOf(rollout.id, 0, false, 990);
  primary.bad = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  primary.ineligible = 11;
  const RolloutCount canary = CountOf(rollout.id, 0, true, 10);
  RolloutCount other = CountOf(rollout.id, 0, true, 20);
  other.incarnation = "two";
  const RolloutHit hit = HitOf(rollout.id, UINT64_MAX);
  for (int i = 0; i < 3; ++i) {
    Record({primary, canary, other}, {hit, HitOf(rollout.id, 7)});
    const RolloutEvidence evidence = Evidence(rollout.id);
    EXPECT_THAT(evidence.counts, ::testing::UnorderedElementsAre(primary, canary, other));
    EXPECT_THAT(evidence.hits, ::testing::UnorderedElementsAre(hit, HitOf(rollout.id, 7)));
    EXPECT_EQ(evidence.rollout, rollout);
    EXPECT_EQ(evidence.now, clock_.Now());
  }
  EXPECT_EQ(*store_->ReadRevision(), rollout.revision) << "none of it is the registry's";
}

// Two writes of one replica may overtake each other, number by number.
TEST_P(RegistryRollouts, NumbersNeverFall) {
  const Rollout rollout = registry_.Start("b");
  RolloutCount early = CountOf(rollout.id, 0, true, 100);
  early.requests = 80;
  early.bad = {9, 0, 3};
  early.ineligible = 4;
  RolloutCount late = CountOf(rollout.id, 0, true, 90);
  late.requests = 85;
  late.bad = {2, 5, 3};
  late.ineligible = 6;
  RolloutCount want = early;
  want.requests = 85;
  want.bad = {9, 5, 3};
  want.ineligible = 6;
  for (const auto& [one, two] : {std::pair(early, late), std::pair(late, early)}) {
    Record({one});
    Record({two});
    EXPECT_THAT(Evidence(rollout.id).counts, ElementsAre(want));
  }
  Record({CountOf(rollout.id, 0, true, 0)});
  EXPECT_THAT(Evidence(rollout.id).counts, ElementsAre(want));
}

// A key's ranks fall where the outcome of an earlier request comes in later; nothing else does.
TEST_P(RegistryRollouts, RanksGoTheOtherWay) {
  const Rollout rollout = registry_.Start("b");
  RolloutHit first = HitOf(rollout.id, 7);
  RolloutHit second = first;
  second.first_rank = 1;
  second.second_rank = 3;
  second.bad = 2;
  second.seen = 9;
  Record({}, {second});
  Record({}, {first});
  EXPECT_THAT(Evidence(rollout.id).hits, ElementsAre(second));
  // Both in one batch, in either order.
  RolloutHit third = HitOf(rollout.id, 8);
  RolloutHit fourth = third;
  fourth.bad = 3;
  fourth.first_rank = 0;
  Record({}, {third, fourth, third});
  EXPECT_THAT(Evidence(rollout.id).hits, ElementsAre(second, fourth));
}

TEST_P(RegistryRollouts, EvidenceIsKeptApartByEpochSeriesUnitAndReplica) {
  const Rollout rollout = registry_.Start("b");
  registry_.Do(EpochOf(rollout, 1, 500));
  std::vector<RolloutHit> hits;
  for (const std::uint32_t epoch : {0u, 1u}) {
    for (const std::uint32_t series : {0u, 9u}) {
      for (const std::uint64_t unit : {std::uint64_t{1}, UINT64_MAX}) {
        for (const char* incarnation : {"one", "two"}) {
          hits.push_back(HitOf(rollout.id, unit));
          hits.back().epoch = epoch;
          hits.back().series = series;
          hits.back().incarnation = incarnation;
          hits.back().bad = static_cast<std::uint32_t>(hits.size() % 16);
        }
      }
    }
  }
  std::vector<RolloutCount> counts;
  for (const std::uint32_t epoch : {0u, 1u}) {
    for (const bool canary : {false, true}) counts.push_back(CountOf(rollout.id, epoch, canary, 5));
  }
  Record(counts, hits);
  EXPECT_THAT(Evidence(rollout.id).hits, ::testing::UnorderedElementsAreArray(hits));
  EXPECT_THAT(Evidence(rollout.id).counts, ::testing::UnorderedElementsAreArray(counts));
}

TEST_P(RegistryRollouts, ALargeBatchIsWrittenWhole) {
  const Rollout rollout = registry_.Start("b");
  std::vector<RolloutHit> hits;
  for (std::uint64_t i = 0; i < 2 * limits::kEvidenceSlice + 123; ++i) {
    hits.push_back(HitOf(rollout.id, i * 0x9E3779B97F4A7C15u));
  }
  Record({CountOf(rollout.id, 0, true, 9)}, hits);
  EXPECT_EQ(Evidence(rollout.id).hits.size(), hits.size());
  Record({}, hits);
  EXPECT_EQ(Evidence(rollout.id).hits.size(), hits.size());
}

TEST_P(RegistryRollouts, EvidenceOfNoneThatRunsIsPassedOver) {
  const Rollout ended = registry_.Start("b");
  Record({CountOf(ended.id, 0, true, 1)}, {HitOf(ended.id, 1)});
  registry_.Do(MoveOf(ended, RolloutMove::kAbort));
  const Rollout running = registry_.Start("b");
  const RolloutId none("r-none");
  Record(
      {CountOf(none, 0, true, 1), CountOf(ended.id, 0, true, 50), CountOf(running.id, 0, true, 2)},
      {HitOf(none, 1), HitOf(ended.id, 2), HitOf(running.id, 3)});
  EXPECT_THAT(Evidence(ended.id).counts, ElementsAre(CountOf(ended.id, 0, true, 1)));
  EXPECT_THAT(Evidence(ended.id).hits, ElementsAre(HitOf(ended.id, 1))) << "kept as it was judged";
  EXPECT_THAT(Evidence(running.id).counts, ElementsAre(CountOf(running.id, 0, true, 2)));
  EXPECT_THAT(Evidence(running.id).hits, ElementsAre(HitOf(running.id, 3)));
  Record({CountOf(none, 0, true, 1)}, {HitOf(none, 1)});
  Record({});
}

// A reader that knows an epoch is spared its keys until one of them changes: also when one comes
// late, of an epoch that was over long ago.
TEST_P(RegistryRollouts, KeysAreReadAgainOnlyWhereTheyHaveChanged) {
  const Rollout rollout = registry_.Start("b");
  registry_.Do(EpochOf(rollout, 1, 500));
  RolloutHit first = HitOf(rollout.id, 1);
  RolloutHit second = HitOf(rollout.id, 2);
  second.epoch = 1;
  Record({}, {first, second});
  const RolloutEvidence all = Evidence(rollout.id);
  EXPECT_THAT(all.hits, ElementsAre(first, second));
  ASSERT_EQ(all.versions.size(), 2u);
  const auto since = [&](const EpochVersions& known) {
    return rollouts().ReadEvidence(rollout.id, known)->hits;
  };
  EXPECT_THAT(since(all.versions), ElementsAre());
  EXPECT_THAT(since({all.versions[0]}), ElementsAre(second)) << "what is not named is not known";
  EXPECT_THAT(since({all.versions[0], -1}), ElementsAre(second));
  Record({CountOf(rollout.id, 0, true, 5)});
  EXPECT_THAT(since(all.versions), ElementsAre()) << "counts are read at all times";
  EXPECT_EQ(rollouts().ReadEvidence(rollout.id, all.versions)->counts.size(), 1u);
  first.bad = 2;
  first.second_rank = 4;
  Record({}, {first});
  EXPECT_THAT(since(all.versions), ElementsAre(first)) << "late";
  RolloutHit other = HitOf(rollout.id, 9);
  other.epoch = 1;
  other.series = 3;
  Record({}, {other});
  EXPECT_THAT(since(all.versions), ElementsAre(first, second, other));
  EXPECT_EQ(*rollouts().CountHits(rollout.id, 1, 3), 1u);
  EXPECT_EQ(*rollouts().CountHits(rollout.id, 1, 0), 1u);
  EXPECT_EQ(*rollouts().CountHits(rollout.id, 0, 3), 0u);
  Reopen();
  EXPECT_THAT(since(all.versions), ElementsAre(first, second, other));
}

// --- Verdicts ---

// A driver that was cut off, or that was overtaken by a person's move, would show people what is
// no longer so.
TEST_P(RegistryRollouts, ALookIsKeptOfWhoDrivesAndOfWhatIs) {
  const Rollout rollout = registry_.Start("b");
  RolloutVerdict look{rollout.id, 0, WallTime(), "hold", "Nothing is proven.", "{}", "{}"};
  EXPECT_EQ(Token(rollout.id, "one"), 1);
  EXPECT_TRUE(rollouts().KeepLook(look, {1, rollout.revision}));
  look.sentence = "Of another driver.";
  clock_.Advance(10s);
  EXPECT_EQ(Token(rollout.id, "two"), 2);
  const Status old = rollouts().KeepLook(look, {1, rollout.revision});
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().code, ErrorCode::kConflict);
  EXPECT_EQ(old.error().message, "another replica drives rollout " + rollout.id.get() +
                                     " by now: its lease is number 2, not 1");
  registry_.Do(EpochOf(rollout, 1, 500));
  const Status of_before = rollouts().KeepLook(look, {2, rollout.revision});
  ASSERT_FALSE(of_before);
  EXPECT_EQ(of_before.error().code, ErrorCode::kConflict);
  EXPECT_EQ(rollouts().ReadVerdicts(rollout.id)->at(0).sentence, "Nothing is proven.");
  look.sentence = "Of now.";
  EXPECT_TRUE(rollouts().KeepLook(look, {2, Find(rollout.id).revision}));
  EXPECT_EQ(rollouts().ReadVerdicts(rollout.id)->at(0).sentence, "Of now.");
}

TEST_P(RegistryRollouts, VerdictsAreNumberedAndTheLatestLookIsNumberNought) {
  const Rollout rollout = registry_.Start("b");
  RolloutVerdict look{rollout.id, 99, WallTime(), "hold", "Nothing is proven.", "{\"e\":1}", "{}"};
  const LookPin pin{0, rollout.revision};
  ASSERT_TRUE(rollouts().KeepLook(look, pin));
  clock_.Advance(1s);
  look.sentence = "Still nothing.";
  ASSERT_TRUE(rollouts().KeepLook(look, pin));
  look.number = 0;
  look.at = clock_.Now();
  EXPECT_THAT(*rollouts().ReadVerdicts(rollout.id), ElementsAre(look));

  clock_.Advance(1s);
  MoveRollout step = EpochOf(rollout, 1, 500);
  step.proof = RolloutProof{"step-up", "{\"e\":2}", "{\"v\":2}"};
  step.said = "It is no worse.";
  registry_.Do(step);
  const RolloutVerdict one{rollout.id,        1,           clock_.Now(), "step-up",
                           "It is no worse.", "{\"e\":2}", "{\"v\":2}"};
  EXPECT_THAT(*rollouts().ReadVerdicts(rollout.id), ElementsAre(look, one));
  registry_.Do(MoveOf(rollout, RolloutMove::kPause));
  MoveRollout back = MoveOf(rollout, RolloutMove::kRollBack);
  back.proof = RolloutProof{"roll-back", "{\"e\":3}", "{\"v\":3}"};
  back.said = "It is worse.";
  registry_.Do(back);
  const auto all = rollouts().ReadVerdicts(rollout.id);
  ASSERT_EQ(all->size(), 3u);
  EXPECT_EQ(all->at(2).number, 2);
  EXPECT_EQ(all->at(2).decision, "roll-back");
  EXPECT_EQ(Find(rollout.id).said, "It is worse.");
  EXPECT_EQ(registry_.Audit().back().reason, "It is worse.");
  Reopen();
  EXPECT_EQ(rollouts().ReadVerdicts(rollout.id)->size(), 3u);
}

}  // namespace
}  // namespace podium::store
