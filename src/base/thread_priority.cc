#include "base/thread_priority.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

namespace podium {
namespace {

// Steps of the kernel's niceness: each is a weight of 1.25. Never so many that a lock of the
// allocator held behind would make one of the cores wait for long.
constexpr int StepsBehind(ThreadPriority priority) {
  switch (priority) {
    case ThreadPriority::kLive:
      return 0;
    case ThreadPriority::kBehind:
      return 5;
    case ThreadPriority::kFarBehind:
      return 10;
  }
  return 0;
}

constexpr std::size_t kNameBytes = 15;  // The kernel refuses a longer one whole.

}  // namespace

void EnterThread(const std::string& name, ThreadPriority priority) {
  pthread_setname_np(pthread_self(), name.substr(0, kNameBytes).c_str());
  const int steps = StepsBehind(priority);
  if (steps == 0) return;
  // On Linux a thread has a priority of its own.
  const auto self = static_cast<id_t>(gettid());
  errno = 0;
  const int now = getpriority(PRIO_PROCESS, self);  // -1 is one, too.
  if (errno != 0) return;
  (void)setpriority(PRIO_PROCESS, self, now + steps);
}

}  // namespace podium
