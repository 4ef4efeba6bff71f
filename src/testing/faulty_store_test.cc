#include "testing/faulty_store.h"

#include <gtest/gtest.h>

#include "store/memory_store.h"
#include "testing/sim_clock.h"

namespace podium::testing {
namespace {

store::Mutation Registration(const std::string& id) {
  store::RegisterVersion verb;
  verb.version.model_id = ModelId(id);
  verb.version.route = RouteName("iris");
  verb.version.version = id;
  return verb;
}

const Error kGone{ErrorCode::kUnavailable, "gone", "", nullptr};

class FaultyStoreTest : public ::testing::Test {
 protected:
  SimClock clock_;
  SeededRng rng_{1};
  store::MemoryStore inner_{clock_, rng_};
  FaultyStore store_{inner_};
};

TEST_F(FaultyStoreTest, PassesEverythingThroughUntilToldOtherwise) {
  ASSERT_TRUE(store_.Apply(Registration("a"), {}));
  EXPECT_EQ(store_.ReadRevision(), Revision(1));
  EXPECT_EQ(store_.ReadTable(Revision(0))->versions.size(), 1u);
  EXPECT_TRUE(store_.ReadRoute(RouteName("iris")));
  EXPECT_TRUE(store_.FindVersion(ModelId("a")));
  EXPECT_EQ(store_.ListVersions({})->items.size(), 1u);
  EXPECT_EQ(store_.ListPromotions({})->items.size(), 1u);
  EXPECT_EQ(store_.ReadOutbox(0, 10)->size(), 1u);
  EXPECT_TRUE(store_.VerifyAudit()->intact());
  EXPECT_EQ(store_.calls(StoreCall::kApply), 1);
}

// The two failures that a caller cannot tell apart, and must survive both.
TEST_F(FaultyStoreTest, FailsBeforeOrAfterTheDeed) {
  store_.Fail(StoreCall::kApply, 1, kGone, Moment::kBefore);
  EXPECT_EQ(store_.Apply(Registration("a"), {}).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(inner_.ReadRevision(), Revision(0));
  store_.Fail(StoreCall::kApply, 1, kGone, Moment::kAfter);
  EXPECT_EQ(store_.Apply(Registration("a"), {}).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(inner_.ReadRevision(), Revision(1));
  EXPECT_TRUE(store_.Apply(Registration("b"), {})) << "only as often as asked";
  EXPECT_EQ(store_.calls(StoreCall::kApply), 3);
}

TEST_F(FaultyStoreTest, GoesDownWholeAndComesBack) {
  store_.GoDown(kGone);
  EXPECT_FALSE(store_.ReadRevision());
  EXPECT_FALSE(store_.ReadTable(Revision(0)));
  store_.Heal();
  EXPECT_TRUE(store_.ReadRevision());
}

TEST_F(FaultyStoreTest, AScriptSeesEveryCallAtBothMoments) {
  std::vector<std::pair<StoreCall, Moment>> seen;
  store_.Follow([&](StoreCall call, Moment moment) {
    seen.emplace_back(call, moment);
    return std::optional<Error>();
  });
  ASSERT_TRUE(store_.ReadRevision());
  const std::vector<std::pair<StoreCall, Moment>> want = {
      {StoreCall::kReadRevision, Moment::kBefore}, {StoreCall::kReadRevision, Moment::kAfter}};
  EXPECT_EQ(seen, want);
}

TEST(SimClock, MovesOnlyByHandAndTheWallMayStepBack) {
  SimClock clock;
  const WallTime wall = clock.Now();
  const SteadyTime steady = clock.SteadyNow();
  clock.Advance(std::chrono::milliseconds(5));
  EXPECT_EQ(clock.Now() - wall, std::chrono::milliseconds(5));
  EXPECT_EQ(clock.SteadyNow() - steady, std::chrono::milliseconds(5));
  clock.SetWall(wall - std::chrono::hours(1));
  EXPECT_EQ(clock.Now() - wall, std::chrono::hours(-1));
  EXPECT_EQ(clock.SteadyNow() - steady, std::chrono::milliseconds(5));
}

}  // namespace
}  // namespace podium::testing
