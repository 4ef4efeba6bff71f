// What champion-challenger has come to on one route: who answered, and why not the other.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "view/shadow_tally.h"

namespace podium::view {

/// What the one record of a call says of the choice.
enum class ChallengerChoice : std::uint8_t {
  kChampion,    ///< u < 1 - weight.
  kChallenger,  ///< u >= 1 - weight, and it answered in time.
  kLate,        ///< It would have been the challenger's; its deadline passed.
  kFailed,      ///< The same; it failed.
  kBusy,        ///< The same; it could not be asked: not ready, or no place for it.
};
inline constexpr std::size_t kChallengerChoices = 5;
constexpr std::string_view NameOf(ChallengerChoice choice) {
  constexpr std::array<std::string_view, kChallengerChoices> kNames = {"champion", "challenger",
                                                                       "late", "failed", "busy"};
  return kNames[static_cast<std::size_t>(choice)];
}

/// Threads: any; CountCall of `pairs` on its core.
struct ChallengerTally {
  explicit ChallengerTally(std::size_t cores, RouteName route = {}, ModelId version = {})
      : pairs(cores, std::move(route), std::move(version)) {}

  void Count(ChallengerChoice choice) {
    choices[static_cast<std::size_t>(choice)].fetch_add(1, std::memory_order_relaxed);
  }
  std::uint64_t Of(ChallengerChoice choice) const {
    return choices[static_cast<std::size_t>(choice)].load(std::memory_order_relaxed);
  }

  ShadowTally pairs;
  std::array<std::atomic<std::uint64_t>, kChallengerChoices> choices{};
};

}  // namespace podium::view
