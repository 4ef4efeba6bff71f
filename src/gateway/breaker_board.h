// The breakers of one core: one for each upstream model that was called from it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "gateway/breaker.h"

namespace podium::gateway {

/// One breaker, and what a scrape may see of it.
class BoardedBreaker {
 public:
  BoardedBreaker(std::size_t provider, std::string model, const BreakerPolicy& policy)
      : provider_(provider), model_(std::move(model)), breaker_(policy) {}

  std::optional<BreakerTicket> Admit(SteadyTime now);
  void Succeeded(const BreakerTicket& ticket, SteadyTime now);
  void Failed(const BreakerTicket& ticket, SteadyTime now);
  void Withdrawn(const BreakerTicket& ticket);

  // Any thread.
  std::size_t provider() const { return provider_; }
  /// Empty for the one that all models share which only callers name.
  const std::string& model() const { return model_; }
  bool is_shared() const { return model_.empty(); }
  /// As of the last call: an open one that could be probed by now is open still.
  BreakerState last_state() const { return state_.load(std::memory_order_relaxed); }

 private:
  void Show(SteadyTime now);

  const std::size_t provider_;
  const std::string model_;
  Breaker breaker_;
  std::atomic<BreakerState> state_{BreakerState::kClosed};
};

/// Threads: Of on its core; ForEach anywhere. Breakers live as long as the board.
class BreakerBoard {
 public:
  BreakerBoard(const BreakerPolicy& policy, std::size_t providers);

  /// Of a model that the table or a setting names.
  BoardedBreaker& Of(std::size_t provider, std::string_view model);
  /// Of all models of that provider that only callers name, and of those beyond
  /// limits::kMaxBreakers: how many names there are must not be theirs to choose.
  BoardedBreaker& SharedOf(std::size_t provider) { return *breakers_[provider]; }
  void ForEach(const std::function<void(const BoardedBreaker&)>& visit) const;

 private:
  const BreakerPolicy policy_;
  std::map<std::size_t, std::map<std::string, BoardedBreaker*, std::less<>>> by_provider_;
  std::vector<std::unique_ptr<BoardedBreaker>> breakers_;  // First the shared ones, by provider.
  std::atomic<std::size_t> count_;                         // Those below are there and stay.
};

}  // namespace podium::gateway
