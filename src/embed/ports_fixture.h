// The ports of libpodium as tests hold them in the hand, and the versions that they register.
#pragma once

#include <podium/clock.h>
#include <podium/random.h>
#include <podium/registry.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "testing/sim_clock.h"

namespace podium::v1 {

inline NewVersion Version(const std::string& id, const std::string& name = "ranker") {
  NewVersion version;
  version.name = name;
  version.version = id;
  version.id = id;
  return version;
}

/// Stands still until told otherwise.
class HandClock final : public Clock {
 public:
  WallTime Now() const override { return clock_.Now(); }
  SteadyTime SteadyNow() const override { return clock_.SteadyNow(); }
  void Advance(std::chrono::nanoseconds step) { clock_.Advance(step); }

 private:
  podium::testing::SimClock clock_;
};

/// The same numbers every time; counts how many were asked for.
class HandRandom final : public Random {
 public:
  std::uint64_t Next64() override {
    const std::lock_guard lock(mutex_);
    ++drawn_;
    return rng_.Next64();
  }
  int drawn() const { return drawn_; }

 private:
  std::mutex mutex_;
  SeededRng rng_{7};  // Protected by mutex_.
  std::atomic<int> drawn_ = 0;
};

/// Keeps what it is given until the test runs or drops it.
class HandExecutor {
 public:
  Executor port() {
    return [this](std::function<void()> work) { work_.push_back(std::move(work)); };
  }
  std::size_t waiting() const { return work_.size(); }
  void RunAll() {
    for (const auto& work : std::exchange(work_, {})) work();
  }
  void DropAll() { work_.clear(); }

 private:
  std::vector<std::function<void()>> work_;
};

}  // namespace podium::v1
