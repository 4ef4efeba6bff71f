// What one replica has counted of a rollout: the evidence, before it goes to the store.
//
// One tally per (rollout, epoch). Calls are counted where they run, without a lock on the way of a
// good one; whoever brings evidence to the store reads what has changed. Nothing here is ever
// dropped: the numbers only grow, and go to the store as they stand.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/limits.h"
#include "domain/rollout.h"
#include "view/rollout_counting.h"

namespace podium::view {

class RolloutTally;
struct FailingKey;

/// Carried with a request from its assignment to its outcome. Counts in the epoch in which it was
/// assigned, however late the outcome comes.
struct RolloutTicket {
  RolloutTally* tally = nullptr;  ///< Null: this request is no evidence.
  std::uint64_t unit = 0;         ///< The hash whose bucket decided.
  bool canary = false;            ///< The arm that it was assigned to, whoever answers in the end.
  std::uint8_t rank = 0;          ///< Sticky: of this request among its key's here, from 0.
  explicit operator bool() const { return tally != nullptr; }
};

/// One arm here, cumulative.
struct ArmCounts {
  std::uint64_t units = 0;     ///< Requests assigned; with sticky units keys at their first sight.
  std::uint64_t requests = 0;  ///< Outcomes.
  std::array<std::uint64_t, kRolloutSeries> bad{};  ///< Bad outcomes, also with sticky units.
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
  /// `most_keys`: failing keys kept of all cores; beyond it they are thinned out.
  RolloutTally(RolloutMark mark, std::size_t cores,
               std::size_t most_keys = limits::kMaxFailingKeys);
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
  /// Sticky units: the records that changed since the last call, of all cores together, in no
  /// order. One whose key has come to its 16th request since then has changed too: it is closed.
  std::vector<KeyRecord> TakeChanged();
  /// That these were not stored: the next TakeChanged has them again, as they then are.
  void PutBack(const std::vector<KeyRecord>& records);

 private:
  struct Cell;
  class Seen;
  void RecordKey(Cell& cell, const RolloutTicket& ticket, SeriesSet bad);
  void TakePart(std::size_t part, std::vector<KeyRecord>& records);
  FailingKey Merged(std::uint64_t unit, bool closed);
  std::vector<std::unique_lock<std::mutex>> LockAll();

  const RolloutMark mark_;
  const SeriesLimits limits_;
  std::vector<std::unique_ptr<Cell>> cells_;     // By core.
  const std::unique_ptr<Seen> seen_;             // Sticky units: requests by key, of all cores.
  std::atomic<std::uint32_t> keep_{UINT32_MAX};  // By FailingKeys::IsKept; only ever less.
};

/// Finds the tallies of a replica, across all generations of the view.
/// Threads: any.
class RolloutTallies {
 public:
  explicit RolloutTallies(std::size_t cores) : cores_(cores) {}

  /// The same object for the same rollout and epoch.
  std::shared_ptr<RolloutTally> Of(const RolloutMark& mark);
  std::vector<std::shared_ptr<RolloutTally>> All() const;
  /// Forgets tallies of epochs that `live` does not name and that nobody else holds any more: no
  /// view, and no call that was assigned in them. They are forgotten at the second call that finds
  /// them so, which lets whoever stores evidence store the last of it in between.
  /// REQUIRES: what All gave after the call before has been stored.
  void Keep(const std::vector<RolloutMark>& live);

 private:
  struct Entry {
    std::shared_ptr<RolloutTally> tally;
    bool left = false;  // The last Keep found that nobody counts in it any more.
  };
  const std::size_t cores_;
  mutable std::mutex mutex_;
  std::vector<Entry> tallies_;  // Protected by mutex_.
};

}  // namespace podium::view
