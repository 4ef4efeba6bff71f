// `cost_events`, `model_daily_costs` and `prices` on one connection. Callers own the transaction.
// Internal to the SQLite adapter.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "store/cost_store.h"
#include "store/sqlite_connection.h"

namespace podium::store {

/// True when the event was not there yet; then the day's sums have moved too.
Result<bool> InsertCostEvent(Connection& connection, const CostEvent& event);
Result<std::vector<ModelCost>> ReadModelCosts(Connection& connection, WallTime from, WallTime to);
Result<std::vector<DailyCost>> ReadDays(Connection& connection);
Result<std::vector<CostEvent>> ReadEventRows(Connection& connection, const std::string& after,
                                             int limit);
/// kLimited beyond limits::kMaxPrices.
Result<Price> InsertPrice(Connection& connection, Price price);
Result<std::vector<Price>> ReadPriceRows(Connection& connection);

}  // namespace podium::store
