#include "view/rollout_tally.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/limits.h"
#include "view/failing_keys.h"

namespace podium::view {
namespace {

using std::chrono::milliseconds;

RolloutMark Mark(SplitUnit unit, std::uint32_t epoch = 0) {
  RolloutMark mark;
  mark.id = RolloutId("ro");
  mark.epoch = epoch;
  mark.unit = unit;
  mark.thresholds.latency_ms = {100, 500, 900};
  return mark;
}

RolloutOutcome Good() { return {.latency = milliseconds(1)}; }
RolloutOutcome Slow() { return {.latency = milliseconds(501)}; }
RolloutOutcome Error() { return {.failed = true, .latency = milliseconds(1)}; }

// Units whose cells among those seen differ.
std::uint64_t Unit(std::uint64_t number) { return number << 44U | number; }

/// One request of a key, from its assignment to its outcome.
void Serve(RolloutTally& tally, std::size_t core, bool canary, std::uint64_t unit,
           const RolloutOutcome& outcome) {
  const RolloutTicket ticket = tally.Admit(core, canary, unit);
  tally.Record(core, ticket, outcome);
}

using ByKey = std::map<std::pair<std::uint64_t, std::uint32_t>, KeyRecord>;
ByKey Taken(RolloutTally& tally) {
  ByKey records;
  for (const KeyRecord& record : tally.TakeChanged()) {
    EXPECT_TRUE(records.emplace(std::pair(record.unit, record.series), record).second)
        << "one record for one key and series";
  }
  return records;
}

TEST(RolloutTally, CountsArmsOfAllCoresByRequest) {
  RolloutTally tally(Mark(SplitUnit::kRequest), 2);
  Serve(tally, 0, false, 1, Good());
  Serve(tally, 1, false, 2, Slow());
  Serve(tally, 1, true, 3, Error());
  Serve(tally, 0, true, 3, Good());
  tally.Ineligible(0);
  tally.Ineligible(1);
  tally.Admit(0, true, 4);  // Under way.
  EXPECT_EQ(tally.Counts(false).units, 2U);
  EXPECT_EQ(tally.Counts(false).requests, 2U);
  EXPECT_EQ(tally.Counts(false).bad, (std::array<std::uint64_t, 10>{0, 1, 1}));
  EXPECT_EQ(tally.Counts(true).units, 3U);
  EXPECT_EQ(tally.Counts(true).requests, 2U);
  EXPECT_EQ(tally.Counts(true).bad, (std::array<std::uint64_t, 10>{1, 1, 1, 1}));
  EXPECT_EQ(tally.ineligible(), 2U);
  EXPECT_TRUE(tally.TakeChanged().empty()) << "each request is a coin: nothing is kept by key";
}

// A caller that leaves tells one thing: how long it was kept waiting.
TEST(RolloutTally, WhoLeavesIsAnOutcomeOnlyIfItWasSlow) {
  RolloutTally tally(Mark(SplitUnit::kRequest), 1);
  RolloutOutcome left = Good();
  left.abandoned = true;
  Serve(tally, 0, true, 1, left);
  EXPECT_EQ(tally.Counts(true).requests, 0U);
  EXPECT_EQ(tally.Counts(true).units, 1U) << "it was assigned all the same";
  left.latency = milliseconds(101);
  Serve(tally, 0, true, 2, left);
  EXPECT_EQ(tally.Counts(true).requests, 1U);
  EXPECT_EQ(tally.Counts(true).bad, (std::array<std::uint64_t, 10>{0, 1}));
}

// statistics_sticky.md, on_request and on_outcome: first and second bad rank, and how many of the
// first 16 were bad; units are keys at their first sight.
TEST(RolloutTally, KeepsRanksOfFailingKeys) {
  RolloutTally tally(Mark(SplitUnit::kSession), 1);
  const std::uint64_t key = Unit(7);
  for (int i = 0; i < 20; ++i) {
    const bool bad = i == 3 || i == 5 || i == 6 || i == 17;
    Serve(tally, 0, true, key, bad ? Error() : Good());
  }
  Serve(tally, 0, false, Unit(8), Good());
  EXPECT_EQ(tally.Counts(true).units, 1U);
  EXPECT_EQ(tally.Counts(true).requests, 20U);
  EXPECT_EQ(tally.Counts(false).units, 1U);
  const ByKey records = Taken(tally);
  ASSERT_EQ(records.size(), 4U) << "errors and each known latency threshold";
  for (const auto& [at, record] : records) {
    EXPECT_EQ(record.unit, key);
    EXPECT_TRUE(record.canary);
    EXPECT_EQ(record.first_rank, 3U);
    EXPECT_EQ(record.second_rank, 5U);
    EXPECT_EQ(record.bad, 3U) << "the 18th request is not judged";
    EXPECT_EQ(record.seen, 20U);
  }
}

// The rank is given when a request arrives, not when its outcome does: who is judged must not
// depend on how quickly it went.
TEST(RolloutTally, RanksAreThoseOfArrival) {
  RolloutTally tally(Mark(SplitUnit::kSession), 1);
  const RolloutTicket first = tally.Admit(0, false, Unit(1));
  const RolloutTicket second = tally.Admit(0, false, Unit(1));
  tally.Record(0, second, Error());
  const ByKey early = Taken(tally);
  EXPECT_EQ(early.at({Unit(1), 0}).first_rank, 1U);
  EXPECT_EQ(early.at({Unit(1), 0}).second_rank, UINT32_MAX);
  tally.Record(0, first, Error());
  const ByKey late = Taken(tally);
  EXPECT_EQ(late.at({Unit(1), 0}).first_rank, 0U);
  EXPECT_EQ(late.at({Unit(1), 0}).second_rank, 1U);
  EXPECT_EQ(late.at({Unit(1), 0}).bad, 2U);
}

// A session's connections end on whichever core: its record is one.
TEST(RolloutTally, MergesAKeyOverCores) {
  RolloutTally tally(Mark(SplitUnit::kSession), 3);
  const std::uint64_t key = Unit(9);
  Serve(tally, 0, false, key, Good());
  Serve(tally, 1, false, key, Error());
  Serve(tally, 2, false, key, Slow());
  Serve(tally, 0, false, key, Error());
  ByKey records = Taken(tally);
  EXPECT_EQ(records.at({key, 0}).first_rank, 1U);
  EXPECT_EQ(records.at({key, 0}).second_rank, 3U);
  EXPECT_EQ(records.at({key, 0}).bad, 2U);
  EXPECT_EQ(records.at({key, 1}).second_rank, 2U);
  EXPECT_EQ(records.at({key, 1}).bad, 3U);
  // What changes on one core brings what the others know.
  Serve(tally, 1, false, key, Slow());
  records = Taken(tally);
  EXPECT_EQ(records.count({key, 0}), 0U) << "no new error";
  EXPECT_EQ(records.at({key, 1}).bad, 4U);
  EXPECT_EQ(records.at({key, 1}).first_rank, 1U);
}

// A closed key enters R2 once: that it is closed must reach the store although nothing failed.
TEST(RolloutTally, AKeyThatClosesHasChanged) {
  RolloutTally tally(Mark(SplitUnit::kSession), 2);
  const std::uint64_t key = Unit(3);
  Serve(tally, 0, true, key, Error());
  Serve(tally, 1, true, key, Error());
  EXPECT_EQ(Taken(tally).size(), 4U);
  EXPECT_TRUE(Taken(tally).empty());
  for (int i = 0; i < 13; ++i) Serve(tally, 0, true, key, Good());
  EXPECT_TRUE(Taken(tally).empty()) << "15 requests: open";
  Serve(tally, 1, true, key, Good());
  const ByKey closed = Taken(tally);
  ASSERT_EQ(closed.size(), 4U);
  EXPECT_EQ(closed.at({key, 0}).seen, 16U);
  EXPECT_EQ(closed.at({key, 0}).bad, 2U);
  EXPECT_TRUE(Taken(tally).empty()) << "told once";
}

TEST(RolloutTally, WhatWasNotStoredComesAgainAsItThenIs) {
  RolloutTally tally(Mark(SplitUnit::kSession), 2);
  Serve(tally, 0, true, Unit(1), Error());
  Serve(tally, 1, true, Unit(2), Error());
  std::vector<KeyRecord> records = tally.TakeChanged();
  ASSERT_EQ(records.size(), 8U);
  std::erase_if(records, [](const KeyRecord& record) { return record.series != 0; });
  Serve(tally, 0, true, Unit(1), Error());
  EXPECT_EQ(Taken(tally).size(), 4U);
  tally.PutBack(records);
  const ByKey again = Taken(tally);
  ASSERT_EQ(again.size(), 2U);
  EXPECT_EQ(again.at({Unit(1), 0}).bad, 2U);
  EXPECT_EQ(again.at({Unit(2), 0}).bad, 1U);
  EXPECT_TRUE(Taken(tally).empty());
  tally.PutBack({{.unit = 99, .series = 0}});  // Of another life of this process.
  EXPECT_TRUE(Taken(tally).empty());
}

// Beyond what a cell can count ranks stay at the last: such a request is judged by nobody.
TEST(RolloutTally, CountsAKeyUpToItsLimit) {
  RolloutTally tally(Mark(SplitUnit::kUser), 1);
  const std::uint64_t key = Unit(5);
  for (int i = 0; i < 300; ++i) Serve(tally, 0, false, key, i < 253 ? Good() : Error());
  const ByKey records = Taken(tally);
  EXPECT_EQ(records.at({key, 0}).seen, 255U);
  EXPECT_EQ(records.at({key, 0}).first_rank, 253U);
  EXPECT_EQ(records.at({key, 0}).second_rank, 254U);
  EXPECT_EQ(records.at({key, 0}).bad, 0U);
  EXPECT_EQ(tally.Counts(false).units, 1U);
}

// Two keys in one cell: the second is taken for the first's later requests, so it is judged less or
// not at all, whatever its arm.
TEST(RolloutTally, KeysThatShareACellShareTheirRanks) {
  RolloutTally tally(Mark(SplitUnit::kSession), 1);
  const std::uint64_t other = Unit(5) + 1;
  Serve(tally, 0, false, Unit(5), Good());
  Serve(tally, 0, true, other, Error());
  EXPECT_EQ(tally.Counts(true).units, 0U);
  EXPECT_EQ(Taken(tally).at({other, 0}).first_rank, 1U);
}

// At the cap keys are thinned out by a second hash: of both arms alike, and of all cores.
TEST(RolloutTally, KeepsAtMostItsLimitOfKeysByASecondHash) {
  constexpr std::size_t kMost = 32'768;
  constexpr std::size_t kKeys = kMost + kMost / 2;
  RolloutTally tally(Mark(SplitUnit::kSession), 2, kMost);
  std::uint64_t unit = 0;
  std::size_t told = 0;
  for (std::size_t i = 0; i < kKeys; ++i) {
    unit += 0x9E3779B97F4A7C15U;
    const RolloutTicket ticket = tally.Admit(i % 2, i % 4 < 2, unit);
    RolloutOutcome late = Good();
    late.latency = milliseconds(101);
    tally.Record(i % 2, ticket, late);
  }
  std::size_t canaries = 0;
  for (const KeyRecord& record : tally.TakeChanged()) {
    EXPECT_EQ(record.bad, record.first_rank < kJudgedRequests ? 1U : 0U);
    ++told;
    if (record.canary) ++canaries;
  }
  EXPECT_LE(told, kMost);
  EXPECT_GT(told, kKeys / 2 - kKeys / 50) << "halved once, not more";
  EXPECT_LT(told, kKeys / 2 + kKeys / 50);
  EXPECT_NEAR(static_cast<double>(canaries) / static_cast<double>(told), 0.5, 0.02);
  EXPECT_EQ(tally.Counts(true).bad[1] + tally.Counts(false).bad[1], kKeys)
      << "what is counted by request is counted whole";
}

TEST(FailingKeys, TheSecondHashKeepsHalfOfTheHalf) {
  std::size_t kept[2] = {};
  for (std::uint64_t unit = 0; unit < 100'000; ++unit) {
    const bool half = FailingKeys::IsKept(unit, UINT32_MAX / 2);
    const bool quarter = FailingKeys::IsKept(unit, UINT32_MAX / 4);
    EXPECT_TRUE(half || !quarter) << "who has gone stays away";
    kept[0] += half ? 1 : 0;
    kept[1] += quarter ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(kept[0]), 50'000, 1'000);
  EXPECT_NEAR(static_cast<double>(kept[1]), 25'000, 1'000);
}

TEST(RolloutTallies, OneTallyForOneEpoch) {
  RolloutTallies tallies(1);
  const auto first = tallies.Of(Mark(SplitUnit::kSession, 0));
  EXPECT_EQ(tallies.Of(Mark(SplitUnit::kSession, 0)), first);
  EXPECT_NE(tallies.Of(Mark(SplitUnit::kSession, 1)), first);
  RolloutMark other = Mark(SplitUnit::kSession, 0);
  other.id = RolloutId("other");
  EXPECT_NE(tallies.Of(other), first);
  EXPECT_EQ(tallies.All().size(), 3U);
}

// A backup was restored: what is the third epoch now is not the one that was counted in before.
TEST(RolloutTallies, AnEpochOfOtherThresholdsIsAnother) {
  RolloutTallies tallies(1);
  const auto lost = tallies.Of(Mark(SplitUnit::kRequest, 2));
  RolloutMark mark = Mark(SplitUnit::kRequest, 2);
  mark.thresholds.latency_ms = {1, 2, 3};
  const auto now = tallies.Of(mark);
  EXPECT_NE(now, lost);
  EXPECT_EQ(now->mark(), mark);
  EXPECT_EQ(tallies.Of(mark), now);
}

// Evidence of an epoch that is over still comes from calls that began in it: it is forgotten when
// nobody can bring more, and not before the last of it could be stored.
TEST(RolloutTallies, ForgetsAnEpochWhenNobodyCountsInItAnyMore) {
  RolloutTallies tallies(1);
  const RolloutMark old = Mark(SplitUnit::kRequest, 0);
  const RolloutMark now = Mark(SplitUnit::kRequest, 1);
  auto stream = tallies.Of(old);
  tallies.Of(now);
  for (int i = 0; i < 3; ++i) tallies.Keep({now});
  EXPECT_EQ(tallies.All().size(), 2U) << "a stream holds it";
  Serve(*stream, 0, true, 1, Error());
  stream.reset();
  tallies.Keep({now});
  const auto all = tallies.All();
  ASSERT_EQ(all.size(), 2U) << "its last outcome is not stored yet";
  EXPECT_EQ(all[0]->Counts(true).bad[0], 1U);
  tallies.Keep({now});
  EXPECT_EQ(tallies.All().size(), 2U) << "somebody is reading it";
}

TEST(RolloutTallies, KeepsWhatIsNamedOrComesBack) {
  RolloutTallies tallies(1);
  const RolloutMark mark = Mark(SplitUnit::kRequest);
  const RolloutTally* first = tallies.Of(mark).get();
  for (int i = 0; i < 3; ++i) tallies.Keep({mark});
  EXPECT_EQ(tallies.Of(mark).get(), first);
  tallies.Keep({});
  EXPECT_EQ(tallies.Of(mark).get(), first) << "a view took it up again";
  tallies.Keep({});
  EXPECT_EQ(tallies.All().size(), 1U);
  tallies.Keep({});
  EXPECT_TRUE(tallies.All().empty());
}

}  // namespace
}  // namespace podium::view
