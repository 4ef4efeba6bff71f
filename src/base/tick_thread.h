// A thread that does one small thing at every tick.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace podium {

/// For what is looked after so often that the loop of others need not be woken for it each time.
/// Threads: Stop from one.
class TickThread {
 public:
  /// Calls `tick` at each tick of `period`, as NextTick has them, behind the cores; those that come
  /// while it runs are left out. `tick` must not throw.
  TickThread(std::string name, std::chrono::nanoseconds period, std::function<void()> tick);
  ~TickThread();  ///< Stops.
  TickThread(const TickThread&) = delete;
  TickThread& operator=(const TickThread&) = delete;

  /// Once the tick under way has ended, there is none any more. Idempotent.
  void Stop();

 private:
  void Work();

  const std::string name_;
  const std::chrono::nanoseconds period_;
  const std::function<void()> tick_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // Protected by mutex_.
  std::thread thread_;
};

}  // namespace podium
