// What an operator asks of a registry without a server: how it stands, and whether its audit trail
// is whole. On any SQL database, of any schema that this binary knows.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "domain/ids.h"
#include "store/audit_chain.h"
#include "store/commit.h"
#include "store/sql_connection.h"

namespace podium::store {

/// Called now and then with what is done of what there is.
using WorkProgress = std::function<void(std::int64_t done, std::int64_t total)>;

struct RegistryFacts {
  int schema = 0;  ///< 0: nothing of podium is there yet.
  Head head;
  std::int64_t routes = 0;
  std::int64_t versions = 0;  ///< Not the deleted ones.
  std::int64_t events = 0;    ///< In the outbox.
};
/// REQUIRES: a schema of 1 or more.
Result<RegistryFacts> ReadFacts(SqlConnection& connection, int schema);

/// Walks the whole chain, and that of MLflow's registry, in pieces, so that their length costs no
/// memory. The view is the caller's.
Result<AuditVerdict> WalkAudit(SqlConnection& connection, const WorkProgress& progress);

/// As many as fit above the revision in a generation.
inline constexpr std::uint32_t kMaxEpoch = (1U << (64 - kGenerationRevisionBits)) - 1;

/// Puts a new epoch, above the present one and above `above`, into the head, with an event: what
/// replicas have seen of another history is then older than everything from here on. Within a
/// transaction of the caller's. Returns the new head.
Result<Head> RaiseEpoch(SqlConnection& connection, std::uint32_t above, const std::string& reason,
                        WallTime now);

}  // namespace podium::store
