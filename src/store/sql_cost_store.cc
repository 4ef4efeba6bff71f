// SqlStore as a CostStore. Where a database has one writer, records share it with the registry's
// changes, in transactions short enough that a promote does not notice.
#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "store/sql_costs.h"
#include "store/sql_store.h"

namespace podium::store {

Result<RecordedCosts> SqlStore::RecordCosts(std::span<const CostEvent> events) {
  RecordedCosts done;
  Writing writing;
  writing.turn = WriteTurn::kRecords;
  // Run again after a commit whose answer was lost, it finds its events there and moves no sum.
  writing.work = [&](SqlConnection& connection) -> Result<bool> {
    done = {};
    const SteadyTime deadline = clock_.SteadyNow() + limits::kRecordTransaction;
    DailySums sums;  // One row for each, whatever the number of events.
    std::span<const CostEvent> left = events.first(std::min(events.size(), limits::kCostBatch));
    while (!left.empty() && (done.taken == 0 || clock_.SteadyNow() < deadline)) {
      const std::size_t size =
          *std::ranges::find_if(kInsertSizes, [&](std::size_t one) { return one <= left.size(); });
      PODIUM_TRY_ASSIGN(const std::size_t inserted,
                        InsertCostEvents(connection, left.first(size), sums));
      done.inserted += inserted;
      done.taken += size;
      left = left.subspan(size);
    }
    for (const auto& [key, day] : sums.days()) PODIUM_TRY(AddToDay(connection, day));
    return true;
  };
  PODIUM_TRY(Write(writing));
  return done;
}

Result<std::size_t> SqlStore::DropCostEvents(WallTime before) {
  std::size_t dropped = 0;
  Writing writing;
  writing.turn = WriteTurn::kRecords;
  writing.work = [&](SqlConnection& connection) -> Result<bool> {
    dropped = 0;
    // Half of the time is left to the commit, which writes what was touched.
    const SteadyTime deadline = clock_.SteadyNow() + limits::kRecordTransaction / 2;
    while (true) {
      PODIUM_TRY_ASSIGN(const std::size_t some, DropSomeEvents(connection, before));
      dropped += some;
      const bool none_left = some < limits::kDropBatch;
      if (none_left || dropped >= limits::kCostBatch || clock_.SteadyNow() >= deadline) break;
    }
    return dropped > 0;
  };
  PODIUM_TRY(Write(writing));
  return dropped;
}

Result<std::vector<ModelCost>> SqlStore::ReadCosts(WallTime from, WallTime to) {
  return ReadValue<std::vector<ModelCost>>(
      [=](SqlConnection& connection) { return ReadModelCosts(connection, from, to); });
}

Result<std::vector<DailyCost>> SqlStore::ReadDailyCosts() {
  return ReadValue<std::vector<DailyCost>>(ReadDays);
}

Result<std::map<RouteName, ShadowCost>> SqlStore::ReadShadowCosts(WallTime from, WallTime to,
                                                                  const std::string& own) {
  return ReadValue<std::map<RouteName, ShadowCost>>(
      [&](SqlConnection& connection) { return ReadShadowSums(connection, from, to, own); });
}

Result<std::vector<CostEvent>> SqlStore::ReadCostEvents(const std::string& after, int limit) {
  return ReadValue<std::vector<CostEvent>>([&after, limit](SqlConnection& connection) {
    return ReadEventRows(connection, after, limit);
  });
}

Result<Price> SqlStore::AddPrice(const Price& price) {
  Price added = price;
  Writing writing;
  writing.turn = WriteTurn::kPrices;
  writing.work = [&](SqlConnection& connection) -> Result<bool> {
    PODIUM_TRY_ASSIGN(added.created_at, Now(connection));
    PODIUM_TRY_ASSIGN(added, InsertPrice(connection, added));
    return true;
  };
  // Nobody else adds the same price in the same microsecond, for the same reason, as the same row.
  writing.is_there = [&](SqlConnection& connection) -> Result<bool> {
    PODIUM_TRY_ASSIGN(const std::vector<Price> prices, ReadPriceRows(connection));
    return std::find(prices.begin(), prices.end(), added) != prices.end();
  };
  PODIUM_TRY(Write(writing));
  return added;
}

Result<std::vector<Price>> SqlStore::ReadPrices() {
  return ReadValue<std::vector<Price>>(ReadPriceRows);
}

}  // namespace podium::store
