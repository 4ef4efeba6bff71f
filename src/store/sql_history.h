// `route_history` on one connection. Callers own the transaction. Internal to the SQL adapters.
//
// Triggers mark what changes (kHistoryTriggers in the schema), so that a change by SQL is noticed
// too; the input itself is always written from here, by the pure functions of route_history.h: for
// a mutation at once, for a change by SQL at the next mutation of the route.
#pragma once

#include "base/result.h"
#include "store/registry_store.h"
#include "store/route_history.h"
#include "store/sql_connection.h"

namespace podium::store {

/// Brings the route's history along with its rows, which are written already, and drops what is
/// older than kept. REQUIRES: the head is still `head`.
Status KeepHistory(SqlConnection& connection, const RouteSnapshot& state, const Changes& changes,
                   const Sealed& sealed, const Head& head);
/// Gives the rows that a migration marked their input.
Status FillHistory(SqlConnection& connection);
Result<RouteStanding> ReadTrail(SqlConnection& connection, const RouteName& route,
                                const HistoryPoint& point);
Result<RouteAt> ReadHistory(SqlConnection& connection, const RouteName& route,
                            const HistoryPoint& point);

}  // namespace podium::store
