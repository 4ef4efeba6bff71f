// The queue of a core: bounded in records and bytes, never waited for, and honest about what it
// left out.
#include "predictions/core_log.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/rng.h"

namespace podium::predictions {
namespace {

std::unique_ptr<Record> RecordOf(const std::string& unit, std::size_t payload = 0) {
  auto record = std::make_unique<Record>();
  record->row.route = "r";
  record->row.assigned = "v1";
  record->row.unit = unit;
  if (payload > 0) record->request = Payload{std::string(payload, 'x'), payload};
  return record;
}

class CoreLogTest : public ::testing::Test {
 protected:
  CoreLogTest() { policy_.all.log = true; }

  std::map<std::string, std::array<std::uint64_t, kFates>> Counts(const CoreLog& log) {
    std::map<std::string, std::array<std::uint64_t, kFates>> counts;
    log.counts().Visit(
        [&](const ArmCounts::Arm& arm) { counts[arm.route + "/" + arm.version] = arm.counts; });
    return counts;
  }

  LoggingPolicy policy_;
  SeededRng rng_{1};
};

TEST_F(CoreLogTest, RecordsComeOutInTheirOrderWithIdsOfTheirOwn) {
  CoreLog log(policy_, rng_, 4);
  for (const char* unit : {"a", "b", "c"}) log.Offer(RecordOf(unit));
  std::set<std::string> ids;
  for (const char* unit : {"a", "b", "c"}) {
    const std::unique_ptr<Record> record = log.Take();
    ASSERT_NE(record, nullptr);
    EXPECT_EQ(record->row.unit, unit);
    ids.insert(record->row.id);
  }
  EXPECT_EQ(ids.size(), 3U);
  EXPECT_EQ(log.Take(), nullptr);
}

TEST_F(CoreLogTest, WhatHasNoRoomIsDroppedAndCounted) {
  CoreLog log(policy_, rng_, 4);
  for (int i = 0; i < 5; ++i) log.Offer(RecordOf("u"));
  EXPECT_EQ(log.waiting(), 4U);
  EXPECT_EQ(Counts(log)["r/v1"], (std::array<std::uint64_t, kFates>{4, 0, 1}));
  EXPECT_NE(log.Take(), nullptr);
  log.Offer(RecordOf("u"));
  EXPECT_EQ(log.waiting(), 4U);
}

TEST_F(CoreLogTest, BytesAreBoundedToo) {
  const std::size_t one = RecordOf("u", 1000)->bytes();
  CoreLog log(policy_, rng_, 100, 2 * one);
  for (int i = 0; i < 3; ++i) log.Offer(RecordOf("u", 1000));
  EXPECT_EQ(log.waiting(), 2U);
  EXPECT_NE(log.Take(), nullptr);
  log.Offer(RecordOf("u", 1000));
  EXPECT_EQ(log.waiting(), 2U);  // What was taken gave its bytes back.
}

TEST_F(CoreLogTest, OnlyRoutesThatAreLoggedAre) {
  policy_.all.log = false;
  policy_.routes["chat"].log = true;
  const CoreLog log(policy_, rng_);
  EXPECT_EQ(log.Of("tumour"), nullptr);
  EXPECT_NE(log.Of("chat"), nullptr);
}

// Under pressure whole units are left out, whatever arm they are in; each core and replica leaves
// out the same ones.
TEST_F(CoreLogTest, UnderPressureTheSameUnitsAreLeftOutOnEveryCore) {
  CoreLog first(policy_, rng_, 64);
  CoreLog second(policy_, rng_, 64);
  std::array<CoreLog*, 2> logs = {&first, &second};
  for (CoreLog* log : logs) {
    for (int i = 0; i < 40; ++i) log->Offer(RecordOf("u"));  // More than half full, and it stays.
    for (int i = 0; i < 2000; ++i) log->Admit("r", "v1", "unit-" + std::to_string(i));
  }
  int kept = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::string unit = "unit-" + std::to_string(i);
    const bool here = first.Admit("r", "v1", unit).has_value();
    EXPECT_EQ(here, second.Admit("r", "v2", unit).has_value()) << unit;
    kept += here ? 1 : 0;
  }
  EXPECT_LT(kept, 100);
  EXPECT_GT(Counts(second)["r/v2"][1], 1900U);
}

// With payloads the bytes run out long before the slots do: still by unit, and told.
TEST_F(CoreLogTest, AQueueThatIsFullOfBytesThinsByUnitToo) {
  const std::size_t one = RecordOf("u", 1000)->bytes();
  CoreLog log(policy_, rng_, 1000, 10 * one);
  for (int i = 0; i < 6; ++i) log.Offer(RecordOf("u", 1000));
  double keep = 1;
  for (int i = 0; i < 400; ++i) {
    if (const auto rate = log.Admit("r", "v1", "unit-" + std::to_string(i))) keep = *rate;
  }
  EXPECT_NEAR(keep, 0.5, 1e-9);
  EXPECT_GT(Counts(log)["r/v1"][1], 0U);
}

TEST(UnitThinner, TheRateIsTheShareOfUnitsThatAreKept) {
  for (const double share : {0.0, 0.1, 0.5, 1.0}) {
    const UnitThinner thinner(share);
    EXPECT_NEAR(thinner.rate(), share, 1e-9);
    int kept = 0;
    constexpr int kUnits = 20'000;
    for (int i = 0; i < kUnits; ++i) {
      kept += thinner.Keeps(ThinningHash("user-" + std::to_string(i))) ? 1 : 0;
    }
    // Four standard deviations of a binomial.
    EXPECT_NEAR(kept, share * kUnits, 4 * std::sqrt(kUnits * share * (1 - share)) + 1e-9) << share;
  }
}

TEST(UnitThinner, ItFallsByHalfAndComesBack) {
  UnitThinner thinner;
  for (int i = 0; i < 256; ++i) thinner.Observe(50, 100);
  EXPECT_NEAR(thinner.rate(), 0.5, 1e-9);
  for (int i = 0; i < 255; ++i) thinner.Observe(50, 100);
  EXPECT_NEAR(thinner.rate(), 0.5, 1e-9);  // The change must have had time to show.
  for (int i = 0; i < 100'000; ++i) thinner.Observe(100, 100);
  EXPECT_NEAR(thinner.rate(), 1.0 / 4096, 1e-9);  // Some units always come through.
  for (int i = 0; i < 2048 * 60; ++i) thinner.Observe(0, 100);
  EXPECT_EQ(thinner.rate(), 1.0);
}

TEST(UnitThinner, BetweenTheTwoMarksNothingChanges) {
  UnitThinner thinner(0.5);
  for (int i = 0; i < 10'000; ++i) thinner.Observe(30, 100);
  EXPECT_NEAR(thinner.rate(), 0.5, 1e-9);
}

// Names of callers must grow nothing without bound.
TEST(ArmCounts, LaterArmsAreCountedAsOne) {
  auto counts = std::make_unique<ArmCounts>();
  for (std::size_t i = 0; i < limits::kCountedArms + 10; ++i) {
    counts->Count("r", "v" + std::to_string(i), Fate::kLogged);
  }
  std::uint64_t others = 0;
  std::size_t arms = 0;
  counts->Visit([&](const ArmCounts::Arm& arm) {
    ++arms;
    if (arm.route == "(others)") others = arm.counts[0];
  });
  EXPECT_EQ(arms, limits::kCountedArms);
  EXPECT_EQ(others, 11U);
}

}  // namespace
}  // namespace podium::predictions
