// One call's part in the rollout of its route, as far as a language model's attempt carries it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "view/rollout_tally.h"

namespace podium::gateway {

/// At most one outcome of the version that the call was assigned to. Whoever asks that version
/// first has the part; what another answers in its place changes nothing.
/// Threads: its core's. A stream keeps it, and with it the tally, longer than the call its view.
class RolloutPart {
 public:
  RolloutPart() = default;  ///< None: nothing is recorded.
  RolloutPart(std::shared_ptr<view::RolloutTally> tally, const view::RolloutTicket& ticket,
              bool streams)
      : tally_(ticket ? std::move(tally) : nullptr), ticket_(ticket), streams_(streams) {}
  RolloutPart(RolloutPart&&) = default;  ///< Leaves none behind.
  RolloutPart& operator=(RolloutPart&&) = default;

  void FirstToken(std::chrono::nanoseconds after) { first_token_ = after; }

  // One of these counts; what comes after it does not.
  void Answered(std::size_t core, std::chrono::nanoseconds latency,
                std::optional<std::int64_t> cost_nano_usd);
  void Failed(std::size_t core, std::chrono::nanoseconds latency, bool timed_out);
  /// The caller has: no outcome but that the version had let it wait so long.
  void Left(std::size_t core, std::chrono::nanoseconds waited);
  /// The caller was wrong, or nobody was asked: that says nothing about either version.
  void Void() { tally_.reset(); }

 private:
  void Record(std::size_t core, const view::RolloutOutcome& outcome);

  std::shared_ptr<view::RolloutTally> tally_;
  view::RolloutTicket ticket_;
  bool streams_ = false;
  std::optional<std::chrono::nanoseconds> first_token_;
};

}  // namespace podium::gateway
