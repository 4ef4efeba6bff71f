// What one replica has counted of a rollout: the evidence, before it goes to the store.
//
// One tally per (rollout, epoch), unless an epoch is replaced or comes back. Calls are counted
// where they run, without a lock on the way of a good one; whoever brings evidence to the store
// reads what has changed. Nothing here is ever dropped: the numbers only grow, and go to the store
// as they stand.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "base/limits.h"
#include "domain/rollout.h"
#include "view/arm_counts.h"
#include "view/failing_keys.h"
#include "view/rollout_counting.h"
#include "view/tally_folder.h"
#include "view/tally_memory.h"

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

/// Threads: Admit, Ineligible and Record on core `core`; the readers anywhere.
class RolloutTally {
 public:
  /// `most_keys`: failing keys kept of all cores; beyond it they are thinned out.
  RolloutTally(RolloutMark mark, std::size_t cores,
               std::size_t most_keys = limits::kMaxFailingKeys);
  /// REQUIRES: `memory` of the shape ShapeOf(mark, cores, most_keys), new.
  RolloutTally(RolloutMark mark, std::unique_ptr<TallyMemory> memory,
               std::size_t most_keys = limits::kMaxFailingKeys, std::uint64_t sequel = 0);
  ~RolloutTally();
  RolloutTally(const RolloutTally&) = delete;
  RolloutTally& operator=(const RolloutTally&) = delete;

  static TallyShape ShapeOf(const RolloutMark& mark, std::size_t cores,
                            std::size_t most_keys = limits::kMaxFailingKeys);

  const RolloutMark& mark() const { return mark_; }
  /// 0: the first of its epoch in this process. Else a number that no other tally has, since what
  /// counts anew must not share a row with what was counted before (CounterName).
  std::uint64_t sequel() const { return sequel_; }

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
  /// What it counts in. Prepare it from time to time.
  TallyMemory& memory() { return *memory_; }

 private:
  struct Cell;
  using SeenCell = std::atomic<std::uint8_t>;
  bool keeps_keys() const { return !seen_.empty(); }
  SeenCell& SeenOf(std::uint64_t unit) const { return seen_[unit >> seen_shift_]; }
  void RecordKey(Cell& cell, const RolloutTicket& ticket, SeriesSet bad);
  void TakePart(std::size_t part, std::vector<KeyRecord>& records);
  std::vector<std::unique_lock<std::mutex>> LockAll();
  void Tell(std::uint64_t unit, bool closes, std::uint8_t seen, std::vector<KeyRecord>& records);

  const RolloutMark mark_;
  const std::uint64_t sequel_;
  const SeriesLimits limits_;
  const std::unique_ptr<TallyMemory> memory_;
  const std::span<CoreCounters> counters_;    // By core; in memory_, as what follows.
  const std::span<SeenCell> seen_;            // Sticky units: requests by key, of all cores.
  const int seen_shift_;                      // The high bits: the bucket is made of the low ones.
  std::atomic<std::uint32_t>& keep_;          // By FailingKeys::IsKept; only ever less.
  std::vector<std::unique_ptr<Cell>> cells_;  // By core.
};

/// Finds the tallies of a replica, across all generations of the view.
/// Threads: any.
class RolloutTallies {
 public:
  /// `folder`: where the numbers outlive the process; null: they end with it.
  explicit RolloutTallies(std::size_t cores, std::unique_ptr<TallyFolder> folder = nullptr)
      : cores_(cores), folder_(std::move(folder)) {}

  /// The same object for the same mark. One of an epoch that was counted in here before, and was
  /// forgotten or had other thresholds, is a sequel. Blocks where there is a folder.
  std::shared_ptr<RolloutTally> Of(const RolloutMark& mark);
  std::vector<std::shared_ptr<RolloutTally>> All() const;
  /// Forgets tallies whose marks `live` does not name and that nobody else holds any more: no
  /// view, and no call that was assigned in them. They are forgotten at the second call that finds
  /// them so, which lets whoever stores evidence store the last of it in between.
  /// REQUIRES: what All gave after the call before has been stored.
  void Keep(const std::vector<RolloutMark>& live);
  /// Makes room for keys to come. An error: what is counted without it ends with the process.
  Status Prepare();
  /// All of it has been stored, and nobody counts any more: nothing has to outlive the process.
  void Discard();
  /// Whether what is not stored yet is found by the next process.
  bool outlives() const { return folder_ != nullptr; }

 private:
  std::uint64_t SequelOf(const RolloutMark& mark);  // REQUIRES: mutex_; a tally is made of it.
  struct Entry {
    std::shared_ptr<RolloutTally> tally;
    bool left = false;  // The last Keep found that nobody counts in it any more.
  };
  const std::size_t cores_;
  const std::unique_ptr<TallyFolder> folder_;  // May be null.
  mutable std::mutex mutex_;
  std::vector<Entry> tallies_;  // Protected by mutex_, as what follows.
  // By rollout its newest epoch that was counted in: a number for each that has ever run here.
  std::map<RolloutId, std::uint32_t> newest_;
  std::uint64_t sequels_ = 0;
};

}  // namespace podium::view
