// Requirement B8 in the library: once the snapshot is pinned a decision allocates nothing. Every
// allocation of this test binary is counted.
#include <gtest/gtest.h>
#include <podium/ab_router.h>
#include <podium/canary_controller.h>
#include <podium/registry.h>

#include <cstdint>
#include <string>

#include "testing/count_allocations.h"

namespace podium::v1 {
namespace {

using podium::testing::allocations;

TEST(SnapshotAllocations, TheCounterCounts) {
  const std::int64_t before = allocations;
  const std::string longer_than_any_small_buffer(100, 'x');
  EXPECT_EQ(longer_than_any_small_buffer.size(), 100U);
  EXPECT_GT(allocations, before);
}

TEST(SnapshotAllocations, ADecisionAllocatesNothing) {
  const std::string name = "a-name-beyond-any-small-string-buffer";
  Registry registry = Registry::InMemory().value();
  for (const char* id : {"m1", "m2"}) {
    NewVersion version;
    version.name = name;
    version.version = id;
    version.id = id;
    ASSERT_TRUE(registry.Register(version));
  }
  ASSERT_TRUE(registry.Activate("m1"));
  ASSERT_TRUE(registry.SetCanary(name, "m2", 0.5));
  AbRouter ab = AbRouter::Create(0.5, "test").value();
  const Snapshot snapshot = registry.Pin();
  const std::string session(4096, 's');
  ASSERT_NE(snapshot.Choose(name, {}).version, nullptr);  // This thread's generator is seeded now.

  std::size_t candidates = 0;
  const std::int64_t before = allocations;
  for (int i = 0; i < 100; ++i) {
    candidates += snapshot.Choose(name, {session, {}, {}}).candidates.count;
    candidates += snapshot.Choose(name, {{}, {}, "request"}).candidates.count;
    candidates += snapshot.Choose(name, {}).candidates.count;
    candidates += snapshot.ChooseVersion(name, {session, {}, {}}, "m2").candidates.count;
    candidates += snapshot.Choose("unknown", {session, {}, {}}).candidates.count;
    candidates += snapshot.ChooseVersion(name, {}, "unknown").candidates.count;
    candidates += static_cast<std::size_t>(ab.Route(session));
  }
  const std::int64_t after = allocations;
  EXPECT_EQ(after, before);
  EXPECT_GE(candidates, 500U);
}

// E1: what a call records costs it no allocation either.
TEST(CanaryAllocations, ARecordAllocatesNothing) {
  CanaryController canary = CanaryController::Create({}).value();
  const std::int64_t before = allocations;
  for (int i = 0; i < 100; ++i) {
    canary.RecordSuccess();
    canary.RecordFailure();
  }
  const double rate = canary.success_rate();
  const std::int64_t after = allocations;
  EXPECT_EQ(after, before);
  EXPECT_EQ(rate, 0.5);
}

}  // namespace
}  // namespace podium::v1
