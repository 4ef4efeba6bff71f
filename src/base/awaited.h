// Something that a coroutine waits for, for a while, and that another thread brings about.
#pragma once

#include <memory>

#include "base/task.h"

namespace podium {

/// Threads: Happen from any; Wait from one coroutine at a time, which may leave before it happens.
/// Who waits and who brings it about share it.
class Awaited {
 public:
  Awaited();
  ~Awaited();
  Awaited(const Awaited&) = delete;
  Awaited& operator=(const Awaited&) = delete;

  /// Once; whoever waits, or will, goes on. Touches no executor on which nobody waits.
  void Happen();
  /// Whether it has happened: at once if so, else after `patience` of real time at most, or when
  /// the task is cancelled.
  Task<bool> Wait(std::chrono::nanoseconds patience);

 private:
  struct Waiter;
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace podium
