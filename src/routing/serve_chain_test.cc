// A version that is not ready here must not cost its units an answer that another could give.
#include "routing/serve_chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace podium::routing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr VersionIndex kPrimary = 0;
constexpr VersionIndex kCanary = 1;
constexpr VersionIndex kPrevious = 2;
constexpr VersionIndex kOther = 3;

/// "canary:assigned", …
std::vector<std::string> Steps(VersionIndex assigned, Reason reason, VersionIndex primary,
                               VersionIndex previous) {
  CompiledRoute route;
  route.primary = primary;
  route.previous_primary = previous;
  Decision decision;
  decision.route = &route;
  decision.version = assigned;
  decision.reason = reason;
  std::vector<std::string> steps;
  for (const ServeStep& step : ChainOf(decision)) {
    constexpr const char* kNames[] = {"primary", "canary", "previous", "other"};
    steps.push_back(std::string(kNames[step.version]) + ":" + std::string(NameOf(step.reason)));
  }
  return steps;
}

TEST(ServeChain, CanaryThenPrimaryThenPrevious) {
  EXPECT_THAT(
      Steps(kCanary, Reason::kCanary, kPrimary, kPrevious),
      ElementsAre("canary:assigned", "primary:primary_fallback", "previous:previous_primary"));
  EXPECT_THAT(
      Steps(kOther, Reason::kArm, kPrimary, kPrevious),
      ElementsAre("other:assigned", "primary:primary_fallback", "previous:previous_primary"));
  EXPECT_THAT(Steps(kPrimary, Reason::kPrimary, kPrimary, kPrevious),
              ElementsAre("primary:assigned", "previous:previous_primary"));
}

TEST(ServeChain, NoStepTwice) {
  EXPECT_THAT(Steps(kPrimary, Reason::kPrimary, kPrimary, kNoVersion),
              ElementsAre("primary:assigned"));
  // After a promote, its predecessor may come back as the canary.
  EXPECT_THAT(Steps(kPrevious, Reason::kCanary, kPrimary, kPrevious),
              ElementsAre("previous:assigned", "primary:primary_fallback"));
  EXPECT_THAT(Steps(kPrimary, Reason::kArm, kPrimary, kPrimary), ElementsAre("primary:assigned"));
}

// Invariant 8: a route whose primary row is broken is answered by the warm one before it.
TEST(ServeChain, Invariant8WithoutAPrimaryThePreviousOneAnswers) {
  EXPECT_THAT(Steps(kNoVersion, Reason::kNoPrimary, kNoVersion, kPrevious),
              ElementsAre("previous:previous_primary"));
  EXPECT_THAT(Steps(kCanary, Reason::kCanary, kNoVersion, kPrevious),
              ElementsAre("canary:assigned", "previous:previous_primary"));
  EXPECT_THAT(Steps(kNoVersion, Reason::kNoPrimary, kNoVersion, kNoVersion), IsEmpty());
}

TEST(ServeChain, AnOverrideIsAnsweredByNobodyElse) {
  EXPECT_THAT(Steps(kOther, Reason::kOverride, kPrimary, kPrevious), ElementsAre("other:assigned"));
  EXPECT_THAT(Steps(kNoVersion, Reason::kOverride, kPrimary, kPrevious), IsEmpty());
}

TEST(ServeChain, ADecisionWithoutARouteHasNoSteps) { EXPECT_EQ(ChainOf(Decision{}).size, 0); }

}  // namespace
}  // namespace podium::routing
