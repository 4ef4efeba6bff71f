// Rows of `model_audit` and the head of their chain, on one connection. Callers own the
// transaction. Internal to the SQL adapters.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "store/model_audit.h"
#include "store/registry_store.h"
#include "store/sql_connection.h"

namespace podium::store {

Result<ChainHead> ReadModelAuditHead(SqlConnection& connection);
/// The row, and the head that it moves.
Status WriteModelAudit(SqlConnection& connection, const ModelAudit& row);
/// Whether that very row is there.
Result<bool> HasModelAudit(SqlConnection& connection, const ModelAudit& row);
/// Those below row `before`, newest first.
Result<Page<ModelAudit>> ReadModelAuditPage(SqlConnection& connection, const ModelAuditQuery& query,
                                            std::int64_t before);
/// Walks the whole chain in pieces, so that its length costs no memory.
Result<AuditVerdict> WalkModelAudit(SqlConnection& connection);

}  // namespace podium::store
