// One try of a remote model: what costs money, and what is recorded exactly once.
#pragma once

#include <cstdint>
#include <string_view>

namespace podium {

enum class AttemptKind : std::uint8_t {
  kFirst,       ///< The first of its call.
  kRetry,       ///< The same version once more.
  kFallback,    ///< Another version, after one that failed.
  kShadow,      ///< A copy; its answer goes nowhere.
  kChallenger,  ///< Asked beside the champion; one of the two answers.
};
std::string_view NameOf(AttemptKind kind);

enum class AttemptStatus : std::uint8_t {
  kOk,
  kError,      ///< The provider refused, or its answer was cut or made no sense.
  kTimeout,    ///< A deadline of ours has passed.
  kCancelled,  ///< The caller has left.
  kUnknown,    ///< The process ended first: usage and cost are what the attempt was begun with.
};
std::string_view NameOf(AttemptStatus status);

}  // namespace podium
