#include "gateway/breaker_board.h"

namespace podium::gateway {

std::optional<BreakerTicket> BoardedBreaker::Admit(SteadyTime now) {
  const std::optional<BreakerTicket> ticket = breaker_.Admit(now);
  Show(now);
  return ticket;
}

void BoardedBreaker::Succeeded(const BreakerTicket& ticket, SteadyTime now) {
  breaker_.Succeeded(ticket, now);
  Show(now);
}

void BoardedBreaker::Failed(const BreakerTicket& ticket, SteadyTime now) {
  breaker_.Failed(ticket, now);
  Show(now);
}

void BoardedBreaker::Withdrawn(const BreakerTicket& ticket) { breaker_.Withdrawn(ticket); }

void BoardedBreaker::Show(SteadyTime now) {
  state_.store(breaker_.state(now), std::memory_order_relaxed);
}

BreakerBoard::BreakerBoard(const BreakerPolicy& policy, std::size_t providers)
    : policy_(policy), breakers_(providers + limits::kMaxBreakers), count_(providers) {
  for (std::size_t i = 0; i < providers; ++i) {
    breakers_[i] = std::make_unique<BoardedBreaker>(i, std::string(), policy_);
  }
}

BoardedBreaker& BreakerBoard::Of(std::size_t provider, std::string_view model) {
  auto& models = by_provider_[provider];
  if (const auto found = models.find(model); found != models.end()) return *found->second;
  const std::size_t at = count_.load(std::memory_order_relaxed);
  if (at == breakers_.size() || model.empty()) return SharedOf(provider);
  breakers_[at] = std::make_unique<BoardedBreaker>(provider, std::string(model), policy_);
  models.emplace(model, breakers_[at].get());
  count_.store(at + 1, std::memory_order_release);
  return *breakers_[at];
}

void BreakerBoard::ForEach(const std::function<void(const BoardedBreaker&)>& visit) const {
  const std::size_t count = count_.load(std::memory_order_acquire);
  for (std::size_t i = 0; i < count; ++i) visit(*breakers_[i]);
}

}  // namespace podium::gateway
