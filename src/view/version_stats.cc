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

// The histograms take 17 KB each, so one exists only where a request was seen.
class LazyHistogram {
 public:
  LazyHistogram() = default;
  ~LazyHistogram() { delete histogram_.load(); }
  LazyHistogram(const LazyHistogram&) = delete;
  LazyHistogram& operator=(const LazyHistogram&) = delete;

  void Record(std::chrono::nanoseconds value) {
    Histogram* histogram = histogram_.load(std::memory_order_relaxed);
    if (histogram == nullptr) {
      histogram = new Histogram();
      histogram_.store(histogram, std::memory_order_release);
    }
    histogram->Record(value);
  }
  void AddTo(HistogramSnapshot& sum) const {
    if (const Histogram* histogram = histogram_.load(std::memory_order_acquire)) {
      sum.Merge(histogram->Snapshot());
    }
  }
  void AddTo(std::optional<HistogramSnapshot>& sum) const {
    if (histogram_.load(std::memory_order_acquire) == nullptr) return;
    if (!sum) sum.emplace();
    AddTo(*sum);
  }

 private:
  std::atomic<Histogram*> histogram_{nullptr};
};

}  // namespace

struct VersionStats::Role {
  OutcomeCounters outcomes{};
  LazyHistogram latency;
  LazyHistogram first_token;
  LazyHistogram cost_nano_usd;

  void AddTo(RoleCounts& sum) const {
    view::AddTo(sum.outcomes, outcomes);
    latency.AddTo(sum.latency);
    first_token.AddTo(sum.first_token);
    cost_nano_usd.AddTo(sum.cost_nano_usd);
  }
};

struct alignas(64) VersionStats::Cell {
  Role plain;
  Role canary;
  OutcomeCounters overrides{};
  std::atomic<std::uint64_t> not_served{0};
  std::atomic<std::int64_t> last_updated_us{0};
  RowTime row_time;  // Of that core alone: no reader elsewhere.

  Role& RoleOf(bool as_canary) { return as_canary ? canary : plain; }
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
  Role& role = cell.RoleOf(canary);
  Bump(role.outcomes, outcome);
  role.latency.Record(latency);
  cell.Touch(now);
}

void VersionStats::RecordFirstToken(std::size_t core, bool canary, std::chrono::nanoseconds after) {
  cells_[core]->RoleOf(canary).first_token.Record(after);
}

void VersionStats::RecordCost(std::size_t core, bool canary, std::int64_t nano_usd) {
  // A histogram of whole numbers: that they are nanoseconds elsewhere is not its affair.
  cells_[core]->RoleOf(canary).cost_nano_usd.Record(std::chrono::nanoseconds(nano_usd));
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
