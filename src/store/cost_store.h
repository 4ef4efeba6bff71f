// The port to what calls have cost and what they are charged by. Records, not routing input: they
// take no revision and reach no core.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/money.h"
#include "base/result.h"
#include "domain/cost_event.h"
#include "domain/ids.h"
#include "domain/price.h"

namespace podium::store {

/// What became of a batch of events.
struct RecordedCosts {
  std::size_t taken = 0;     ///< From the front: these are in the store now.
  std::size_t inserted = 0;  ///< Of those, the ones that were not there yet.
};

/// What one model has cost in a window of time.
struct ModelCost {
  std::string model_id;
  NanoUsd cost;  ///< Of the calls whose price is known.
  std::int64_t calls = 0;
  std::int64_t tokens_in = 0;
  std::int64_t tokens_out = 0;
  std::int64_t priced_tokens = 0;    ///< Of the tokens, those of calls whose price is known.
  std::int64_t unpriced_calls = 0;   ///< Of calls: their cost is not known.
  std::int64_t estimated_calls = 0;  ///< Of calls: their usage is an estimate.
  bool operator==(const ModelCost&) const = default;
};

/// What copies of calls to one route have cost.
struct ShadowCost {
  NanoUsd all;  ///< Of all replicas, as far as their events have got here.
  NanoUsd own;  ///< Of these, the events of the asker.
  bool operator==(const ShadowCost&) const = default;
};

/// A row of `model_daily_costs`.
struct DailyCost {
  std::string model_id;
  std::string day;  ///< "2026-03-09", UTC.
  std::int64_t calls = 0;
  NanoUsd cost;
  std::int64_t tokens = 0;
  std::int64_t unpriced_calls = 0;
  bool operator==(const DailyCost&) const = default;
};

/// Threads: all methods from any thread. A busy database is waited for, as in RegistryStore.
class CostStore {
 public:
  virtual ~CostStore() = default;

  /// INV-11: inserts events by their ids, those that are known are passed over, and moves the daily
  /// sums by what was inserted, in one transaction. It takes from the front what
  /// limits::kRecordTransaction and limits::kCostBatch allow, one at least.
  /// REQUIRES: Bounded events, of which there is one at least.
  virtual Result<RecordedCosts> RecordCosts(std::span<const CostEvent> events) = 0;
  /// Events of [from, to), added up by model; the most expensive first, then by model.
  virtual Result<std::vector<ModelCost>> ReadCosts(WallTime from, WallTime to) = 0;
  /// All days of all models, by model and day.
  virtual Result<std::vector<DailyCost>> ReadDailyCosts() = 0;
  /// What copies to shadows have cost in [from, to), by route; routes without any are left out.
  /// `own`: what the ids of the asker's events begin with.
  virtual Result<std::map<RouteName, ShadowCost>> ReadShadowCosts(WallTime from, WallTime to,
                                                                  const std::string& own) = 0;
  /// By id, those after `after`: for checks of the sums.
  virtual Result<std::vector<CostEvent>> ReadCostEvents(const std::string& after, int limit) = 0;

  /// Removes events of before `before`, the oldest first, in one transaction that takes what
  /// limits::kRecordTransaction allows; how many went, 0 when none is left. Daily sums stay.
  virtual Result<std::size_t> DropCostEvents(WallTime before) = 0;

  /// Adds the row and returns it with its id and time. kLimited beyond limits::kMaxPrices.
  /// REQUIRES: CheckPrice.
  virtual Result<Price> AddPrice(const Price& price) = 0;
  /// All rows, those of the past and of the future included, by id.
  virtual Result<std::vector<Price>> ReadPrices() = 0;
};

/// "2026-03-09" of a moment, UTC.
std::string DayOf(WallTime time);

/// What events add to the days of their models.
class DailySums {
 public:
  using Key = std::pair<std::string, std::chrono::sys_days>;

  void Add(const CostEvent& event);
  const std::map<Key, DailyCost>& days() const { return days_; }

 private:
  std::map<Key, DailyCost> days_;
};

}  // namespace podium::store
