#include "control/admin/replica_wait.h"
#include "base/limits.h"

#include <gtest/gtest.h>

namespace podium::control {
namespace {

using Verdict = ReadyElsewhere::Verdict;

store::ReplicaRow RowOf(const std::string& id, std::uint64_t applied = 0,
                        std::chrono::microseconds silence = {}) {
  store::ReplicaRow row;
  row.self.id = id;
  row.self.incarnation = "only";
  row.self.address = id + ":1";
  row.applied = Generation(applied);
  row.silence = silence;
  return row;
}

store::ReplicaVersion SaysOf(LoadState state, const std::string& error = "") {
  return {ModelId("m"), state, error};
}

constexpr auto kDead = std::chrono::duration_cast<std::chrono::microseconds>(
    limits::kReplicaExpiry + std::chrono::seconds(1));

// INV-7: who is live and not ready is named, with the error of its load.
TEST(JudgeReadiness, Inv7NamesWhoIsNotReady) {
  struct Case {
    const char* name;
    std::vector<store::ReplicaReadiness> replicas;
    Verdict want;
    const char* why;
  };
  const auto ready = SaysOf(LoadState::kReady);
  const auto failed = SaysOf(LoadState::kFailed, "bad bytes");
  const Case cases[] = {
      {"nobody else", {{RowOf("a"), std::nullopt}}, Verdict::kReady, ""},
      {"the other is ready", {{RowOf("a"), failed}, {RowOf("b"), ready}}, Verdict::kReady, ""},
      {"the other has not loaded it",
       {{RowOf("a"), ready}, {RowOf("b"), std::nullopt}},
       Verdict::kWaiting,
       "replica b has not loaded it"},
      {"the other cannot",
       {{RowOf("b"), failed}, {RowOf("c"), ready}},
       Verdict::kFailed,
       "replica b: bad bytes"},
      {"one cannot, one has not",
       {{RowOf("b"), failed}, {RowOf("c"), std::nullopt}},
       Verdict::kFailed,
       "replica b: bad bytes; replica c has not loaded it"},
      {"the dead are not asked",
       {{RowOf("b", 0, kDead), failed}, {RowOf("c", 0, kDead), std::nullopt}},
       Verdict::kReady,
       ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const ReadyElsewhere found = JudgeReadiness(c.replicas, {.id = "a", .incarnation = "only"});
    EXPECT_EQ(found.verdict, c.want);
    EXPECT_EQ(found.why, c.why);
  }
}

// After an outage everybody has been silent: who cannot have heard the others does not judge them.
TEST(JudgeReadiness, Inv7SilenceCountsOnceTheAskerHasBeatenForLongEnough) {
  Asker asker{.id = "a", .incarnation = "only", .writes_for = std::chrono::nanoseconds(0)};
  const std::vector<store::ReplicaReadiness> replicas = {{RowOf("b", 0, kDead), std::nullopt}};
  EXPECT_EQ(JudgeReadiness(replicas, asker).verdict, Verdict::kWaiting);
  EXPECT_FALSE(WhoApplied({RowOf("b", 7, kDead)}, Generation(8), asker, true).at(1).applied);
  asker.writes_for = limits::kReplicaExpiry - std::chrono::nanoseconds(1);
  EXPECT_EQ(JudgeReadiness(replicas, asker).verdict, Verdict::kWaiting);
  asker.writes_for = limits::kReplicaExpiry;
  EXPECT_EQ(JudgeReadiness(replicas, asker).verdict, Verdict::kReady);
  EXPECT_EQ(WhoApplied({RowOf("b", 7, kDead)}, Generation(8), asker, true).size(), 1U);
}

// What stands under its id is not about this server: nobody knows what this one can serve.
TEST(JudgeReadiness, Inv7NamesTheServerThatHasItsId) {
  const auto ready = SaysOf(LoadState::kReady);
  const Asker second{.id = "a", .incarnation = "second"};
  const ReadyElsewhere taken = JudgeReadiness({{RowOf("a"), ready}, {RowOf("b"), ready}}, second);
  EXPECT_EQ(taken.verdict, Verdict::kTaken);
  EXPECT_EQ(taken.why, "another server, at a:1, serves as replica a too");
  // One that is dead is in nobody's way.
  EXPECT_EQ(JudgeReadiness({{RowOf("a", 0, kDead), ready}}, second).verdict, Verdict::kReady);
  // Before it has joined, that is its own life before.
  EXPECT_EQ(JudgeReadiness({{RowOf("a"), ready}}, {.id = "a", .incarnation = ""}).verdict,
            Verdict::kReady);
}

TEST(WhoApplied, TheServerThatHasItsIdIsAnother) {
  const std::vector<ReplicaApplied> list =
      WhoApplied({RowOf("a", 7)}, Generation(8), {.id = "a", .incarnation = "second"}, true);
  ASSERT_EQ(list.size(), 2U);
  EXPECT_NE(list[0].applied, list[1].applied);
}

TEST(HasApplied, NeedsTheRevisionInThatEpochOrALaterOne) {
  struct Case {
    const char* name;
    std::uint32_t epoch;
    std::int64_t revision;
    bool want;
  };
  const Case cases[] = {
      {"the same", 2, 10, true},
      {"a later revision", 2, 11, true},
      {"an earlier revision", 2, 9, false},
      {"an earlier epoch with more revisions", 1, 99, false},
      {"a later epoch that is not so far", 3, 4, false},
      {"a later epoch that has it", 3, 10, true},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(
        HasApplied(MakeGeneration(c.epoch, Revision(c.revision)), MakeGeneration(2, Revision(10))),
        c.want);
  }
}

TEST(WhoApplied, ListsThisReplicaAndTheLive) {
  const std::vector<ReplicaApplied> list =
      WhoApplied({RowOf("a", 9), RowOf("c", 8), RowOf("d", 9, kDead), RowOf("e", 7)}, Generation(8),
                 {.id = "b", .incarnation = "only"}, false);
  std::string text;
  for (const ReplicaApplied& one : list) text += one.id + (one.applied ? "+ " : "- ");
  EXPECT_EQ(text, "a+ b- c+ e- ");
}

// Its own row may lag behind what its cores have.
TEST(WhoApplied, OfItselfAReplicaKnowsBetterThanTheTable) {
  const std::vector<ReplicaApplied> list =
      WhoApplied({RowOf("a", 1)}, Generation(8), {.id = "a", .incarnation = "only"}, true);
  ASSERT_EQ(list.size(), 1U);
  EXPECT_TRUE(list[0].applied);
}

}  // namespace
}  // namespace podium::control
