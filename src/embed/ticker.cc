// The waiting of clocks that do not bring their own: one thread a ticker.
#include <podium/clock.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/worker_pool.h"

namespace podium::v1 {
namespace {

/// Threads: made and destroyed by anyone but the call itself.
class ThreadTicker {
 public:
  ThreadTicker(const Clock& clock, std::chrono::nanoseconds period, std::function<bool()> call)
      : clock_(clock), period_(period), call_(std::move(call)) {
    // An empty pool of this object's own takes its first job.
    static_cast<void>(thread_.Submit([this] { Run(); }));
  }
  ThreadTicker(const ThreadTicker&) = delete;
  ThreadTicker& operator=(const ThreadTicker&) = delete;
  ~ThreadTicker() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    wake_.notify_all();
    thread_.Stop();
  }

 private:
  void Run() {
    for (SteadyTime due = begun_ + period_; WaitUntil(due); due = clock_.SteadyNow() + period_) {
      if (!call_()) return;
    }
  }

  /// False when the ticker ended first. Asks the clock again before it believes that time passed:
  /// the user's may be slower than the system's, or stand still.
  bool WaitUntil(SteadyTime due) {
    std::unique_lock lock(mutex_);
    while (!ended_) {
      const std::chrono::nanoseconds left = due - clock_.SteadyNow();
      if (left.count() <= 0) return true;
      wake_.wait_for(lock, std::min(left, kLongestWait));
    }
    return false;
  }

  // Far below what overflows when the system adds it to its own time.
  static constexpr std::chrono::nanoseconds kLongestWait = std::chrono::hours(1);

  const Clock& clock_;
  const std::chrono::nanoseconds period_;
  const std::function<bool()> call_;
  const SteadyTime begun_ = clock_.SteadyNow();
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ended_ = false;  // Protected by mutex_.
  WorkerPool thread_{"podium-ticker", 1, 1};
};

}  // namespace

Ticker Clock::CallEvery(std::chrono::nanoseconds period, std::function<bool()> call) const {
  return std::make_shared<ThreadTicker>(*this, period, std::move(call));
}

}  // namespace podium::v1
