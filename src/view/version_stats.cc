#include "view/version_stats.h"

#include <algorithm>

#include "view/row_time.h"

namespace podium::view {
namespace {

using OutcomeCounters = std::array<std::atomic<std::uint64_t>, kOutcomes>;

void Bump(std::atomic<std::uint64_t>& counter) {
  counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

void Bump(OutcomeCounters& counters, Outcome outcome) {
  Bump(counters[static_cast<std::size_t>(outcome)]);
}

void AddTo(OutcomeCounts& sum, const OutcomeCounters& counters) {
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    sum[i] += counters[i].load(std::memory_order_relaxed);
  }
}

}  // namespace

// The histograms take 17 KB each, so one exists only where a request was seen.
struct VersionStats::Role {
  OutcomeCounters outcomes{};
  std::atomic<Histogram*> latency{nullptr};

  ~Role() { delete latency.load(); }

  Histogram& Latency() {
    Histogram* histogram = latency.load(std::memory_order_relaxed);
    if (histogram == nullptr) {
      histogram = new Histogram();
      latency.store(histogram, std::memory_order_release);
    }
    return *histogram;
  }

  void AddTo(RoleCounts& sum) const {
    view::AddTo(sum.outcomes, outcomes);
    if (const Histogram* histogram = latency.load(std::memory_order_acquire)) {
      sum.latency.Merge(histogram->Snapshot());
    }
  }
};

struct alignas(64) VersionStats::Cell {
  Role plain;
  Role canary;
  OutcomeCounters overrides{};
  std::atomic<std::uint64_t> not_served{0};
  std::atomic<std::int64_t> last_updated_us{0};
  RowTime row_time;  // Of that core alone: no reader elsewhere.

  void Touch(WallTime now) {
    last_updated_us.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  }
};

VersionStats::VersionStats(std::size_t cores) {
  cells_.reserve(cores);
  for (std::size_t i = 0; i < cores; ++i) cells_.push_back(std::make_unique<Cell>());
}

VersionStats::~VersionStats() = default;

void VersionStats::Record(std::size_t core, bool canary, Outcome outcome,
                          std::chrono::nanoseconds latency, WallTime now) {
  Cell& cell = *cells_[core];
  Role& role = canary ? cell.canary : cell.plain;
  Bump(role.outcomes, outcome);
  role.Latency().Record(latency);
  cell.Touch(now);
}

void VersionStats::RecordOverride(std::size_t core, Outcome outcome, WallTime now) {
  Bump(cells_[core]->overrides, outcome);
  cells_[core]->Touch(now);
}

void VersionStats::RecordNotServed(std::size_t core) { Bump(cells_[core]->not_served); }

void VersionStats::ObserveRowTime(std::size_t core, std::chrono::nanoseconds per_row) {
  cells_[core]->row_time.Observe(per_row);
}

std::optional<std::chrono::nanoseconds> VersionStats::TimePerRow(std::size_t core) const {
  return cells_[core]->row_time.value();
}

StatsSnapshot VersionStats::Snapshot() const {
  StatsSnapshot sum;
  std::int64_t last = 0;
  for (const auto& cell : cells_) {
    cell->plain.AddTo(sum.plain);
    cell->canary.AddTo(sum.canary);
    AddTo(sum.overrides, cell->overrides);
    sum.not_served += cell->not_served.load(std::memory_order_relaxed);
    last = std::max(last, cell->last_updated_us.load(std::memory_order_relaxed));
  }
  sum.last_updated = WallTime(std::chrono::microseconds(last));
  return sum;
}

}  // namespace podium::view
