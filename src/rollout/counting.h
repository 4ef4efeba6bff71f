// Which outcomes of a request are evidence, for whom, and in which step.
//
// statistics.md, "What makes it true in practice", rules 2 to 5: everything that a data plane must
// get right before a number reaches a test, as one function of what it knows. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace podium::rollout {

/// How the request came to its arm. Only what the split decided may be counted.
enum class Origin : std::uint8_t {
  kRandomised,  ///< By its bucket, with both arms eligible.
  kOverride,    ///< A header or a rule for this user named the version.
  kEjected,  ///< One of the two arms was not ready or its breaker open: decided before the bucket.
  kProbe,    ///< Ours, not a caller's.
  kKeyless,  ///< No key where the rollout demands one: served by the primary.
};

/// Carried with the request from its assignment to its outcome.
struct Assignment {
  Origin origin = Origin::kRandomised;
  bool canary = false;     ///< The arm that it was assigned to, whoever answers in the end.
  std::uint32_t step = 0;  ///< In force at assignment; the outcome may come when it is over.
};

/// How the assigned version did.
struct Outcome {
  bool failed = false;     ///< An error or a deadline, also when a fallback saved the answer.
  bool timed_out = false;  ///< Its latency is not known, and longer than any threshold.
  double latency_ms = 0;
};

/// p50, p90 and p99 of the primary, frozen in the step row before the step. Milliseconds.
struct LatencyThresholds {
  std::array<double, 3> exceeds{};
};

/// What one outcome adds. A unit that is counted adds to its arm's units, bad or not.
struct Counted {
  std::uint32_t step = 0;
  bool canary = false;
  bool error = false;
  std::array<bool, 3> slow{};  ///< By threshold. An error or a timeout is slower than all.
};
/// nullopt: not randomised, so it says nothing about the candidate.
std::optional<Counted> Count(const Assignment& assignment, const Outcome& outcome,
                             const LatencyThresholds& thresholds);

}  // namespace podium::rollout
