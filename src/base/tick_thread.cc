#include "base/tick_thread.h"

#include <utility>

#include "base/clock.h"
#include "base/task.h"
#include "base/thread_priority.h"

namespace podium {

TickThread::TickThread(std::string name, std::chrono::nanoseconds period,
                       std::function<void()> tick)
    : name_(std::move(name)),
      period_(period),
      tick_(std::move(tick)),
      thread_([this] { Work(); }) {}

TickThread::~TickThread() { Stop(); }

void TickThread::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void TickThread::Work() {
  EnterThread(name_, ThreadPriority::kBehind);
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      const auto next = TickAfter(SystemClock().SteadyNow(), period_);
      if (wake_.wait_until(lock, next, [this] { return stopping_; })) return;
    }
    tick_();
  }
}

}  // namespace podium
