// Costs and prices in this process's memory: for tests.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "store/cost_store.h"

namespace podium::store {

/// Threads: all methods from any thread; one lock over everything.
class MemoryCostStore final : public CostStore {
 public:
  /// `clock` must outlive the store.
  explicit MemoryCostStore(const Clock& clock) : clock_(clock) {}

  Result<RecordedCosts> RecordCosts(std::span<const CostEvent> events) override;
  Result<std::vector<ModelCost>> ReadCosts(WallTime from, WallTime to) override;
  Result<std::vector<DailyCost>> ReadDailyCosts() override;
  Result<std::map<RouteName, ShadowCost>> ReadShadowCosts(WallTime from, WallTime to,
                                                          const std::string& own) override;
  Result<std::vector<CostEvent>> ReadCostEvents(const std::string& after, int limit) override;
  Result<std::size_t> DropCostEvents(WallTime before) override;
  Result<Price> AddPrice(const Price& price) override;
  Result<std::vector<Price>> ReadPrices() override;

 private:
  const Clock& clock_;
  std::mutex mutex_;                         // Over all below.
  std::map<std::string, CostEvent> events_;  // By id.
  DailySums sums_;
  std::vector<Price> prices_;
};

}  // namespace podium::store
