// `cost_events`, `model_daily_costs` and `prices` on one connection. Callers own the transaction.
// Internal to the SQL adapters.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/cost_store.h"
#include "store/sql_connection.h"

namespace podium::store {

/// Of how many events one statement may be. Few sizes: each is prepared once and kept.
inline constexpr std::array<std::size_t, 3> kInsertSizes = {64, 8, 1};
/// In one statement. Those that were not there yet are counted, and added to `sums`, which have to
/// move in the same transaction. REQUIRES: their number is one of kInsertSizes.
Result<std::size_t> InsertCostEvents(SqlConnection& connection, std::span<const CostEvent> events,
                                     DailySums& sums);
/// Adds what `day` holds to the row of its model and day.
Status AddToDay(SqlConnection& connection, const DailyCost& day);
/// At most limits::kDropBatch of the oldest events of before `before`; how many there were.
Result<std::size_t> DropSomeEvents(SqlConnection& connection, WallTime before);
Result<std::vector<ModelCost>> ReadModelCosts(SqlConnection& connection, WallTime from,
                                              WallTime to);
Result<std::map<RouteName, ShadowCost>> ReadShadowSums(SqlConnection& connection, WallTime from,
                                                       WallTime to, const std::string& own);
Result<std::vector<DailyCost>> ReadDays(SqlConnection& connection);
Result<std::vector<CostEvent>> ReadEventRows(SqlConnection& connection, const std::string& after,
                                             int limit);
/// kLimited beyond limits::kMaxPrices.
Result<Price> InsertPrice(SqlConnection& connection, Price price);
Result<std::vector<Price>> ReadPriceRows(SqlConnection& connection);

}  // namespace podium::store
