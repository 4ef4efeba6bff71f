#include "gateway/breaker.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "gateway/breaker_board.h"

namespace podium::gateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

BreakerPolicy ThreeFailures() {
  BreakerPolicy policy;
  policy.failures = 3;
  policy.error_percent = 50;
  policy.min_calls = 10;
  policy.window = seconds(10);
  policy.open_time = seconds(5);
  policy.max_open_time = seconds(12);
  return policy;
}

/// Plays a story: s and f are calls that succeed and fail, w one that says nothing, "." a second,
/// "x" a call that must be refused.
void Play(BoardedBreaker& breaker, std::string_view story, SteadyTime& now) {
  for (const char step : story) {
    if (step == '.') {
      now += seconds(1);
      continue;
    }
    const auto ticket = breaker.Admit(now);
    EXPECT_EQ(ticket.has_value(), step != 'x') << story;
    if (!ticket) continue;
    if (step == 's') breaker.Succeeded(0, *ticket, now);
    if (step == 'f') breaker.Failed(*ticket, now);
    if (step == 'w') breaker.Withdrawn(*ticket);
  }
}

BoardedBreaker Made(const BreakerPolicy& policy = ThreeFailures(), std::size_t cores = 1) {
  return BoardedBreaker(0, "model", policy, cores);
}

TEST(Breaker, OpensAndCloses) {
  using enum BreakerState;
  struct Case {
    const char* name;
    const char* story;
    BreakerState want;
  };
  const Case cases[] = {
      {"new", "", kClosed},
      {"below the number in a row", "ff", kClosed},
      {"at the number in a row", "fff", kOpen},
      {"a success begins the row anew", "ffsff", kClosed},
      {"what says nothing does not", "ffwf", kOpen},
      {"open refuses", "fffx.x.x", kOpen},
      {"half open after its time", "fff.....", kHalfOpen},
      {"a probe that succeeds closes it", "fff.....s", kClosed},
      {"a probe that fails opens it again", "fff.....f", kOpen},
      {"and for twice the time", "fff.....f.....x", kOpen},
      {"until that has passed", "fff.....f..........", kHalfOpen},
      {"but never longer than the longest", "fff.....f..........f............", kHalfOpen},
      {"a probe that says nothing leaves it so", "fff.....w", kHalfOpen},
      {"and lets the next one try", "fff.....ws", kClosed},
      {"closed again, it has forgotten", "fff.....sff", kClosed},
      {"too few calls for a share", "sfsfsfsfs", kClosed},
      {"half of a window", "sfsfsfsfsf", kOpen},
      {"less than half", "ssfsfsfsfsf", kClosed},
      {"of a window that is over", "sfsfsfsfs..........f", kClosed},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    SteadyTime now{seconds(100)};
    BoardedBreaker breaker = Made();
    Play(breaker, c.story, now);
    EXPECT_EQ(breaker.state(now), c.want);
  }
}

// One careful call at a time: a provider that comes back is not run over.
TEST(Breaker, OneProbeAtATime) {
  SteadyTime now{seconds(100)};
  BoardedBreaker breaker = Made();
  Play(breaker, "fff.....", now);
  const auto probe = breaker.Admit(now);
  ASSERT_TRUE(probe);
  EXPECT_FALSE(breaker.Admit(now));
  breaker.Succeeded(0, *probe, now);
  EXPECT_TRUE(breaker.Admit(now));
}

// A stream of a minute, begun before the trouble, neither ends the trouble nor prolongs it.
TEST(Breaker, WhatBeganBeforeItOpenedSaysNothing) {
  using enum BreakerState;
  SteadyTime now{seconds(100)};
  BoardedBreaker breaker = Made();
  const auto succeeds = breaker.Admit(now);
  const auto fails = breaker.Admit(now);
  const auto leaves = breaker.Admit(now);
  Play(breaker, "fff.....", now);
  const auto probe = breaker.Admit(now);
  ASSERT_TRUE(succeeds && fails && leaves && probe);
  breaker.Succeeded(0, *succeeds, now);
  EXPECT_EQ(breaker.state(now), kHalfOpen);
  breaker.Failed(*fails, now);
  EXPECT_EQ(breaker.state(now), kHalfOpen);
  breaker.Withdrawn(*leaves);
  EXPECT_FALSE(breaker.Admit(now)) << "the probe is still out";
  breaker.Succeeded(0, *probe, now);
  EXPECT_EQ(breaker.state(now), kClosed);
  breaker.Failed(*probe, now);
  Play(breaker, "ff", now);
  EXPECT_EQ(breaker.state(now), kClosed) << "the row is two, not three";
}

