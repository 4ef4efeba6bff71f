// What is known of the primary when a person begins a part of a rollout.
#include "control/admin/rollout_epoch.h"

#include <gtest/gtest.h>

namespace podium::control {
namespace {

store::RolloutEvidence WithEpochs(std::size_t epochs) {
  store::RolloutEvidence evidence;
  evidence.rollout.epochs.resize(epochs);
  return evidence;
}

store::RolloutCount Count(std::uint32_t epoch, bool canary, std::uint64_t requests,
                          std::uint64_t errors) {
  store::RolloutCount count;
  count.epoch = epoch;
  count.canary = canary;
  count.requests = requests;
  count.bad[0] = errors;
  return count;
}

store::RolloutHit Hit(std::uint64_t unit, bool canary, std::uint32_t first, std::uint32_t bad) {
  store::RolloutHit hit;
  hit.epoch = 1;
  hit.unit = unit;
  hit.canary = canary;
  hit.first_rank = first;
  hit.second_rank = rollout::kNoRank;
  hit.bad = bad;
  return hit;
}

// The candidate's numbers, or those of another share, would freeze what is to be judged.
TEST(CountsOfPrimary, AreOfTheLastEpochAndOfNobodyElse) {
  store::RolloutEvidence evidence = WithEpochs(2);
  evidence.counts = {Count(0, false, 1'000, 50), Count(1, false, 100, 3), Count(1, false, 200, 4),
                     Count(1, true, 400, 90)};
  const rollout::PrimaryCounts counts = CountsOfPrimary(evidence);
  EXPECT_EQ(counts.requests, 300U);
  EXPECT_EQ(counts.bad[0], 7U);
}

TEST(CountsOfPrimary, AKeyOfTwoReplicasIsOneKey) {
  store::RolloutEvidence evidence = WithEpochs(2);
  evidence.hits = {Hit(7, false, 3, 1), Hit(7, false, 1, 1), Hit(8, false, 0, 1),
                   Hit(9, true, 0, 1)};
  const rollout::PrimaryCounts counts = CountsOfPrimary(evidence);
  ASSERT_EQ(counts.keys[0].size(), 2U);
  EXPECT_EQ(counts.keys[0][0].bad, 2U);
  EXPECT_EQ(counts.keys[0][1].first_rank, 0U);
}

TEST(CountsOfPrimary, WithoutAnEpochThereIsNothing) {
  EXPECT_EQ(CountsOfPrimary(WithEpochs(0)).requests, 0U);
}

TEST(TrafficOf, IsWhatThePrimaryServedHere) {
  view::StatsRegistry stats(1);
  const ModelId id("m");
  EXPECT_EQ(TrafficOf(stats, id, std::chrono::seconds(10)).per_second, 0);
  const auto counters = stats.Of(id, RouteName("r"), "1");
  for (int i = 0; i < 30; ++i) {
    const auto outcome = i < 3 ? view::Outcome::kError : view::Outcome::kOk;
    counters->Record(0, i == 29, outcome, std::chrono::milliseconds(1), {});
  }
  const PrimaryTraffic traffic = TrafficOf(stats, id, std::chrono::seconds(10));
  EXPECT_EQ(traffic.requests, 29U) << "as a canary it was somebody else's trial";
  EXPECT_EQ(traffic.bad, 3U);
  EXPECT_NEAR(traffic.per_second, 2.9, 1e-9);
}

}  // namespace
}  // namespace podium::control
