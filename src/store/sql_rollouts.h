// Rows of rollouts and of what was counted of them, on one connection. Callers own the transaction.
// Internal to the SQL adapters.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/decide.h"
#include "store/rollout_store.h"
#include "store/sql_connection.h"

namespace podium::store {

/// kUnprocessable when the row is there and cannot be read.
Result<std::optional<Rollout>> ReadRolloutRow(SqlConnection& connection, const RolloutId& id);
/// Its phase alone, since a row may hold a thousand epochs; nullopt for no row.
Result<std::optional<RolloutPhase>> ReadPhase(SqlConnection& connection, const RolloutId& id);
/// kConflict unless both parts of `pin` stand; kNotFound.
Status CheckPin(SqlConnection& connection, const RolloutId& id, const LookPin& pin);
Result<Page<Rollout>> ReadRolloutPage(SqlConnection& connection, const RolloutQuery& query,
                                      Revision before);

/// What a mutation has to know of its route's rollouts. One whose row cannot be read goes to
/// `faults`, and counts by the route's mark, or by one that is made up; a mark without a row that
/// runs counts for nothing. REQUIRES: route and versions of `state` are read.
Status ReadRolloutsOf(SqlConnection& connection, const Subject& subject, RouteSnapshot& state,
                      std::vector<RowFault>& faults);
/// The rollout and the verdict of `changes`, if it has them.
Status WriteRollout(SqlConnection& connection, const Changes& changes);

/// Ids of those that run.
Result<std::set<RolloutId>> ReadRunningIds(SqlConnection& connection);
Status WriteCount(SqlConnection& connection, const RolloutCount& count);
/// One row for each key, in the order of keys: what one statement may write.
std::vector<RolloutHit> MergedHits(std::span<const RolloutHit> hits);
/// The first so many of `hits`, all in one statement; how many they were. REQUIRES: MergedHits.
Result<std::size_t> WriteSomeHits(SqlConnection& connection, std::span<const RolloutHit> hits);
Result<std::vector<RolloutCount>> ReadCounts(SqlConnection& connection, const RolloutId& id);
/// As far as `evidence.versions` are not `known`; those are read first. REQUIRES: the rollout is
/// read.
Status ReadKeys(SqlConnection& connection, const EpochVersions& known, RolloutEvidence& evidence);
/// In the transaction that writes keys of that epoch, before them: it then waits for whoever
/// writes there too, so versions grow in the order of commits.
Status RaiseVersion(SqlConnection& connection, const RolloutId& id, std::uint32_t epoch);

Status WriteVerdict(SqlConnection& connection, const RolloutVerdict& verdict);
Result<LatestVerdicts> ReadLatestRows(SqlConnection& connection, const RolloutId& id);
Result<VerdictPage> ReadVerdictRows(SqlConnection& connection, const RolloutId& id,
                                    const VerdictQuery& query);

}  // namespace podium::store
