#include "view/rollout_tally.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/assert.h"
#include "base/limits.h"
#include "view/failing_keys.h"

namespace podium::view {
namespace {

using SharedCounter = std::atomic<std::uint64_t>;

/// One writer: a load and a store, no locked instruction. Who sees the count also sees those that
/// went before it.
void AddOne(SharedCounter& counter) {
  counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

std::uint64_t ValueOf(const SharedCounter& counter) {
  return counter.load(std::memory_order_acquire);
}

template <typename Visit>
void ForEachSeries(SeriesSet series, Visit visit) {
  for (; series != 0; series &= static_cast<SeriesSet>(series - 1)) {
    visit(static_cast<std::size_t>(std::countr_zero(series)));
  }
}

/// In which series the key had anything bad.
SeriesSet HitSeries(const FailingKey& key) {
  SeriesSet hit = 0;
  for (std::size_t i = 0; i < kRolloutSeries; ++i) {
    if (key.ranks[i].any()) hit |= static_cast<SeriesSet>(1U << i);
  }
  return hit;
}

KeyRecord RecordOf(const FailingKey& key, std::size_t series, std::uint8_t seen) {
  const FailingKey::Ranks& ranks = key.ranks[series];
  KeyRecord record;
  record.unit = key.unit;
  record.series = static_cast<std::uint32_t>(series);
  record.canary = key.canary;
  record.first_rank = ranks.first;
  record.second_rank = ranks.second == kNoRank ? UINT32_MAX : ranks.second;
  record.bad = ranks.bad;
  record.seen = seen;
  return record;
}

struct ArmCell {
  SharedCounter units{0};
  SharedCounter requests{0};
  std::array<SharedCounter, kRolloutSeries> bad{};
};

}  // namespace

struct alignas(64) RolloutTally::Cell {
  explicit Cell(std::size_t most_keys) : keys(most_keys) {}

  ArmCell arms[2];  // Primary, canary.
  SharedCounter ineligible{0};
  std::mutex mutex;
  FailingKeys keys;  // Protected by mutex.
};

/// Requests by key, of all cores. Two keys may share a cell: then fewer of their requests are
/// judged, of both arms alike.
class RolloutTally::Seen {
 public:
  /// How many there were before this one, at most 255.
  std::uint8_t Next(std::uint64_t unit) {
    std::atomic<std::uint8_t>& cell = CellOf(unit);
    std::uint8_t before = cell.load(std::memory_order_relaxed);
    // Not an addition: two cores must never carry a cell beyond its end.
    while (before != UINT8_MAX &&
           !cell.compare_exchange_weak(before, static_cast<std::uint8_t>(before + 1),
                                       std::memory_order_relaxed)) {
    }
    return before;
  }
  std::uint8_t Count(std::uint64_t unit) const {
    return CellOf(unit).load(std::memory_order_relaxed);
  }

 private:
  static_assert(std::has_single_bit(limits::kMaxSeenKeys));
  // The high bits: the bucket is made of the low ones.
  static constexpr int kShift = 64 - std::countr_zero(limits::kMaxSeenKeys);
  std::atomic<std::uint8_t>& CellOf(std::uint64_t unit) const { return cells_[unit >> kShift]; }

