// Where a thread stands when there is more to run than there are processors.
#pragma once

#include <string>

namespace podium {

/// Callers wait for the cores and for models; nobody waits as long for anything else. A thread that
/// stands behind is preempted as soon as one of those has something to do, and still gets its part
/// of a busy machine: a quarter beside one of them, or a tenth.
enum class ThreadPriority {
  kLive,       ///< As the process was started.
  kBehind,     ///< The registry, the journal, loads.
  kFarBehind,  ///< What may be dropped.
};

/// Of the calling thread, once: what tools of the system call it (fifteen characters are kept) and
/// where it stands, measured from how the process was started. Where the system refuses either the
/// work is done all the same.
void EnterThread(const std::string& name, ThreadPriority priority);

}  // namespace podium
