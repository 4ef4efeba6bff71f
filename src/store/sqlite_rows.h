// Rows of the registry's tables, read and written on one connection. Callers own the transaction.
// Internal to the SQLite adapter.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/commit.h"
#include "store/decide.h"
#include "store/registry_store.h"
#include "store/sqlite_connection.h"

namespace podium::store {

Result<Head> ReadHead(Connection& connection);

/// The next row of a statement of sql.h over model_registry, or why it cannot be read.
Result<ModelVersion> ReadVersionRow(const Query& row);
Result<Promotion> ReadPromotionRow(const Query& row);

/// kUnprocessable when the row is there and cannot be read.
Result<std::optional<ModelVersion>> ReadVersion(Connection& connection, const ModelId& id);
/// With its arms; an arm that cannot be read is left out and noted in `faults`.
Result<std::optional<Route>> ReadRouteRow(Connection& connection, const RouteName& name,
                                          std::vector<RowFault>& faults);
/// All rows of a statement over model_registry that is bound; unreadable ones go to `faults`.
Result<std::vector<ModelVersion>> ReadVersions(Query& query, std::vector<RowFault>& faults);
Result<std::vector<Route>> ReadRoutesSince(Connection& connection, Revision since,
                                           std::vector<RowFault>& faults);
Result<RouteSnapshot> ReadSnapshot(Connection& connection, const Subject& subject,
                                   std::vector<RowFault>& faults);

/// Rows, history, audit row, event and head, in the order that the triggers and indexes ask for.
/// `state` and `head` are as they were read.
Status WriteChanges(Connection& connection, const RouteSnapshot& state, const Changes& changes,
                    const Sealed& sealed, const Head& head);

}  // namespace podium::store
