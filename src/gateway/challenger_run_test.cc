// One run of a challenger, from its place in the lane to its choice.
#include "gateway/challenger_run.h"

#include <gtest/gtest.h>

#include <atomic>

#include "gateway/shadow_world_fixture.h"

namespace podium::gateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

ChallengerRun::Parts PartsOf(std::shared_ptr<PlayedModel> model, const Clock& clock) {
  CallInputs inputs;
  inputs.tensors.resize(1);
  ChallengerRun::Parts parts;
  parts.inputs = std::make_shared<const CallInputs>(std::move(inputs));
  parts.model = std::move(model);
  parts.tally = std::make_shared<view::ChallengerTally>(1);
  parts.begun = clock.SteadyNow();
  return parts;
}

// The deadline is of the caller's wait, which begins before the challenger has a thread.
TEST(ChallengerRun, ItsTimeInTheLaneCountsAgainstItsDeadline) {
  struct Case {
    const char* name;
    nanoseconds waited;
    nanoseconds ran;
    ChallengerChoice want;
  };
  const Case cases[] = {
      {"at once", nanoseconds(0), nanoseconds(0), ChallengerChoice::kChallenger},
      {"in time", milliseconds(6), milliseconds(4), ChallengerChoice::kChallenger},
      {"slow", nanoseconds(0), milliseconds(11), ChallengerChoice::kLate},
      {"waited long", milliseconds(10), nanoseconds(1), ChallengerChoice::kLate},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    testing::SimClock clock;
    auto model = std::make_shared<PlayedModel>();
    model->before = [&]() -> Status {
      clock.Advance(c.ran);
      return {};
    };
    ChallengerRun::Parts parts = PartsOf(model, clock);
    parts.deadline = milliseconds(10);
    ChallengerRun run(std::move(parts));
    clock.Advance(c.waited);
    run.Run(clock, std::atomic<bool>(false));
    EXPECT_EQ(run.Settle(true), c.want);
    EXPECT_EQ(run.took(), c.ran) << "the model's own";
  }
}

}  // namespace
}  // namespace podium::gateway
