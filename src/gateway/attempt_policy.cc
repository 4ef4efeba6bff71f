#include "gateway/attempt_policy.h"

#include <algorithm>

namespace podium::gateway {
namespace {

using std::chrono::nanoseconds;

constexpr int kMostBackoffDoublings = 20;

// Between half and all of the doubled backoff.
nanoseconds Backoff(const AttemptPolicy& policy, int retry, std::uint64_t chance) {
  const nanoseconds whole =
      policy.backoff * (std::int64_t{1} << std::min(retry, kMostBackoffDoublings));
  const nanoseconds most = std::min<nanoseconds>(whole, policy.max_backoff);
  const auto half = static_cast<std::uint64_t>(most.count() / 2);
  return nanoseconds(static_cast<std::int64_t>(half + (half == 0 ? 0 : chance % (half + 1))));
}

std::optional<NextStep> Retry(const AttemptPolicy& policy, const FailedAttempt& failed,
                              const AttemptsSoFar& so_far, std::uint64_t chance) {
  if (so_far.of_element > policy.retries) return std::nullopt;
  if (!failed.should_retry.value_or(llm::IsRetryable(failed.kind))) return std::nullopt;
  // Who was too slow once has had its time: somebody else is asked, if there is anybody.
  if (failed.by_our_deadline && so_far.has_next) return std::nullopt;
  const nanoseconds pause = failed.retry_after ? nanoseconds(*failed.retry_after)
                                               : Backoff(policy, so_far.of_element - 1, chance);
  if (pause > policy.max_backoff || pause >= so_far.time_left) return std::nullopt;
  return NextStep{NextMove::kRetry, pause};
}

}  // namespace

std::string_view NameOf(NextMove move) {
  switch (move) {
    case NextMove::kRetry:
      return "retry";
    case NextMove::kFallBack:
      return "fall_back";
    case NextMove::kGiveUp:
      return "give_up";
  }
  return "give_up";
}

bool MayFallBack(const FallbackOn& on, llm::FailureKind kind) {
  using enum llm::FailureKind;
  switch (kind) {
    case kBadRequest:
      return false;  // It is wrong wherever it goes.
    case kContextLength:
    case kTooLarge:
      return on.context_length;
    case kContentPolicy:
      return on.content_policy;
    case kTimeout:
      return on.timeouts;
    case kAuth:
    case kNotFound:
    case kQuota:
    case kRateLimited:
    case kOverloaded:
    case kServer:
    case kUnreadable:
    case kUnreachable:
    case kNotSent:
      return on.errors;
  }
  return false;
}

NextStep AfterFailure(const AttemptPolicy& policy, const FailedAttempt& failed,
                      const AttemptsSoFar& so_far, std::uint64_t chance) {
  if (failed.answer_begun || so_far.in_all >= policy.max_attempts) return {};
  if (so_far.time_left <= nanoseconds::zero()) return {};
  if (const auto retry = Retry(policy, failed, so_far, chance)) return *retry;
  if (so_far.has_next && MayFallBack(policy.fallback_on, failed.kind)) {
    return {NextMove::kFallBack, {}};
  }
  return {};
}

}  // namespace podium::gateway
