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
Stamp MakeStamp(const Head& head, const Clock& clock, Rng& rng);

/// INV-2: what is written beside the rows, in the same transaction.
struct Sealed {
  Promotion audit;    ///< With its place in the hash chain.
  OutboxEvent event;  ///< Without its sequence, which the table gives.
  Head head;          ///< As it will be.
};
Sealed Seal(const Changes& changes, const Head& head);

/// The answer to a mutation that changed something, or (`head` as it was) nothing.
Committed Answer(Changes changes, const Sealed& sealed);
Committed AnswerUnchanged(Changes changes, const Head& head);

}  // namespace podium::store
