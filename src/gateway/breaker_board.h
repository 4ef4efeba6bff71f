// The breakers of a replica: one for each upstream model, shared by all cores, so that a provider's
// bad moment is found out once and not once a core.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "gateway/breaker.h"
#include "gateway/window_counter.h"

namespace podium::gateway {

/// One breaker. While it is closed and calls go well, a core reads a word and counts into a cell of
/// its own: the lock is for failures, probes and the moment of a change.
/// Threads: all methods from any thread; `core` is the caller's.
class BoardedBreaker {
 public:
  BoardedBreaker(std::size_t provider, std::string model, const BreakerPolicy& policy,
                 std::size_t cores);

  std::optional<BreakerTicket> Admit(SteadyTime now);
  void Succeeded(std::size_t core, const BreakerTicket& ticket, SteadyTime now);
  void Failed(const BreakerTicket& ticket, SteadyTime now);
  void Withdrawn(const BreakerTicket& ticket);

  BreakerState state(SteadyTime now) const;
  std::size_t provider() const { return provider_; }
  /// Empty for the one that all models share which only callers name.
  const std::string& model() const { return model_; }
  bool is_shared() const { return model_.empty(); }

 private:
  struct alignas(64) Cell {  // A core's own cache line.
    explicit Cell(std::chrono::nanoseconds window) : successes(window) {}
    WindowCounter successes;
  };
  /// What the cores read without the lock.
  struct Standing {
    std::uint32_t era = 0;
    bool open = false;
    bool failing = false;  ///< The last call failed: the next success matters.
  };
  void Show();  // REQUIRES mutex_.

  const std::size_t provider_;
  const std::string model_;
  std::vector<std::unique_ptr<Cell>> cells_;  // By core.
  std::mutex mutex_;
  Breaker breaker_;  // Protected by mutex_.
  std::atomic<Standing> standing_{Standing{}};
  std::atomic<SteadyTime::rep> open_until_{0};  // Written before standing_ says that it is open.
};

/// Threads: Of on its core; the others anywhere. Breakers live as long as the board.
class BreakerBoard {
 public:
  BreakerBoard(const BreakerPolicy& policy, std::size_t providers, std::size_t cores);

  /// Of a model that the table or a setting names. Takes a lock once per core and model.
  BoardedBreaker& Of(std::size_t core, std::size_t provider, std::string_view model);
  /// Of all models of that provider that only callers name, and of those beyond
  /// limits::kMaxBreakers: how many names there are must not be theirs to choose.
  BoardedBreaker& SharedOf(std::size_t provider) { return *shared_[provider]; }
  void ForEach(const std::function<void(const BoardedBreaker&)>& visit) const;

 private:
  template <typename T>
  using ByModel = std::map<std::string, T, std::less<>>;
  BoardedBreaker& FindOrMake(std::size_t provider, std::string_view model);

  const BreakerPolicy policy_;
  const std::size_t cores_;
  std::vector<std::unique_ptr<BoardedBreaker>> shared_;  // By provider.
  std::vector<std::vector<ByModel<BoardedBreaker*>>>
      known_;  // By core and provider; each its core's.
  mutable std::mutex mutex_;
  std::vector<ByModel<std::unique_ptr<BoardedBreaker>>> made_;  // By provider. Protected by mutex_,
  std::size_t count_ = 0;                                       // as is their number.
};

}  // namespace podium::gateway
