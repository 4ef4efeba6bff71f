// What comes after an attempt that has failed: the same once more, the next of the chain, or an
// error. Pure: the scenario matrix of failures is a table in its test.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "gateway/llm/upstream_failure.h"

namespace podium::gateway {

/// The kinds of failure after which another element of the chain may be asked.
struct FallbackOn {
  bool errors = true;
  bool timeouts = true;
  bool context_length = true;   ///< Another model may have more room.
  bool content_policy = false;  ///< Another provider's filter may be laxer: only if that is wanted.
};

struct AttemptPolicy {
  int max_attempts = 3;  ///< Of one call, whoever is asked.
  int retries = 1;       ///< Of one element of the chain, besides its first attempt.
  std::chrono::milliseconds backoff{200};        ///< Before the first retry; doubled for each.
  std::chrono::milliseconds max_backoff{5'000};  ///< And the longest Retry-After waited for.
  FallbackOn fallback_on = {};
};

/// Whether a failure of that kind may be answered by another element of the chain.
bool MayFallBack(const FallbackOn& on, llm::FailureKind kind);

struct FailedAttempt {
  llm::FailureKind kind = llm::FailureKind::kServer;
  bool answer_begun = false;  ///< Some of an answer has reached the caller.
  bool by_our_deadline = false;
  std::optional<std::chrono::milliseconds> retry_after;
  std::optional<bool> should_retry;  ///< The provider's own advice.
};

struct AttemptsSoFar {
  int in_all = 1;  ///< The failed one included, as below.
  int of_element = 1;
  bool has_next = false;                 ///< The chain has another element.
  std::chrono::nanoseconds time_left{};  ///< Until the call's deadline.
};

enum class NextMove : std::uint8_t { kRetry, kFallBack, kGiveUp };
std::string_view NameOf(NextMove move);

struct NextStep {
  NextMove move = NextMove::kGiveUp;
  std::chrono::nanoseconds pause{};  ///< Before a retry.
};

/// INV-14: never anything but kGiveUp once an answer has begun. `chance` is any random number: the
/// pauses of many callers must not end together.
NextStep AfterFailure(const AttemptPolicy& policy, const FailedAttempt& failed,
                      const AttemptsSoFar& so_far, std::uint64_t chance);

}  // namespace podium::gateway
