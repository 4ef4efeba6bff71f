#include "gateway/breaker_board.h"

#include <utility>

namespace podium::gateway {

BoardedBreaker::BoardedBreaker(std::size_t provider, std::string model, const BreakerPolicy& policy,
                               std::size_t cores)
    : provider_(provider), model_(std::move(model)), breaker_(policy) {
  for (std::size_t core = 0; core < cores; ++core) {
    cells_.push_back(std::make_unique<Cell>(policy.window));
  }
}

BreakerState BoardedBreaker::state(SteadyTime now) const {
  if (!standing_.load(std::memory_order_acquire).open) return BreakerState::kClosed;
  const SteadyTime until(SteadyTime::duration(open_until_.load(std::memory_order_relaxed)));
  return now < until ? BreakerState::kOpen : BreakerState::kHalfOpen;
}

std::optional<BreakerTicket> BoardedBreaker::Admit(SteadyTime now) {
  const Standing standing = standing_.load(std::memory_order_acquire);
  if (!standing.open) return BreakerTicket{standing.era, false};
  if (state(now) == BreakerState::kOpen) return std::nullopt;
  const std::lock_guard lock(mutex_);
  return breaker_.Admit(now);
}

void BoardedBreaker::Succeeded(std::size_t core, const BreakerTicket& ticket, SteadyTime now) {
  const Standing standing = standing_.load(std::memory_order_acquire);
  if (ticket.era != standing.era) return;
  if (!ticket.probe) cells_[core]->successes.Add(now);
  if (!ticket.probe && !standing.failing) return;
  const std::lock_guard lock(mutex_);
  breaker_.Succeeded(ticket, now);
  Show();
}

void BoardedBreaker::Failed(const BreakerTicket& ticket, SteadyTime now) {
  const std::lock_guard lock(mutex_);
  std::int64_t successes = 0;
  for (const std::unique_ptr<Cell>& cell : cells_) {
    successes += cell->successes.Sum(now, breaker_.counted_from());
  }
  breaker_.Failed(ticket, now, successes);
  Show();
}

void BoardedBreaker::Withdrawn(const BreakerTicket& ticket) {
  if (!ticket.probe) return;
  const std::lock_guard lock(mutex_);
  breaker_.Withdrawn(ticket);
}

void BoardedBreaker::Show() {
  open_until_.store(breaker_.open_until().time_since_epoch().count(), std::memory_order_relaxed);
  standing_.store({breaker_.era(), breaker_.is_open(), breaker_.failures_in_a_row() > 0},
                  std::memory_order_release);
}

BreakerBoard::BreakerBoard(const BreakerPolicy& policy, std::size_t providers, std::size_t cores)
    : policy_(policy),
      cores_(cores),
      known_(cores, std::vector<ByModel<BoardedBreaker*>>(providers)),
      made_(providers) {
  for (std::size_t i = 0; i < providers; ++i) {
    shared_.push_back(std::make_unique<BoardedBreaker>(i, std::string(), policy_, cores_));
  }
}

BoardedBreaker& BreakerBoard::Of(std::size_t core, std::size_t provider, std::string_view model) {
  auto& known = known_[core][provider];
  if (const auto found = known.find(model); found != known.end()) return *found->second;
  BoardedBreaker& breaker = FindOrMake(provider, model);
  if (!breaker.is_shared()) known.emplace(model, &breaker);
  return breaker;
}

BoardedBreaker& BreakerBoard::FindOrMake(std::size_t provider, std::string_view model) {
  const std::lock_guard lock(mutex_);
  auto& made = made_[provider];
  if (const auto found = made.find(model); found != made.end()) return *found->second;
  if (count_ == limits::kMaxBreakers || model.empty()) return SharedOf(provider);
  ++count_;
  auto breaker = std::make_unique<BoardedBreaker>(provider, std::string(model), policy_, cores_);
  return *made.emplace(model, std::move(breaker)).first->second;
}

void BreakerBoard::ForEach(const std::function<void(const BoardedBreaker&)>& visit) const {
  const std::lock_guard lock(mutex_);
  for (const auto& breaker : shared_) visit(*breaker);
  for (const auto& models : made_) {
    for (const auto& [model, breaker] : models) visit(*breaker);
  }
}

}  // namespace podium::gateway
