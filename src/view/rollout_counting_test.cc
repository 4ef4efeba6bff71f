// "What makes it true in practice (each is a test case)": statistics.md, section 1.
#include "view/rollout_counting.h"

#include <gtest/gtest.h>

#include <initializer_list>

#include "routing/rows_for_test.h"
#include "view/rollout_tally.h"

namespace podium::view {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// The primary's: p50, p90 and p99.
FrozenThresholds Known() {
  FrozenThresholds thresholds;
  thresholds.latency_ms = {100, 500, 900};
  thresholds.first_token_ms = {10, 20, 40};
  thresholds.cost_nano_usd = {1000, 2000, 4000};
  return thresholds;
}

SeriesSet Series(std::initializer_list<int> series) {
  SeriesSet set = 0;
  for (const int one : series) set |= static_cast<SeriesSet>(1U << static_cast<unsigned>(one));
  return set;
}
const SeriesSet kEachLatency = Series({0, 1, 2, 3});

RolloutOutcome In(microseconds latency) {
  RolloutOutcome outcome;
  outcome.latency = latency;
  return outcome;
}

// (c) "Event = latency > tau_q"; "a timeout or an error counts as slower than every tau". The same
// of the first token; what something cost is known or not.
TEST(RolloutCounting, ATimeoutOrAnErrorIsSlowerThanEveryThreshold) {
  RolloutOutcome error = In(milliseconds(1));
  error.failed = true;
  RolloutOutcome timeout = In(milliseconds(1));
  timeout.timed_out = true;
  RolloutOutcome stream = In(milliseconds(50));
  stream.first_token = microseconds(20'001);
  RolloutOutcome broken = stream;
  broken.failed = true;
  RolloutOutcome dear = In(milliseconds(50));
  dear.cost_nano_usd = 2001;
  RolloutOutcome dear_error = dear;
  dear_error.failed = true;
  struct Case {
    const char* name;
    RolloutOutcome outcome;
    SeriesSet want;
  };
  const Case cases[] = {
      {"fast", In(milliseconds(99)), 0},
      {"at the threshold", In(milliseconds(100)), 0},
      {"above the median", In(microseconds(100'001)), Series({1})},
      {"above all", In(milliseconds(901)), Series({1, 2, 3})},
      {"timeout", timeout, Series({0, 1, 2, 3, 4, 5, 6})},
      {"quick error", error, Series({0, 1, 2, 3, 4, 5, 6})},
      {"late first token", stream, Series({4, 5})},
      {"stream that broke", broken, Series({0, 1, 2, 3, 4, 5, 6})},
      {"dear", dear, Series({7, 8})},
      {"an error by its cost alone", dear_error, Series({0, 1, 2, 3, 4, 5, 6, 7, 8})},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(SeriesLimits(Known()).Bad(c.outcome), c.want);
  }
}

// Without a threshold there is nothing to exceed: an error is an error, and no latency.
TEST(RolloutCounting, NothingIsBadWhereThePrimaryIsNotKnown) {
  RolloutOutcome error = In(milliseconds(5000));
  error.failed = true;
  error.first_token = milliseconds(5000);
  error.cost_nano_usd = INT64_MAX - 1;
  EXPECT_EQ(SeriesLimits(FrozenThresholds()).Bad(error), Series({0}));
  EXPECT_EQ(SeriesLimits(FrozenThresholds()).Bad(In(milliseconds(5000))), 0);
  FrozenThresholds latency;
  latency.latency_ms = {100, 500, 900};
  EXPECT_EQ(SeriesLimits(latency).Bad(error), kEachLatency);
}

// 2. "Attribute to the assigned arm and the step in force at assignment." 5. "Events must be
// detected the same way in both arms; late outcomes: ... both arms."
TEST(RolloutCounting, EventsBelongToTheAssignedArmAndTheStepInForceAtAssignment) {
  RolloutTallies tallies(1);
  RolloutMark mark;
  mark.id = RolloutId("ro");
  mark.unit = SplitUnit::kRequest;
  mark.thresholds = Known();
  const auto before = tallies.Of(mark);
  const RolloutTicket primary = before->Admit(0, false, 1);
  const RolloutTicket canary = before->Admit(0, true, 2);
  mark.epoch = 1;
  const auto now = tallies.Of(mark);
  RolloutOutcome failed = In(milliseconds(1));
  failed.failed = true;
  primary.tally->Record(0, primary, failed);
  canary.tally->Record(0, canary, failed);
  EXPECT_EQ(before->Counts(false).bad, before->Counts(true).bad);
  EXPECT_EQ(before->Counts(true).bad[0], 1U);
  EXPECT_EQ(now->Counts(false).requests + now->Counts(true).requests, 0U);
}

// 3. "Header/user overrides, forced arms, health-ejected traffic, internal probes: not counted."
// 4. "If only a subset is eligible, rho applies inside the eligible set and only that is counted."
TEST(RolloutCounting, OnlyWhatTheSplitDecidedIsCountedInBothArms) {
  const auto route = routing::CompileRoute({routing::RouteRow().RollingOut(SplitUnit::kSession),
                                            {routing::Primary("a"), routing::Canary("b", 5000)}},
                                           {})
                         .route;
  const auto in_session = [&](std::string_view id) {
    return Choose(*route, Generation(1), {.session = id, .user = {}, .request = "r"});
  };
  const routing::Decision primary = in_session("1");
  const routing::Decision canary = in_session("3");
  ASSERT_FALSE(primary.canary());
  ASSERT_TRUE(canary.canary());
  const routing::Decision keyless = in_session("");
  const routing::Decision named =
      ChooseOverride(*route, Generation(1), {.session = "1", .user = {}, .request = "r"}, 0);
  for (const bool primary_able : {false, true}) {
    for (const bool canary_able : {false, true}) {
      const ArmsHere arms{primary_able, canary_able};
      EXPECT_EQ(IsEvidence(primary, arms), primary_able && canary_able);
      EXPECT_EQ(IsEvidence(canary, arms), primary_able && canary_able);
      EXPECT_FALSE(IsEvidence(keyless, arms));
      EXPECT_FALSE(IsEvidence(named, arms));
    }
  }
}

}  // namespace
}  // namespace podium::view
