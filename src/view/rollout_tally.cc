#include "view/rollout_tally.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/assert.h"
#include "base/limits.h"

namespace podium::view {
namespace {

using SharedCounter = std::atomic<std::uint64_t>;

/// One writer: a load and a store, no locked instruction. Who sees the count also sees those that
/// went before it.
void AddOne(SharedCounter& counter) {
  counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

int ShiftOf(std::size_t seen_cells) {
  return seen_cells == 0 ? 0 : 64 - std::countr_zero(seen_cells);
}

/// How many requests of a key there were before this one, at most 255. Two keys may share a cell:
/// then fewer of their requests are judged, of both arms alike.
std::uint8_t NextOf(std::atomic<std::uint8_t>& cell) {
  std::uint8_t before = cell.load(std::memory_order_relaxed);
  // Not an addition: two cores must never carry a cell beyond its end.
  while (before != UINT8_MAX &&
         !cell.compare_exchange_weak(before, static_cast<std::uint8_t>(before + 1),
                                     std::memory_order_relaxed)) {
  }
  return before;
}

}  // namespace

struct alignas(64) RolloutTally::Cell {
  Cell(std::size_t most_keys, TallyMemory& memory) : keys(most_keys, memory) {}

  std::mutex mutex;
  FailingKeys keys;  // Protected by mutex.
};

TallyShape RolloutTally::ShapeOf(const RolloutMark& mark, std::size_t cores,
                                 std::size_t most_keys) {
  static_assert(std::has_single_bit(limits::kMaxSeenKeys));
  return {cores, IsSticky(mark.unit) ? limits::kMaxSeenKeys : 0, most_keys};
}

RolloutTally::RolloutTally(RolloutMark mark, std::size_t cores, std::size_t most_keys)
    : RolloutTally(mark, TallyMemory::OfProcess(ShapeOf(mark, cores, most_keys)), most_keys) {}

RolloutTally::RolloutTally(RolloutMark mark, std::unique_ptr<TallyMemory> memory,
                           std::size_t most_keys, std::uint64_t sequel)
    : mark_(std::move(mark)),
      sequel_(sequel),
      limits_(mark_.thresholds),
      memory_(std::move(memory)),
      counters_(memory_->cores()),
      seen_(memory_->seen()),
      seen_shift_(ShiftOf(seen_.size())),
      keep_(memory_->keep()) {
  const std::size_t cores = counters_.size();
  const std::size_t most = std::max<std::size_t>(most_keys / cores / FailingKeys::kParts, 1);
  cells_.reserve(cores);
  for (std::size_t i = 0; i < cores; ++i) cells_.push_back(std::make_unique<Cell>(most, *memory_));
}

RolloutTally::~RolloutTally() = default;

RolloutTicket RolloutTally::Admit(std::size_t core, bool canary, std::uint64_t unit) {
  RolloutTicket ticket{this, unit, canary, 0};
  ArmCounters& arm = counters_[core].arms[canary ? 1 : 0];
  if (keeps_keys()) {
    ticket.rank = std::min(NextOf(SeenOf(unit)), kLastRank);
    if (ticket.rank > 0) return ticket;
  }
  AddOne(arm.units);
  return ticket;
}

void RolloutTally::Ineligible(std::size_t core) { AddOne(counters_[core].ineligible); }

void RolloutTally::Record(std::size_t core, const RolloutTicket& ticket,
                          const RolloutOutcome& outcome) {
  PODIUM_ASSERT(ticket.tally == this);
  const SeriesSet bad = limits_.Bad(outcome);
  if (outcome.abandoned && bad == 0) return;
  ArmCounters& arm = counters_[core].arms[ticket.canary ? 1 : 0];
  AddOne(arm.requests);
  if (bad == 0) return;
  ForEachSeries(bad, [&](std::size_t series) { AddOne(arm.bad[series]); });
  if (keeps_keys()) RecordKey(*cells_[core], ticket, bad);
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
  ForEachSeries(bad, [&](std::size_t series) { key->Add(series, ticket.rank); });
  key->changed |= bad;
}

ArmCounts RolloutTally::Counts(bool canary) const { return SumOf(counters_, canary); }

std::uint64_t RolloutTally::ineligible() const { return SumOfIneligible(counters_); }

std::vector<std::unique_lock<std::mutex>> RolloutTally::LockAll() {
  std::vector<std::unique_lock<std::mutex>> locks;
  locks.reserve(cells_.size());
  for (const auto& cell : cells_) locks.emplace_back(cell->mutex);
  return locks;
}

std::vector<KeyRecord> RolloutTally::TakeChanged() {
  std::vector<KeyRecord> records;
  if (!keeps_keys()) return records;
  for (std::size_t part = 0; part < FailingKeys::kParts; ++part) {
    const auto locks = LockAll();  // Anew for each part: no core waits for long.
    TakePart(part, records);
  }
  return records;
}

// REQUIRES: LockAll's locks, as Tell.
void RolloutTally::TakePart(std::size_t part, std::vector<KeyRecord>& records) {
  const std::uint32_t keep = keep_.load(std::memory_order_relaxed);
  for (const auto& cell : cells_) {
    for (const FailingKey& key : cell->keys.slots(part)) {
      // One that is not kept any more stays in the store as it was stored.
      if (!key.used() || !FailingKeys::IsKept(key.unit, keep)) continue;
      const std::uint8_t seen = SeenOf(key.unit).load(std::memory_order_relaxed);
      const bool closes = !key.told_closed && seen >= kJudgedRequests;
      if (key.changed != 0 || closes) Tell(key.unit, closes, seen, records);
    }
  }
}

/// What all cores know of one key: the series that have changed, or all as it closes.
void RolloutTally::Tell(std::uint64_t unit, bool closes, std::uint8_t seen,
                        std::vector<KeyRecord>& records) {
  MergedKey merged;
  merged.unit = unit;
  merged.seen = seen;
  SeriesSet changed = 0;
  for (const auto& cell : cells_) {
    FailingKey* key = cell->keys.Find(unit);
    if (key == nullptr) continue;
    merged.canary = key->canary();
    changed |= std::exchange(key->changed, SeriesSet{0});
    key->told_closed = seen >= kJudgedRequests;
    for (std::size_t i = 0; i < kRolloutSeries; ++i) merged.ranks[i].Add(key->ranks(i));
  }
  ForEachSeries(closes ? merged.hit() : changed,
                [&](std::size_t series) { records.push_back(merged.RecordOf(series)); });
}

void RolloutTally::PutBack(const std::vector<KeyRecord>& records) {
  for (const KeyRecord& record : records) {
    for (const auto& cell : cells_) {
      const std::lock_guard lock(cell->mutex);
      FailingKey* key = cell->keys.Find(record.unit);
      if (key == nullptr || !key->ranks(record.series).any()) continue;
      key->changed |= static_cast<SeriesSet>(1U << record.series);
      break;
    }
  }
}

// Epochs of a rollout only grow, unless its rows were set back.
std::uint64_t RolloutTallies::SequelOf(const RolloutMark& mark) {
  const auto [newest, first] = newest_.try_emplace(mark.id, mark.epoch);
  if (first) return 0;
  if (mark.epoch <= newest->second) return ++sequels_;
  newest->second = mark.epoch;
  return 0;
}

std::shared_ptr<RolloutTally> RolloutTallies::Of(const RolloutMark& mark) {
  const std::lock_guard lock(mutex_);
  for (Entry& entry : tallies_) {
    if (entry.tally->mark() != mark) continue;
    entry.left = false;
    return entry.tally;
  }
  const TallyShape shape = RolloutTally::ShapeOf(mark, cores_);
  const std::uint64_t sequel = SequelOf(mark);
  auto memory = folder_ ? folder_->Make(mark, shape, sequel) : TallyMemory::OfProcess(shape);
  tallies_.push_back(
      {std::make_shared<RolloutTally>(mark, std::move(memory), limits::kMaxFailingKeys, sequel)});
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
    const bool named = std::find(live.begin(), live.end(), entry.tally->mark()) != live.end();
    const bool counts_no_more = !named && entry.tally.use_count() == 1;
    if (!std::exchange(entry.left, counts_no_more) || !counts_no_more) return false;
    entry.tally->memory().Remove();
    return true;
  });
}

Status RolloutTallies::Prepare() {
  Status worst;
  for (const auto& tally : All()) {
    if (Status prepared = tally->memory().Prepare(); !prepared) worst = std::move(prepared);
  }
  return worst;
}

void RolloutTallies::Discard() {
  if (folder_) folder_->Remove();
}

}  // namespace podium::view