  const std::unique_ptr<std::atomic<std::uint8_t>[]> cells_ =
      std::make_unique<std::atomic<std::uint8_t>[]>(limits::kMaxSeenKeys);
};

RolloutTally::RolloutTally(RolloutMark mark, std::size_t cores, std::size_t most_keys)
    : mark_(std::move(mark)),
      limits_(mark_.thresholds),
      seen_(IsSticky(mark_.unit) ? std::make_unique<Seen>() : nullptr) {
  const std::size_t most = std::max<std::size_t>(most_keys / cores / FailingKeys::kParts, 1);
  cells_.reserve(cores);
  for (std::size_t i = 0; i < cores; ++i) cells_.push_back(std::make_unique<Cell>(most));
}

RolloutTally::~RolloutTally() = default;

RolloutTicket RolloutTally::Admit(std::size_t core, bool canary, std::uint64_t unit) {
  RolloutTicket ticket{this, unit, canary, 0};
  ArmCell& arm = cells_[core]->arms[canary ? 1 : 0];
  if (seen_ != nullptr) {
    ticket.rank = std::min(seen_->Next(unit), kLastRank);
    if (ticket.rank > 0) return ticket;
  }
  AddOne(arm.units);
  return ticket;
}

void RolloutTally::Ineligible(std::size_t core) { AddOne(cells_[core]->ineligible); }

void RolloutTally::Record(std::size_t core, const RolloutTicket& ticket,
                          const RolloutOutcome& outcome) {
  PODIUM_ASSERT(ticket.tally == this);
  const SeriesSet bad = limits_.Bad(outcome);
  if (outcome.abandoned && bad == 0) return;
  Cell& cell = *cells_[core];
  ArmCell& arm = cell.arms[ticket.canary ? 1 : 0];
  AddOne(arm.requests);
  if (bad == 0) return;
  ForEachSeries(bad, [&](std::size_t series) { AddOne(arm.bad[series]); });
  if (seen_ != nullptr) RecordKey(cell, ticket, bad);
}

void RolloutTally::RecordKey(Cell& cell, const RolloutTicket& ticket, SeriesSet bad) {
  const std::size_t part = FailingKeys::PartOf(ticket.unit);
  const std::lock_guard lock(cell.mutex);
  std::uint32_t keep = keep_.load(std::memory_order_relaxed);
  if (!FailingKeys::IsKept(ticket.unit, keep)) return;
  if (cell.keys.limit(part) != keep) cell.keys.Thin(part, keep);
  FailingKey* key = cell.keys.FindOrMake(ticket.unit, ticket.canary);
  while (key == nullptr) {
    // Another core may have halved it in the meantime: then that is enough.
    std::uint32_t halved = keep / 2;
    if (!keep_.compare_exchange_strong(keep, halved, std::memory_order_relaxed)) halved = keep;
    keep = halved;
    cell.keys.Thin(part, keep);
    if (!FailingKeys::IsKept(ticket.unit, keep)) return;
    key = cell.keys.FindOrMake(ticket.unit, ticket.canary);
  }
  ForEachSeries(bad, [&](std::size_t series) { key->ranks[series].Add(ticket.rank); });
  key->changed |= bad;
}

ArmCounts RolloutTally::Counts(bool canary) const {
  ArmCounts sum;
  for (const auto& cell : cells_) {
    const ArmCell& arm = cell->arms[canary ? 1 : 0];
    // Backwards: never more bad outcomes than outcomes, nor of these than were admitted.
    for (std::size_t i = 0; i < kRolloutSeries; ++i) sum.bad[i] += ValueOf(arm.bad[i]);
    sum.requests += ValueOf(arm.requests);
    sum.units += ValueOf(arm.units);
  }
  return sum;
}

std::uint64_t RolloutTally::ineligible() const {
  std::uint64_t sum = 0;
  for (const auto& cell : cells_) sum += ValueOf(cell->ineligible);
  return sum;
}

std::vector<std::unique_lock<std::mutex>> RolloutTally::LockAll() {
  std::vector<std::unique_lock<std::mutex>> locks;
  locks.reserve(cells_.size());
  for (const auto& cell : cells_) locks.emplace_back(cell->mutex);
  return locks;
}

std::vector<KeyRecord> RolloutTally::TakeChanged() {
  std::vector<KeyRecord> records;
  if (seen_ == nullptr) return records;
  for (std::size_t part = 0; part < FailingKeys::kParts; ++part) {
    const auto locks = LockAll();  // Anew for each part: no core waits for long.
    TakePart(part, records);
  }
  return records;
}

// REQUIRES: LockAll's locks, as Merged.
void RolloutTally::TakePart(std::size_t part, std::vector<KeyRecord>& records) {
  const std::uint32_t keep = keep_.load(std::memory_order_relaxed);
  for (const auto& cell : cells_) {
    for (const FailingKey& key : cell->keys.slots(part)) {
      // One that is not kept any more stays in the store as it was stored.
      if (!key.used || !FailingKeys::IsKept(key.unit, keep)) continue;
      const std::uint8_t seen = seen_->Count(key.unit);
      const bool closes = !key.told_closed && seen >= kJudgedRequests;
      if (key.changed == 0 && !closes) continue;
      const FailingKey merged = Merged(key.unit, seen >= kJudgedRequests);
      ForEachSeries(closes ? HitSeries(merged) : merged.changed,
                    [&](std::size_t series) { records.push_back(RecordOf(merged, series, seen)); });
    }
  }
}

/// What all cores know of one key, which is told now.
FailingKey RolloutTally::Merged(std::uint64_t unit, bool closed) {
  FailingKey merged;
  merged.unit = unit;
  for (const auto& cell : cells_) {
    FailingKey* key = cell->keys.Find(unit);
    if (key == nullptr) continue;
    merged.canary = key->canary;
    merged.changed |= std::exchange(key->changed, SeriesSet{0});
    key->told_closed = closed;
    for (std::size_t i = 0; i < kRolloutSeries; ++i) merged.ranks[i].Add(key->ranks[i]);
  }
  return merged;
}

void RolloutTally::PutBack(const std::vector<KeyRecord>& records) {
  for (const KeyRecord& record : records) {
    for (const auto& cell : cells_) {
      const std::lock_guard lock(cell->mutex);
      FailingKey* key = cell->keys.Find(record.unit);
      if (key == nullptr || !key->ranks[record.series].any()) continue;
      key->changed |= static_cast<SeriesSet>(1U << record.series);
      break;
    }
  }
}

std::shared_ptr<RolloutTally> RolloutTallies::Of(const RolloutMark& mark) {
  const std::lock_guard lock(mutex_);
  for (Entry& entry : tallies_) {
    const RolloutMark& known = entry.tally->mark();
    if (known.id != mark.id || known.epoch != mark.epoch) continue;
    entry.left = false;
    return entry.tally;
  }
  tallies_.push_back({std::make_shared<RolloutTally>(mark, cores_)});
  return tallies_.back().tally;
}

std::vector<std::shared_ptr<RolloutTally>> RolloutTallies::All() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<RolloutTally>> all;
  all.reserve(tallies_.size());
  for (const Entry& entry : tallies_) all.push_back(entry.tally);
  return all;
}

void RolloutTallies::Keep(const std::vector<RolloutMark>& live) {
  const std::lock_guard lock(mutex_);
  std::erase_if(tallies_, [&](Entry& entry) {
    const bool named = std::any_of(live.begin(), live.end(), [&](const RolloutMark& mark) {
      return mark.id == entry.tally->mark().id && mark.epoch == entry.tally->mark().epoch;
    });
    const bool counts_no_more = !named && entry.tally.use_count() == 1;
    return std::exchange(entry.left, counts_no_more) && counts_no_more;
  });
}

}  // namespace podium::view
