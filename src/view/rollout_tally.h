// What one replica has counted of a rollout: the evidence, before it goes to the store.
//
// One tally per (rollout, epoch). Calls are counted where they run, without a lock on the way of a
// good one; whoever brings evidence to the store reads what has changed. Nothing here is ever
// dropped: the numbers only grow, and go to the store as they stand.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "domain/ids.h"
#include "domain/rollout.h"

namespace podium::view {

class RolloutTally;

/// Carried with a request from its assignment to its outcome. Counts in the epoch in which it was
/// assigned, however late the outcome comes.
struct RolloutTicket {
  RolloutTally* tally = nullptr;  ///< Null: this request is no evidence.
  std::uint64_t unit = 0;         ///< The hash whose bucket decided.
  bool canary = false;            ///< The arm that it was assigned to, whoever answers in the end.
  std::uint8_t rank = 0;          ///< Sticky: of this request among its key's here, from 0.
  explicit operator bool() const { return tally != nullptr; }
};

/// How the assigned version did.
struct RolloutOutcome {
  bool failed = false;  ///< An error, or too late; also when a fallback saved the answer.
  bool timed_out = false;
  std::chrono::nanoseconds latency{0};
  std::optional<std::chrono::nanoseconds> first_token;  ///< Of streams.
  std::optional<std::int64_t> cost_nano_usd;            ///< Where it is known.
};

/// One arm here, cumulative.
struct ArmCounts {
  std::uint64_t units = 0;     ///< Requests assigned; with sticky units keys at their first sight.
  std::uint64_t requests = 0;  ///< Outcomes.
  std::array<std::uint64_t, kRolloutSeries> bad{};
};

/// A key with a bad outcome in one series. Ranks count the key's requests here from 0.
struct KeyRecord {
  std::uint64_t unit = 0;
  std::uint32_t series = 0;
  bool canary = false;
  std::uint32_t first_rank = 0;
  std::uint32_t second_rank = 0;  ///< UINT32_MAX: none.
  std::uint32_t bad = 0;          ///< Among the first 16.
  std::uint32_t seen = 0;         ///< Its requests so far, at most 255.
};

/// Threads: Admit, Ineligible and Record on core `core`; the readers anywhere.
class RolloutTally {
 public:
  RolloutTally(RolloutMark mark, std::size_t cores);
  ~RolloutTally();
  RolloutTally(const RolloutTally&) = delete;
  RolloutTally& operator=(const RolloutTally&) = delete;

  const RolloutMark& mark() const { return mark_; }

  /// An eligible request was assigned to an arm by its bucket. No lock, no allocation.
  RolloutTicket Admit(std::size_t core, bool canary, std::uint64_t unit);
  /// It was not randomised, or one of the arms could not have served it: it counts for neither.
  void Ineligible(std::size_t core);
  /// The outcome of a request that was admitted. A lock of its own core for a bad one with sticky
  /// units; none otherwise.
  void Record(std::size_t core, const RolloutTicket& ticket, const RolloutOutcome& outcome);

  ArmCounts Counts(bool canary) const;
  std::uint64_t ineligible() const;
  /// Sticky units: keys whose record changed since the same reader's last call, in no order. One
  /// whose key has been seen 16 times since then has changed too.
  std::vector<KeyRecord> TakeChanged();
  /// That these were not stored: the next TakeChanged has them again.
  void PutBack(const std::vector<KeyRecord>& records);

 private:
  struct Cell;
  const RolloutMark mark_;
  std::vector<std::unique_ptr<Cell>> cells_;  // By core.
  struct Seen;                                // Of sticky units: requests by key, of all cores.
  std::unique_ptr<Seen> seen_;
};

/// Finds the tallies of a replica, across all generations of the view.
/// Threads: any.
class RolloutTallies {
 public:
  explicit RolloutTallies(std::size_t cores) : cores_(cores) {}

  /// The same object for the same rollout and epoch.
  std::shared_ptr<RolloutTally> Of(const RolloutMark& mark);
  std::vector<std::shared_ptr<RolloutTally>> All() const;
  /// Forgets tallies of epochs that `live` does not name and that nobody else holds any more.
  void Keep(const std::vector<RolloutMark>& live);

 private:
  const std::size_t cores_;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<RolloutTally>> tallies_;  // Protected by mutex_.
};

}  // namespace podium::view
