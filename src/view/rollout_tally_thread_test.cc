// Several cores count and somebody reads, as in a server: for the thread sanitizer, and that
// nothing is lost or counted twice on the way.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "view/rollout_tally.h"

namespace podium::view {
namespace {

constexpr std::size_t kCores = 4;
constexpr std::uint64_t kRequests = 20'000;
constexpr std::uint64_t kKeys = 500;

RolloutMark Mark(SplitUnit unit) {
  RolloutMark mark;
  mark.id = RolloutId("ro");
  mark.unit = unit;
  return mark;
}

bool IsCanary(std::uint64_t key) { return key % 4 == 0; }
bool IsBad(std::uint64_t request) { return request % 8 == 0; }

/// What one core counts: every key in turn, so that all cores meet at each.
void Count(RolloutTally& tally, std::size_t core) {
  for (std::uint64_t i = 0; i < kRequests; ++i) {
    const std::uint64_t key = (i * 7 + core) % kKeys;
    const RolloutTicket ticket = tally.Admit(core, IsCanary(key), key << 44U);
    RolloutOutcome outcome;
    outcome.failed = IsBad(i);
    tally.Record(core, ticket, outcome);
    if (i % 10 == 0) tally.Ineligible(core);
  }
}

using Records = std::map<std::uint64_t, KeyRecord>;

/// Reads until the cores are done, and once more; what it read last of each key.
Records ReadUntil(RolloutTally& tally, const std::atomic<bool>& done) {
  Records records;
  bool last = false;
  while (!last) {
    last = done.load();
    const ArmCounts canary = tally.Counts(true);
    EXPECT_LE(canary.bad[0], canary.requests);
    for (const KeyRecord& record : tally.TakeChanged()) {
      KeyRecord& known = records[record.unit];
      EXPECT_LE(known.bad, record.bad) << "numbers only grow";
      EXPECT_LE(known.seen, record.seen);
      known = record;
    }
    if (!last) std::this_thread::yield();
  }
  return records;
}

Records CountAndRead(RolloutTally& tally) {
  std::atomic<bool> done{false};
  Records records;
  std::thread reader([&] { records = ReadUntil(tally, done); });
  std::vector<std::thread> cores;
  for (std::size_t core = 0; core < kCores; ++core) {
    cores.emplace_back([&tally, core] { Count(tally, core); });
  }
  for (std::thread& core : cores) core.join();
  done = true;
  reader.join();
  return records;
}

TEST(RolloutTallyThreads, CountsEveryRequestOnce) {
  RolloutTally tally(Mark(SplitUnit::kRequest), kCores);
  EXPECT_TRUE(CountAndRead(tally).empty());
  const ArmCounts canary = tally.Counts(true);
  const ArmCounts primary = tally.Counts(false);
  EXPECT_EQ(canary.units + primary.units, kCores * kRequests);
  EXPECT_EQ(canary.requests + primary.requests, kCores * kRequests);
  EXPECT_EQ(canary.requests, kCores * kRequests / 4);
  EXPECT_EQ(canary.bad[0] + primary.bad[0], kCores * kRequests / 8);
  EXPECT_EQ(tally.ineligible(), kCores * kRequests / 10);
}

TEST(RolloutTallyThreads, TellsEveryFailingKeyAsItIsInTheEnd) {
  RolloutTally tally(Mark(SplitUnit::kSession), kCores);
  const Records records = CountAndRead(tally);
  EXPECT_EQ(tally.Counts(true).units + tally.Counts(false).units, kKeys)
      << "each key is seen first by one core alone";
  EXPECT_EQ(records.size(), kKeys) << "each has failed on some core";
  std::uint64_t judged = 0;
  for (const auto& [unit, record] : records) {
    EXPECT_GE(record.seen, 16U) << "that it is closed is told last";
    EXPECT_LE(record.seen, 160U);
    EXPECT_EQ(record.canary, IsCanary(unit >> 44U));
    EXPECT_LT(record.first_rank, record.second_rank);
    judged += record.bad;
  }
  EXPECT_GT(judged, kKeys) << "an eighth of the first 16 of each, more or less";
  EXPECT_LT(judged, 4 * kKeys);
}

}  // namespace
}  // namespace podium::view
