// Coroutines carry, functions decide. This header is the only one outside net that includes Asio.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/worker_pool.h"

namespace podium {

using Executor = boost::asio::io_context::executor_type;

template <typename T>
using Task = boost::asio::awaitable<T, Executor>;

inline constexpr boost::asio::use_awaitable_t<Executor> kAwait{};
/// The error as a value beside the result, not thrown; and the operation awaited where it is made,
/// without a coroutine of its own.
inline constexpr boost::asio::as_tuple_t<boost::asio::deferred_t> kAwaitTuple{
    boost::asio::deferred};

/// Owns coroutines: counts them, cancels them, waits for them. Nothing else may detach one.
/// Threads: all methods on the executor given at construction.
class TaskGroup {
 public:
  explicit TaskGroup(Executor executor);
  ~TaskGroup();  ///< REQUIRES: size() == 0.
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  void Spawn(Task<void> task);
  void Cancel();      ///< Asks every task to end; each still runs to its own end.
  Task<void> Join();  ///< Returns once no task is left.
  std::size_t size() const { return running_.size(); }
  const Executor& executor() const { return executor_; }

 private:
  void Finished(std::list<boost::asio::cancellation_signal>::iterator task);

  Executor executor_;
  std::list<boost::asio::cancellation_signal> running_;
  std::vector<std::function<void()>> waiters_;
};

/// Resumes after `duration` of real time, or at once when the task is cancelled: then false.
Task<bool> Pause(std::chrono::nanoseconds duration);

/// The next whole multiple of `period` (more than zero) on the steady clock, after `now`.
SteadyTime TickAfter(SteadyTime now, std::chrono::nanoseconds period);

/// As Pause, until the next tick of `period`: who waits for the same one, on any thread, wakes at
/// the same moment, so that a process with much to look after now and then sleeps in between.
Task<bool> NextTick(std::chrono::nanoseconds period);

/// Runs `job` on `pool` (a WorkerPool, or what takes jobs as it does) and resumes the caller on its
/// own executor with what it returned. kLimited or kUnavailable from the pool comes back as the
/// result's error. REQUIRES: `job` returns Result<T> and does not throw.
template <typename Pool, typename Job, typename R = std::invoke_result_t<Job>>
Task<R> RunOn(Pool& pool, Job job) {
  const Executor executor = co_await boost::asio::this_coro::executor;
  auto start = [&pool, executor, work = std::move(job)](auto handler) mutable {
    // Shared, since std::function copies and both the job and the refusal need the handler.
    auto resume = std::make_shared<decltype(handler)>(std::move(handler));
    auto finish = [executor, resume](R result) {
      boost::asio::post(executor, [resume, value = std::make_shared<R>(std::move(result))] {
        (*resume)(std::move(*value));
      });
    };
    auto owned = std::make_shared<Job>(std::move(work));
    Status queued = pool.Submit([owned, finish] { finish((*owned)()); });
    if (!queued) finish(R(tl::unexpect, std::move(queued).error()));
  };
  auto pending = boost::asio::async_initiate<const boost::asio::use_awaitable_t<Executor>, void(R)>(
      std::move(start), kAwait);
  co_return co_await std::move(pending);
}

}  // namespace podium
