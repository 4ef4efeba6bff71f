#include "gateway/breaker.h"

#include <algorithm>

namespace podium::gateway {
namespace {

constexpr int kMostDoublings = 20;

}  // namespace

std::string_view NameOf(BreakerState state) {
  switch (state) {
    case BreakerState::kClosed:
      return "closed";
    case BreakerState::kHalfOpen:
      return "half_open";
    case BreakerState::kOpen:
      return "open";
  }
  return "closed";
}

BreakerState Breaker::state(SteadyTime now) const {
  if (!open_) return BreakerState::kClosed;
  return now < open_until_ ? BreakerState::kOpen : BreakerState::kHalfOpen;
}

std::optional<BreakerTicket> Breaker::Admit(SteadyTime now) {
  switch (state(now)) {
    case BreakerState::kClosed:
      return BreakerTicket{era_, false};
    case BreakerState::kOpen:
      return std::nullopt;
    case BreakerState::kHalfOpen:
      break;
  }
  if (probing_ >= policy_.probes) return std::nullopt;
  ++probing_;
  return BreakerTicket{era_, true};
}

void Breaker::Succeeded(const BreakerTicket& ticket, SteadyTime now) {
  if (ticket.era != era_) return;
  if (!ticket.probe) return Count(now, false);
  --probing_;
  if (++probes_passed_ >= policy_.probes) Close();
}

void Breaker::Failed(const BreakerTicket& ticket, SteadyTime now) {
  if (ticket.era != era_) return;
  if (ticket.probe) return Open(now);
  Count(now, true);
  const bool in_a_row = policy_.failures > 0 && in_a_row_ >= policy_.failures;
  if (in_a_row || TooManyFail()) Open(now);
}

void Breaker::Withdrawn(const BreakerTicket& ticket) {
  if (ticket.era == era_ && ticket.probe) --probing_;
}

void Breaker::Count(SteadyTime now, bool failed) {
  Roll(now);
  in_a_row_ = failed ? in_a_row_ + 1 : 0;
  ++halves_[0].calls;
  halves_[0].failures += failed ? 1 : 0;
}

// Old halves are forgotten.
void Breaker::Roll(SteadyTime now) {
  const auto half = policy_.window / 2;
  if (now < half_begun_ + half) return;
  halves_[1] = now < half_begun_ + 2 * half ? halves_[0] : Half{};
  halves_[0] = {};
  half_begun_ = now;
}

bool Breaker::TooManyFail() const {
  const int calls = halves_[0].calls + halves_[1].calls;
  const int failures = halves_[0].failures + halves_[1].failures;
  return policy_.error_percent > 0 && calls >= policy_.min_calls &&
         failures * 100 >= calls * policy_.error_percent;
}

void Breaker::Open(SteadyTime now) {
  const std::int64_t factor = std::int64_t{1} << std::min(times_opened_, kMostDoublings);
  open_ = true;
  open_until_ = now + std::min(policy_.open_time * factor, policy_.max_open_time);
  ++times_opened_;
  ++era_;
  probing_ = 0;
  probes_passed_ = 0;
}

void Breaker::Close() {
  const std::uint32_t era = era_ + 1;
  *this = Breaker(policy_);
  era_ = era;
}

}  // namespace podium::gateway
