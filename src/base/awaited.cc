#include "base/awaited.h"

#include <boost/asio/basic_waitable_timer.hpp>
#include <mutex>
#include <utility>

namespace podium {

using AwaitedTimer = boost::asio::basic_waitable_timer<
    std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;

struct Awaited::Waiter {
  explicit Waiter(const Executor& executor) : timer(executor) {}
  AwaitedTimer timer;
};

struct Awaited::State {
  std::mutex mutex;
  bool happened = false;           // Protected by mutex, as the next.
  std::shared_ptr<Waiter> waiter;  // Of a wait that is going on: its executor is there.
};

Awaited::Awaited() : state_(std::make_unique<State>()) {}
Awaited::~Awaited() = default;

void Awaited::Happen() {
  const std::lock_guard lock(state_->mutex);
  state_->happened = true;
  if (state_->waiter == nullptr) return;
  // A timer belongs to its executor. It is posted to while the wait cannot end: that takes the
  // lock.
  boost::asio::post(state_->waiter->timer.get_executor(),
                    [waiter = state_->waiter] { waiter->timer.cancel(); });
}

Task<bool> Awaited::Wait(std::chrono::nanoseconds patience) {
  const Executor executor = co_await boost::asio::this_coro::executor;
  auto waiter = std::make_shared<Waiter>(executor);
  waiter->timer.expires_after(
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(patience));
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->happened) co_return true;
    state_->waiter = waiter;
  }
  // What is posted runs on this executor, so not before the timer is waited for.
  (void)co_await waiter->timer.async_wait(kAwaitTuple);
  const std::lock_guard lock(state_->mutex);
  state_->waiter.reset();
  co_return state_->happened;
}

}  // namespace podium
