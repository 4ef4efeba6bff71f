// Rows of MLflow's registry, read and written on one connection. Callers own the transaction.
// Internal to the SQL adapters.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/model_decide.h"
#include "store/model_store.h"
#include "store/sql_connection.h"

namespace podium::store {

/// kUnprocessable for a row that was changed into something unreadable.
Result<std::optional<RegisteredModel>> ReadModelRow(SqlConnection& connection,
                                                    const std::string& name);
/// Without aliases; deleted ones too.
Result<std::optional<RegisteredVersion>> ReadModelVersionRow(SqlConnection& connection,
                                                             const std::string& name,
                                                             std::int64_t number);
Result<AliasMap> ReadAliases(SqlConnection& connection, const std::string& name);
/// Of all models that `names` holds, in few round trips. Names may come twice.
Result<std::map<std::string, AliasMap>> ReadAliasesOfAll(SqlConnection& connection,
                                                         const std::vector<std::string>& names);
/// Per stage the highest number, by number; without aliases.
Result<std::vector<RegisteredVersion>> ReadLatest(SqlConnection& connection,
                                                  const std::string& name);
Result<ModelSnapshot> ReadModelSnapshot(SqlConnection& connection, const ModelSubject& subject);

/// Rows and aliases; audit row and event are the caller's.
Status WriteModelChanges(SqlConnection& connection, const ModelChanges& changes);

/// A place in a table: behind this name and number.
struct ModelPlace {
  std::string name;
  std::int64_t number = 0;
};

/// Candidates in pieces of limits::kModelScanRows, so that the length of the table costs no memory:
/// those behind `place`, by name and number, are added to `rows`, and `place` moves. False at the
/// end. A row that cannot be read is passed over: a list goes on without it.
Result<bool> ReadModelsAfter(SqlConnection& connection, ModelPlace& place,
                             std::vector<RegisteredModel>& rows);
/// Of one model or run if `filter` pins one, else of all.
Result<bool> ReadModelVersionsAfter(SqlConnection& connection, const Filter& filter,
                                    ModelPlace& place, std::vector<RegisteredVersion>& rows);

}  // namespace podium::store
