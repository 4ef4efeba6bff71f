#include "base/task.h"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <utility>

#include "base/assert.h"

namespace podium {
namespace {

using Timer = boost::asio::basic_waitable_timer<
    std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;

// A cancelled task learns of it from the operation it waits for, never by an exception out of an
// unrelated await.
Task<void> Carry(Task<void> task) {
  co_await boost::asio::this_coro::throw_if_cancelled(false);
  co_await std::move(task);
}

}  // namespace

TaskGroup::TaskGroup(Executor executor) : executor_(std::move(executor)) {}

TaskGroup::~TaskGroup() { PODIUM_ASSERT(running_.empty()); }

void TaskGroup::Spawn(Task<void> task) {
  running_.emplace_back();
  const auto self = std::prev(running_.end());
  auto done = [this, self](const std::exception_ptr& thrown) {
    // Our coroutines report errors as values; an exception here is a mistake of our own.
    PODIUM_ASSERT(!thrown);
    Finished(self);
  };
  boost::asio::co_spawn(executor_, Carry(std::move(task)),
                        boost::asio::bind_cancellation_slot(self->slot(), std::move(done)));
}

void TaskGroup::Cancel() {
  // Emitting may end a task at once, which erases its element: step first.
  for (auto it = running_.begin(); it != running_.end();) {
    const auto current = it++;
    current->emit(boost::asio::cancellation_type::terminal);
  }
}

Task<void> TaskGroup::Join() {
  if (running_.empty()) co_return;
  auto start = [this](auto handler) {
    auto resume = std::make_shared<decltype(handler)>(std::move(handler));
    waiters_.emplace_back([resume] { (*resume)(); });
  };
  auto pending = boost::asio::async_initiate<const boost::asio::use_awaitable_t<Executor>, void()>(
      std::move(start), kAwait);
  co_await std::move(pending);
}

void TaskGroup::Finished(std::list<boost::asio::cancellation_signal>::iterator task) {
  running_.erase(task);
  if (!running_.empty()) return;
  for (auto& waiter : std::exchange(waiters_, {})) boost::asio::post(executor_, std::move(waiter));
}

Task<bool> Pause(std::chrono::nanoseconds duration) {
  // A cancellation that came before the wait would not end it.
  const auto cancellation = co_await boost::asio::this_coro::cancellation_state;
  if (cancellation.cancelled() != boost::asio::cancellation_type::none) co_return false;
  const Executor executor = co_await boost::asio::this_coro::executor;
  Timer timer(executor, duration);
  const auto [error] = co_await timer.async_wait(kAwaitTuple);
  co_return !error;
}

SteadyTime TickAfter(SteadyTime now, std::chrono::nanoseconds period) {
  return now + (period - now.time_since_epoch() % period);
}

Task<bool> NextTick(std::chrono::nanoseconds period) {
  const auto now = SystemClock().SteadyNow();
  return Pause(TickAfter(now, period) - now);
}

}  // namespace podium
