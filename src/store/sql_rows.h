// Rows of the registry's tables, read and written on one connection. Callers own the transaction.
// Internal to the SQL adapters.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/commit.h"
#include "store/decide.h"
#include "store/registry_store.h"
#include "store/sql_connection.h"

namespace podium::store {

Result<Head> ReadHead(SqlConnection& connection);
Status MoveHead(SqlConnection& connection, const Head& head);
Status WriteEvent(SqlConnection& connection, const OutboxEvent& event);

/// The next row of a statement of sql.h over model_registry, or why it cannot be read.
Result<ModelVersion> ReadVersionRow(const Query& row);
Result<Promotion> ReadPromotionRow(const Query& row);

/// kUnprocessable when the row is there and cannot be read.
Result<std::optional<ModelVersion>> ReadVersion(SqlConnection& connection, const ModelId& id);
/// With its arms; an arm that cannot be read, or what the route follows, is left out and noted in
/// `faults`. kUnprocessable when the rest cannot be read.
Result<std::optional<Route>> ReadRouteRow(SqlConnection& connection, const RouteName& name,
                                          std::vector<RowFault>& faults);
/// kUnprocessable when a route of those faults was read without what it follows: nobody may then
/// change the route, or be told that its own verbs drive it.
Status CheckFollowRead(const std::vector<RowFault>& faults);
/// All rows of a statement over model_registry that is bound; unreadable ones go to `faults`.
Result<std::vector<ModelVersion>> ReadVersions(Query& query, std::vector<RowFault>& faults);
Result<std::vector<Route>> ReadRoutesSince(SqlConnection& connection, Revision since,
                                           std::vector<RowFault>& faults);
Result<RouteSnapshot> ReadSnapshot(SqlConnection& connection, const Subject& subject,
                                   std::vector<RowFault>& faults);

Status WriteEvent(SqlConnection& connection, const OutboxEvent& event);
Status MoveHead(SqlConnection& connection, const Head& head);

/// Rows, history, audit row, event and head, in the order that the triggers and indexes ask for.
/// `state` and `head` are as they were read.
Status WriteChanges(SqlConnection& connection, const RouteSnapshot& state, const Changes& changes,
                    const Sealed& sealed, const Head& head);

}  // namespace podium::store
