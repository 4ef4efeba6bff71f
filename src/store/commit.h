// What surrounds Decide in every adapter's transaction: the stamp before it, the sealed audit row,
// event and head behind it. Nothing here touches a database.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/rng.h"
#include "domain/ids.h"
#include "store/audit_chain.h"
#include "store/decide.h"
#include "store/registry_store.h"

namespace podium::store {

/// The single row of `registry_revision`.
struct Head {
  std::uint32_t epoch = 0;
  Revision revision;
  ChainHead chain;
  WallTime at;  ///< Time of the last commit.
};

/// The database's clock: never before the last commit, whatever the machine's clock does.
Stamp MakeStamp(const Head& head, WallTime clock, Rng& rng);

/// INV-2: what is written beside the rows, in the same transaction.
struct Sealed {
  Promotion audit;    ///< With its place in the hash chain.
  OutboxEvent event;  ///< Without its sequence, which the table gives.
  Head head;          ///< As it will be.
};
Sealed Seal(const Changes& changes, const Head& head);

/// Whether a registry with that head does not continue what was seen. `audit_then` is the hash of
/// its newest audit row at or below seen.revision.
bool HasLost(const Head& head, const std::string& audit_then, const SeenHistory& seen);

/// A new epoch above the head's and what was seen: the head as it will be, and its event.
struct RaisedEpoch {
  Head head;
  OutboxEvent event;
};
RaisedEpoch RaiseAbove(const Head& head, const SeenHistory& seen, const std::string& by,
                       WallTime now);

/// The answer to a mutation that changed something, or (`head` as it was) nothing.
Committed Answer(Changes changes, const Sealed& sealed);
Committed AnswerUnchanged(Changes changes, const Head& head);

}  // namespace podium::store
