// `idempotency_keys` on one connection. Callers own the transaction. Internal to the SQL adapters.
#pragma once

#include <optional>

#include "base/result.h"
#include "store/idempotency.h"
#include "store/sql_connection.h"

namespace podium::store {

/// The answer to a request that was carried out under this key before; none when it was not.
Result<std::optional<Committed>> ReadReplay(SqlConnection& connection, const IdempotencyKey& key,
                                            WallTime now);
/// Keeps the key with the change it stands for, and forgets what is too old or too much.
Status KeepKey(SqlConnection& connection, const IdempotencyKey& key, const Promotion& audit);

}  // namespace podium::store
