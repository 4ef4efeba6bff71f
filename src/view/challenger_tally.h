// What champion-challenger has come to on one route: who answered, and why not the other.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "domain/challenger_record.h"
#include "view/shadow_tally.h"

namespace podium::view {

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
