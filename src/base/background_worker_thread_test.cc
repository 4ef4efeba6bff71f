#include "base/background_worker.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

namespace podium {
namespace {

/// Work that is counted, and a wait for its end without a length of time.
struct Pile {
  bool Take() {
    const std::lock_guard lock(mutex);
    if (left == 0) return false;
    if (--left == 0) done.notify_all();
    return true;
  }
  void Put(int count) {
    const std::lock_guard lock(mutex);
    left += count;
  }
  void Await() {
    std::unique_lock lock(mutex);
    done.wait(lock, [this] { return left == 0; });
  }
  std::mutex mutex;
  std::condition_variable done;
  int left = 0;
};

// However the threads stand (working, looking, asleep), a nudge behind the work gets it done.
TEST(BackgroundWorker, DoesWhatItIsNudgedFor) {
  Pile pile;
  BackgroundWorker worker("test", 2, [&] { return pile.Take(); });
  for (int i = 0; i < 2000; ++i) {
    pile.Put(1 + i % 3);
    worker.Nudge();
    pile.Await();
  }
}

TEST(BackgroundWorker, LeavesWhatIsLeftWhenItStops) {
  Pile pile;
  BackgroundWorker worker("test", 0, [&] { return pile.Take(); });
  pile.Put(3);
  worker.Nudge();
  worker.Stop();
  worker.Stop();
  EXPECT_EQ(pile.left, 3);
}

}  // namespace
}  // namespace podium