TEST(Breaker, MayBeSwitchedOff) {
  BreakerPolicy policy = ThreeFailures();
  policy.failures = 0;
  policy.error_percent = 0;
  SteadyTime now{seconds(100)};
  BoardedBreaker breaker = Made(policy);
  Play(breaker, std::string(100, 'f'), now);
  EXPECT_EQ(breaker.state(now), BreakerState::kClosed);
}

// What went well before the trouble says nothing of what comes after it, and the half in which the
// breaker closed is of before.
TEST(Breaker, ClosedAgainItCountsAnew) {
  BreakerPolicy policy = ThreeFailures();
  policy.failures = 0;
  policy.open_time = std::chrono::milliseconds(1);
  policy.max_open_time = policy.open_time;
  BoardedBreaker breaker = Made(policy);
  SteadyTime now{seconds(100)};
  Play(breaker, "sssssfffff", now);
  now += policy.open_time;
  Play(breaker, "sffffffffff", now);
  EXPECT_EQ(breaker.state(now), BreakerState::kClosed) << "still the half in which it closed";
  now += seconds(5);
  Play(breaker, "sssssffff", now);
  EXPECT_EQ(breaker.state(now), BreakerState::kClosed) << "nine calls are too few";
  Play(breaker, "f", now);
  EXPECT_EQ(breaker.state(now), BreakerState::kOpen) << "half of ten";
}

// A provider's bad moment is found out once, not once a core; and so is that it is over.
TEST(Breaker, CoresFindOutTogether) {
  BoardedBreaker breaker = Made(ThreeFailures(), 4);
  SteadyTime now{seconds(100)};
  for (std::size_t core = 0; core < 4; ++core) {
    const auto ticket = breaker.Admit(now);
    ASSERT_TRUE(ticket);
    core == 0 ? breaker.Succeeded(core, *ticket, now) : breaker.Failed(*ticket, now);
  }
  EXPECT_EQ(breaker.state(now), BreakerState::kOpen);
  now += seconds(5);
  const auto probe = breaker.Admit(now);
  ASSERT_TRUE(probe);
  EXPECT_FALSE(breaker.Admit(now)) << "one probe at a time of a replica";
  breaker.Succeeded(3, *probe, now);
  EXPECT_EQ(breaker.state(now), BreakerState::kClosed);
}

// The share of failures is that of all cores' calls.
TEST(Breaker, AShareIsOfAllCores) {
  const auto play = [](std::size_t successes_elsewhere) {
    BreakerPolicy policy = ThreeFailures();
    policy.failures = 0;
    BoardedBreaker breaker = Made(policy, 2);
    const SteadyTime now{seconds(100)};
    for (std::size_t i = 0; i < successes_elsewhere; ++i) {
      breaker.Succeeded(1, *breaker.Admit(now), now);
    }
    for (int i = 0; i < 10; ++i) {
      if (const auto ticket = breaker.Admit(now)) breaker.Failed(*ticket, now);
    }
    return breaker.state(now);
  };
  EXPECT_EQ(play(10), BreakerState::kOpen);
  EXPECT_EQ(play(11), BreakerState::kClosed);
}

// INV-16: breakers are bounded; models beyond share one, so that none goes without.
TEST(BreakerBoard, Inv16HoldsSoManyAndSharesTheRest) {
  BreakerBoard board(ThreeFailures(), 3, 2);
  for (std::size_t i = 0; i < limits::kMaxBreakers; ++i) {
    ASSERT_FALSE(board.Of(0, i % 3, "model-" + std::to_string(i)).is_shared());
  }
  EXPECT_EQ(&board.Of(0, 0, "one more"), &board.SharedOf(0));
  EXPECT_EQ(&board.Of(0, 1, "model-1"), &board.Of(1, 1, "model-1")) << "of all cores";
  std::size_t seen = 0;
  board.ForEach([&](const BoardedBreaker&) { ++seen; });
  EXPECT_EQ(seen, limits::kMaxBreakers + 3);
}

TEST(BreakerBoard, EachProviderSharesItsOwn) {
  BreakerBoard board(ThreeFailures(), 2, 1);
  EXPECT_NE(&board.SharedOf(0), &board.SharedOf(1));
  EXPECT_EQ(board.SharedOf(1).provider(), 1U);
}

}  // namespace
}  // namespace podium::gateway
