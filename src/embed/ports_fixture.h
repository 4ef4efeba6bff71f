// The ports of libpodium as tests hold them in the hand, and the versions that they register.
#pragma once

#include <podium/clock.h>
#include <podium/random.h>
#include <podium/registry.h>

#include <algorithm>
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

/// Stands still until told otherwise; makes the calls that fall due from inside Advance.
/// Threads: any, but one at a time advances.
class HandClock final : public Clock {
 public:
  WallTime Now() const override { return clock_.Now(); }
  SteadyTime SteadyNow() const override { return clock_.SteadyNow(); }

  Ticker CallEvery(std::chrono::nanoseconds period, std::function<bool()> call) const override {
    auto ticks = std::make_shared<Ticks>(Ticks{period, SteadyNow() + period, std::move(call)});
    const std::lock_guard lock(mutex_);
    std::erase_if(tickers_, [](const auto& held) { return held.expired(); });
    tickers_.push_back(ticks);
    return ticks;
  }

  void Advance(std::chrono::nanoseconds step) {
    const SteadyTime end = SteadyNow() + step;
    while (const std::shared_ptr<Ticks> next = NextBy(end)) {
      clock_.Advance(next->due - SteadyNow());
      next->due = next->call() ? next->due + next->period : SteadyTime::max();
    }
    clock_.Advance(end - SteadyNow());
  }

  /// Tickers that somebody still holds.
  std::size_t tickers() const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::count_if(
        tickers_.begin(), tickers_.end(), [](const auto& held) { return !held.expired(); }));
  }

 private:
  struct Ticks {
    const std::chrono::nanoseconds period;
    SteadyTime due;  // Of whoever advances.
    const std::function<bool()> call;
  };

  std::shared_ptr<Ticks> NextBy(SteadyTime end) const {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Ticks> next;
    for (const auto& held : tickers_) {
      const std::shared_ptr<Ticks> ticks = held.lock();
      if (ticks == nullptr || ticks->due > end) continue;
      if (next == nullptr || ticks->due < next->due) next = ticks;
    }
    return next;
  }

  podium::testing::SimClock clock_;
  mutable std::mutex mutex_;
  mutable std::vector<std::weak_ptr<Ticks>> tickers_;  // Protected by mutex_.
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
