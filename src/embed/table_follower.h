// Keeps a snapshot of a registry's table: reads what changed, compiles it, hands it out.
#pragma once

#include <podium/registry.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/rng.h"
#include "routing/table.h"
#include "store/registry_store.h"
#include "store/row_faults.h"

namespace podium::v1 {

/// Passive: whoever changed the table, or finds the snapshot old, calls Refresh.
/// Threads: all methods from any thread; one refresh at a time, and nothing else waits for it.
/// INV-3: the generations of Current never decrease. INV-4: a row that makes no sense is set aside;
/// a table that cannot be read keeps the snapshot.
class TableFollower {
 public:
  /// `store` and `clock` outlive this.
  TableFollower(store::RegistryStore& store, const podium::Clock& clock, std::shared_ptr<Rng> rng,
                std::vector<std::string> providers);

  podium::Status Refresh();
  Snapshot Current() const;
  Health health() const;

  /// True for one caller when nobody looked at the table for `ttl`: it owes a Refresh and then a
  /// ReleaseLook. Until then nobody else is asked, and after it not for another `ttl`.
  bool ClaimLook(std::chrono::nanoseconds ttl);
  void ReleaseLook();
  /// Why a look that was owed did not come to be.
  void NoteTrouble(const podium::Error& error);

 private:
  podium::Status Read();  // REQUIRES: reading_ held.
  void Absorb(store::TableDelta delta);
  std::vector<std::string> SetAside() const;
  void NoteConfirmed();

  store::RegistryStore& store_;
  const podium::Clock& clock_;
  const std::shared_ptr<Rng> rng_;
  const std::vector<std::string> providers_;

  std::mutex reading_;  // One refresh at a time; also protects the next five members.
  routing::TableCompiler compiler_;
  bool read_before_ = false;
  std::uint32_t epoch_ = 0;
  Revision revision_;
  store::RowFaults row_faults_;

  mutable std::mutex state_mutex_;  // Protects all below; held for moments only.
  Snapshot current_;
  Health health_;
  SteadyTime looked_at_;
  bool look_claimed_ = false;
};

}  // namespace podium::v1
