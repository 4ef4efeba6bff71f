// The contract of RolloutStore: who drives a rollout, what was counted of it and what was found.
#include <gmock/gmock.h>

#include "store/rollout_store_contract.h"

namespace podium::store {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RolloutStores : public RegistryRollouts {};
INSTANTIATE_TEST_SUITE_P(Stores, RolloutStores, AllBackends(), BackendName);

// --- Leases ---

TEST_P(RolloutStores, ALeaseIsOnesUntilItEndsAndItsTokenOnlyGrows) {
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

TEST_P(RolloutStores, LeasesOfDifferentRolloutsAreApart) {
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
TEST_P(RolloutStores, WhoHoldsTheLeaseAnybodyMayAsk) {
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
TEST_P(RolloutStores, AnEndedOneHasNoLease) {
  const Rollout rollout = registry_.Start("b");
  EXPECT_EQ(Token(rollout.id, "one"), 1);
  registry_.Do(MoveOf(rollout, RolloutMove::kPause));
  EXPECT_EQ(Token(rollout.id, "one"), 1) << "paused is not over";
  registry_.Do(MoveOf(rollout, RolloutMove::kAbort));
  EXPECT_EQ(Token(rollout.id, "one"), std::nullopt);
}

// The database's clock stepped back: a lease from before must not last for as long.
TEST_P(RolloutStores, AClockThatWasSteppedBackHoldsNoLeaseForLong) {
  const RolloutId id = registry_.Start("b").id;
  EXPECT_EQ(Token(id, "one"), 1);
  clock_.SetWall(clock_.Now() - 1h);
  EXPECT_EQ(Token(id, "two"), 2);
}

TEST_P(RolloutStores, AFencedDriverMovesNothing) {
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

TEST_P(RolloutStores, EvidenceWrittenAgainChangesNothing) {
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
TEST_P(RolloutStores, NumbersNeverFall) {
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
TEST_P(RolloutStores, RanksGoTheOtherWay) {
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

TEST_P(RolloutStores, EvidenceIsKeptApartByEpochSeriesUnitAndReplica) {
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

TEST_P(RolloutStores, ALargeBatchIsWrittenWhole) {
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

TEST_P(RolloutStores, EvidenceOfNoneThatRunsIsPassedOver) {
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
TEST_P(RolloutStores, KeysAreReadAgainOnlyWhereTheyHaveChanged) {
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
TEST_P(RolloutStores, ALookIsKeptOfWhoDrivesAndOfWhatIs) {
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

TEST_P(RolloutStores, VerdictsAreNumberedAndTheLatestLookIsNumberNought) {
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

// Who shows a rollout needs these two alone: all of them may be hundreds of megabytes.
TEST_P(RolloutStores, TheNewestTwoAreReadWithoutTheRest) {
  const Rollout rollout = registry_.Start("b");
  const auto latest = [&] { return *rollouts().ReadLatestVerdicts(rollout.id); };
  EXPECT_EQ(latest().look, std::nullopt);
  EXPECT_EQ(latest().decision, std::nullopt);
  const auto step = [&](std::uint32_t to, int share, const char* said) {
    MoveRollout up = EpochOf(rollout, to, share);
    up.proof = RolloutProof{"step-up", "{}", "{}"};
    up.said = said;
    registry_.Do(up);
  };
  step(1, 500, "first");
  EXPECT_EQ(latest().look, std::nullopt);
  EXPECT_EQ(latest().decision->sentence, "first");
  const RolloutVerdict look{rollout.id, 0, WallTime(), "hold", "look", "{\"e\":1}", "{\"v\":1}"};
  ASSERT_TRUE(rollouts().KeepLook(look, {0, Find(rollout.id).revision}));
  step(2, 2500, "second");
  Reopen();
  EXPECT_EQ(latest().look->sentence, "look");
  EXPECT_EQ(latest().look->evidence, "{\"e\":1}");
  EXPECT_EQ(latest().look->verdict, "{\"v\":1}");
  EXPECT_EQ(latest().decision->sentence, "second");
  EXPECT_EQ(latest().decision->number, 2);
}

TEST_P(RolloutStores, ALookAloneIsNoDecision) {
  const Rollout rollout = registry_.Start("b");
  const RolloutVerdict look{rollout.id, 0, WallTime(), "hold", "look", "{}", "{}"};
  ASSERT_TRUE(rollouts().KeepLook(look, {0, rollout.revision}));
  const LatestVerdicts latest = *rollouts().ReadLatestVerdicts(rollout.id);
  EXPECT_TRUE(latest.look);
  EXPECT_EQ(latest.decision, std::nullopt);
}

// A page ends by its limit, and behind the verdict that makes it too long to be held.
TEST_P(RolloutStores, VerdictsAreReadPageByPage) {
  const Rollout rollout = registry_.Start("b");
  const std::size_t half = limits::kMaxVerdictBytes / 2;
  const auto step = [&](int share, std::size_t bytes) {
    MoveRollout up = EpochOf(rollout, 1, share);
    up.proof = RolloutProof{"step-up", std::string(bytes, 'e'), "{}"};
    registry_.Do(up);
  };
  const auto numbers = [&](const VerdictQuery& query) {
    const Result<VerdictPage> page = rollouts().ReadVerdictPage(rollout.id, query);
    EXPECT_TRUE(page) << Describe(page.error());
    std::string text;
    for (const RolloutVerdict& one : page->items) text += fmt::format("{} ", one.number);
    return text + (page->more ? "..." : "");
  };
  EXPECT_EQ(numbers({}), "");
  for (const std::size_t bytes : {std::size_t{1}, half - 5, half, std::size_t{1}}) {
    step(100, bytes);
  }
  EXPECT_EQ(numbers({.after = -1, .limit = 1}), "1 ...");
  EXPECT_EQ(numbers({.after = 1, .limit = 1}), "2 ...");
  EXPECT_EQ(numbers({.after = 3, .limit = 1}), "4 ");
  EXPECT_EQ(numbers({.after = 4, .limit = 1}), "");
  EXPECT_EQ(numbers({}), "1 2 3 ...") << "these are as many bytes as go into a page";
  EXPECT_EQ(numbers({.after = 2}), "3 4 ");
  EXPECT_EQ(rollouts().ReadVerdicts(rollout.id)->size(), 4u) << "over two pages";
  EXPECT_FALSE(rollouts().ReadVerdictPage(rollout.id, {.after = -1, .limit = 0}));
}

}  // namespace
}  // namespace podium::store
