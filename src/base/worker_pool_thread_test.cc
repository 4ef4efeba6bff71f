// The pool's queue is a limit (invariant 16), and what it has taken it runs: a job that vanishes is
// a request that never ends.
#include "base/worker_pool.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <latch>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace podium {
namespace {

/// Holds every thread of a pool until the test lets go.
class Blocker {
 public:
  Blocker(WorkerPool& pool, int threads) : entered_(threads) {
    for (int i = 0; i < threads; ++i) {
      EXPECT_TRUE(pool.Submit([this] {
        entered_.count_down();
        released_.wait();
      }));
    }
    entered_.wait();
  }
  void Release() { released_.count_down(); }

 private:
  std::latch entered_;
  std::latch released_{1};
};

TEST(WorkerPool, Invariant16QueueTakesItsLimitAndNotOneMore) {
  constexpr std::size_t kLimit = 3;
  std::atomic<int> ran{0};
  WorkerPool pool("test", 2, kLimit);
  Blocker blocker(pool, 2);  // Running jobs do not count.
  for (std::size_t i = 0; i < kLimit; ++i) EXPECT_TRUE(pool.Submit([&] { ++ran; })) << i;
  EXPECT_EQ(pool.queued(), kLimit);
  const Status refused = pool.Submit([&] { ran += 100; });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kLimited);
  blocker.Release();
  pool.Stop();
  EXPECT_EQ(ran, 3) << "what was refused never runs";
}

TEST(WorkerPool, StopRunsWhatIsQueuedAndRefusesTheRest) {
  std::atomic<int> ran{0};
  WorkerPool pool("test", 1, 100);
  Blocker blocker(pool, 1);
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(pool.Submit([&] { ++ran; }));
  blocker.Release();
  pool.Stop();
  EXPECT_EQ(ran, 50);
  const Status refused = pool.Submit([&] { ++ran; });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  pool.Stop();
  EXPECT_EQ(ran, 50);
}

TEST(WorkerPool, OneThreadKeepsTheOrder) {
  std::vector<int> order;
  {
    WorkerPool pool("a name beyond the kernel's fifteen characters", 1, 100);
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(pool.Submit([&order, i] { order.push_back(i); }));
  }
  ASSERT_EQ(order.size(), 100U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(WorkerPool, UsesAllItsThreads) {
  std::set<std::thread::id> ids;
  std::mutex mutex;
  WorkerPool pool("test", 4, 100);
  std::latch together(4);
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(pool.Submit([&] {
      {
        const std::lock_guard lock(mutex);
        ids.insert(std::this_thread::get_id());
      }
      together.arrive_and_wait();  // Would never end with fewer than four threads.
    }));
  }
  pool.Stop();
  EXPECT_EQ(ids.size(), 4U);
}

// On one processor a core must not wait until a transaction that nobody waits for has had its turn.
TEST(WorkerPool, ItsThreadsStandBehindThoseOfCallersUnlessCallersWaitForThem) {
  const auto niceness = [] { return getpriority(PRIO_PROCESS, static_cast<id_t>(gettid())); };
  const auto niceness_in = [&](ThreadPriority priority) {
    int found = 0;
    WorkerPool pool("test", 1, 1, priority);
    EXPECT_TRUE(pool.Submit([&] { found = niceness(); }));
    pool.Stop();
    return found;
  };
  const int here = niceness();
  EXPECT_EQ(niceness_in(ThreadPriority::kLive), here);
  EXPECT_EQ(niceness_in(ThreadPriority::kBehind), std::min(here + 5, 19));
  EXPECT_EQ(niceness_in(ThreadPriority::kFarBehind), std::min(here + 10, 19));
}

TEST(WorkerPool, ManySubmittersLoseNothing) {
  std::atomic<int> ran{0};
  std::atomic<int> accepted{0};
  {
    WorkerPool pool("test", 2, 16);
    std::vector<std::thread> submitters;
    for (int t = 0; t < 4; ++t) {
      submitters.emplace_back([&] {
        for (int i = 0; i < 2'000; ++i) {
          if (pool.Submit([&] { ++ran; })) ++accepted;
        }
      });
    }
    for (std::thread& thread : submitters) thread.join();
  }
  EXPECT_EQ(ran, accepted);
  EXPECT_GT(accepted, 0);
}

}  // namespace
}  // namespace podium
