// The port through which control's folders ask for a publish and learn how the view stands.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "domain/ids.h"
#include "domain/model.h"
#include "routing/table.h"
#include "view/core_view.h"

namespace podium::view {

/// How this replica's view stands against the table.
struct PublishState {
  ViewPtr view;             ///< The newest one that every core has; never null.
  SteadyTime confirmed_at;  ///< When the table was last found to be what the view shows.
  std::string trouble;      ///< Why the last read of the table failed; empty when it did not.
  std::uint64_t failed_reads = 0;
  std::uint64_t publishes = 0;
  std::vector<routing::CompileFault> faults;  ///< Rows set aside (invariant 4).
};

/// Threads: all methods from any thread but the cores'.
class PublishPort {
 public:
  virtual ~PublishPort() = default;
  /// Returns once every core has acknowledged a view that contains `revision`. An error means that
  /// the table could not be read, or not yet with that revision: the commit stands, the poll will
  /// bring it.
  virtual Status PublishAtLeast(Revision revision) = 0;
  /// After a commit that nobody could read back, or whose answer was lost: keeps `warm`, the models
  /// that it made live if it is in, until the table has been read at `revision` or later (0 when it
  /// is not known); and tries to read it.
  virtual void KeepUntilRead(std::vector<ModelHandle> warm, Revision revision) = 0;
  virtual PublishState state() const = 0;
};

}  // namespace podium::view
