#include "gateway/attempt_policy.h"

#include <gtest/gtest.h>

#include <optional>

namespace podium::gateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

AttemptPolicy ThreeAttempts() {
  AttemptPolicy policy;
  policy.max_attempts = 3;
  policy.retries = 1;
  policy.backoff = milliseconds(200);
  policy.max_backoff = seconds(5);
  return policy;
}

AttemptsSoFar First(bool has_next) { return {1, 1, has_next, seconds(60)}; }

// The scenario matrix: each kind of failure, with somebody else to ask and without.
TEST(AttemptPolicy, WhatComesAfterEachFailure) {
  using enum llm::FailureKind;
  using enum NextMove;
  struct Case {
    llm::FailureKind kind;
    NextMove alone;        ///< Nobody else is left to ask.
    NextMove with_next;    ///< Somebody is.
    NextMove second_time;  ///< Somebody is, and the same was tried twice.
  };
  const Case cases[] = {
      {kBadRequest, kGiveUp, kGiveUp, kGiveUp},   {kContextLength, kGiveUp, kFallBack, kFallBack},
      {kTooLarge, kGiveUp, kFallBack, kFallBack}, {kContentPolicy, kGiveUp, kGiveUp, kGiveUp},
      {kAuth, kGiveUp, kFallBack, kFallBack},     {kNotFound, kGiveUp, kFallBack, kFallBack},
      {kQuota, kGiveUp, kFallBack, kFallBack},    {kRateLimited, kRetry, kRetry, kFallBack},
      {kOverloaded, kRetry, kRetry, kFallBack},   {kTimeout, kRetry, kRetry, kFallBack},
      {kServer, kRetry, kRetry, kFallBack},       {kUnreadable, kRetry, kRetry, kFallBack},
      {kUnreachable, kRetry, kRetry, kFallBack},  {kNotSent, kGiveUp, kFallBack, kFallBack},
  };
  static_assert(std::size(cases) == llm::kFailureKindCount);
  for (const Case& c : cases) {
    SCOPED_TRACE(NameOf(c.kind));
    FailedAttempt failed;
    failed.kind = c.kind;
    EXPECT_EQ(AfterFailure(ThreeAttempts(), failed, First(false), 0).move, c.alone);
    EXPECT_EQ(AfterFailure(ThreeAttempts(), failed, First(true), 0).move, c.with_next);
    EXPECT_EQ(AfterFailure(ThreeAttempts(), failed, {2, 2, true, seconds(60)}, 0).move,
              c.second_time);
    // INV-14, and the number of attempts: both end it, whatever the failure.
    EXPECT_EQ(AfterFailure(ThreeAttempts(), failed, {3, 1, true, seconds(60)}, 0).move, kGiveUp);
    EXPECT_EQ(AfterFailure(ThreeAttempts(), failed, {1, 1, true, nanoseconds(0)}, 0).move, kGiveUp);
    failed.answer_begun = true;
    EXPECT_EQ(AfterFailure(ThreeAttempts(), failed, First(true), 0).move, kGiveUp);
  }
}

TEST(AttemptPolicy, FallbacksAreAsConfigured) {
  using enum llm::FailureKind;
  AttemptPolicy policy = ThreeAttempts();
  policy.retries = 0;
  const auto move = [&](llm::FailureKind kind) {
    FailedAttempt failed;
    failed.kind = kind;
    return AfterFailure(policy, failed, First(true), 0).move;
  };
  policy.fallback_on = {false, false, false, true};
  EXPECT_EQ(move(kContentPolicy), NextMove::kFallBack);
  EXPECT_EQ(move(kServer), NextMove::kGiveUp);
  EXPECT_EQ(move(kTimeout), NextMove::kGiveUp);
  EXPECT_EQ(move(kContextLength), NextMove::kGiveUp);
  policy.fallback_on = {false, true, false, false};
  EXPECT_EQ(move(kTimeout), NextMove::kFallBack);
}

// Who was too slow has had its time, unless nobody else is there.
TEST(AttemptPolicy, OurDeadlineIsNotRetriedWhereAnotherCanBeAsked) {
  using enum llm::FailureKind;
  FailedAttempt failed;
  failed.kind = kTimeout;
  failed.by_our_deadline = true;
  EXPECT_EQ(AfterFailure(ThreeAttempts(), failed, First(true), 0).move, NextMove::kFallBack);
  EXPECT_EQ(AfterFailure(ThreeAttempts(), failed, First(false), 0).move, NextMove::kRetry);
}

TEST(AttemptPolicy, TheProvidersAdviceIsTaken) {
  using enum llm::FailureKind;
  FailedAttempt failed;
  failed.kind = kServer;
  failed.should_retry = false;
  EXPECT_EQ(AfterFailure(ThreeAttempts(), failed, First(false), 0).move, NextMove::kGiveUp);
  failed.kind = kBadRequest;
  failed.should_retry = true;
  EXPECT_EQ(AfterFailure(ThreeAttempts(), failed, First(false), 0).move, NextMove::kRetry);
  failed = {};
  failed.retry_after = milliseconds(5'000);
  EXPECT_EQ(AfterFailure(ThreeAttempts(), failed, First(false), 0).pause, seconds(5))
      << "at the limit";
  failed.retry_after = milliseconds(5'001);
  EXPECT_EQ(AfterFailure(ThreeAttempts(), failed, First(false), 0).move, NextMove::kGiveUp);
  EXPECT_EQ(AfterFailure(ThreeAttempts(), failed, First(true), 0).move, NextMove::kFallBack);
  failed.retry_after = milliseconds(1'000);
  EXPECT_EQ(AfterFailure(ThreeAttempts(), failed, {1, 1, false, seconds(1)}, 0).move,
            NextMove::kGiveUp)
      << "the call would be over by then";
}

// Callers that failed together must not come back together.
TEST(AttemptPolicy, PausesGrowAndAreJittered) {
  AttemptPolicy policy = ThreeAttempts();
  policy.max_attempts = 20;
  policy.retries = 10;
  FailedAttempt failed;
  const auto pause = [&](int attempt, std::uint64_t chance) {
    return AfterFailure(policy, failed, {attempt, attempt, false, seconds(60)}, chance).pause;
  };
  EXPECT_EQ(pause(1, 0), milliseconds(100));
  EXPECT_EQ(pause(1, 100'000'000), milliseconds(200));
  EXPECT_EQ(pause(2, 0), milliseconds(200));
  EXPECT_EQ(pause(3, 0), milliseconds(400));
  EXPECT_EQ(pause(10, 2'500'000'000), seconds(5)) << "never beyond the longest";
  policy.backoff = milliseconds(0);
  EXPECT_EQ(pause(5, 12345), nanoseconds(0));
}

}  // namespace
}  // namespace podium::gateway
