// The port to hearing of changes, other processes' too: publisher and app wait here, and do not
// know which database tells them.
#pragma once

#include <chrono>

#include "base/result.h"

namespace podium::store {

/// Threads: Wait and Rest on one thread at a time; Stop on any.
class ChangeWatch {
 public:
  virtual ~ChangeWatch() = default;

  /// True as soon as the registry may have another revision than at the last true, or may want
  /// another version loaded, by a commit of this process or another one; false when nothing was
  /// within `patience`, or after Stop. Costs, evidence and beats are committed all the time and are
  /// nobody's news. The first call after an error says true: what happened meanwhile is not known.
  /// What is told twice, or in vain, costs a look at the revision. kUnavailable when the database
  /// does not tell, at once: the caller pauses.
  virtual Result<bool> Wait(std::chrono::milliseconds patience) = 0;
  /// Sleeps, unless and until stopped: between two attempts at a database that does not tell.
  virtual void Rest(std::chrono::milliseconds duration) = 0;
  /// Ends the Wait or Rest under way, and all later ones at once.
  virtual void Stop() = 0;
};

}  // namespace podium::store
