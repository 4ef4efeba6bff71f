// A few threads of low priority for what may wait: they take steps while there are any, and whoever
// has brought work does not pay for waking them while one of them is about.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace podium {

/// Threads: Nudge from any; Stop from one.
class BackgroundWorker {
 public:
  /// `step` does one thing, from any of the threads at once, and says whether there was one. With
  /// `threads` 0 the owner takes the steps itself.
  BackgroundWorker(std::string name, int threads, std::function<bool()> step);
  ~BackgroundWorker();  ///< Stops.
  BackgroundWorker(const BackgroundWorker&) = delete;
  BackgroundWorker& operator=(const BackgroundWorker&) = delete;

  /// There is work, which was made visible before. One load, unless all threads sleep: an idle one
  /// looks again by itself for a while before it goes to sleep.
  void Nudge();
  /// Joins; what is left undone is left. Idempotent.
  void Stop();

 private:
  void Work();
  bool TakeSteps();

  const std::string name_;
  const std::function<bool()> step_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> asleep_{0};
  bool nudged_ = false;  // Protected by mutex_.
  std::vector<std::thread> threads_;
};

}  // namespace podium
