// A place counted from zero would lift a process that was started low above itself.
#include "base/thread_priority.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

namespace podium {
namespace {

int Niceness() { return getpriority(PRIO_PROCESS, static_cast<id_t>(gettid())); }

/// Of a thread that was at `start` steps and then took `priority`.
int After(int start, ThreadPriority priority) {
  int found = 0;
  std::thread([&] {
    EXPECT_EQ(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), start), 0);
    EnterThread("of a test", priority);
    found = Niceness();
  }).join();
  return found;
}

TEST(ThreadPriority, IsCountedFromWhereTheThreadStands) {
  const int here = Niceness();
  for (const int start : {here, std::min(here + 3, 19)}) {
    EXPECT_EQ(After(start, ThreadPriority::kLive), start);
    EXPECT_EQ(After(start, ThreadPriority::kBehind), std::min(start + 5, 19));
    EXPECT_EQ(After(start, ThreadPriority::kFarBehind), std::min(start + 10, 19));
  }
  EXPECT_EQ(Niceness(), here) << "the others stay where they are";
}

}  // namespace
}  // namespace podium
