// `cost_events`, `model_daily_costs` and `prices` on one connection. Callers own the transaction.
// Internal to the SQLite adapter.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "store/cost_store.h"
#include "store/sqlite_connection.h"

namespace podium::store {

/// True when the event was not there yet; then the sums of its day have to move in the same
/// transaction.
Result<bool> InsertCostEvent(Connection& connection, const CostEvent& event);
/// Adds what `day` holds to the row of its model and day.
Status AddToDay(Connection& connection, const DailyCost& day);
Result<std::vector<ModelCost>> ReadModelCosts(Connection& connection, WallTime from, WallTime to);
Result<std::vector<DailyCost>> ReadDays(Connection& connection);
Result<std::vector<CostEvent>> ReadEventRows(Connection& connection, const std::string& after,
                                             int limit);
/// kLimited beyond limits::kMaxPrices.
Result<Price> InsertPrice(Connection& connection, Price price);
Result<std::vector<Price>> ReadPriceRows(Connection& connection);

}  // namespace podium::store
