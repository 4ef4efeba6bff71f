#include "gateway/breaker.h"

#include <algorithm>

namespace podium::gateway {
namespace {

constexpr int kMostOpenTimeDoublings = 20;

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
  in_a_row_ = 0;
  if (!ticket.probe) return;
  --probing_;
  if (++probes_passed_ >= policy_.probes) Close(now);
}

void Breaker::Failed(const BreakerTicket& ticket, SteadyTime now, std::int64_t successes) {
  if (ticket.era != era_) return;
  if (ticket.probe) return Open(now);
  ++in_a_row_;
  failures_.Add(now);
  const bool in_a_row = policy_.failures > 0 && in_a_row_ >= policy_.failures;
  if (in_a_row || TooManyFail(now, successes)) Open(now);
}

void Breaker::Withdrawn(const BreakerTicket& ticket) {
  if (ticket.era == era_ && ticket.probe) --probing_;
}

bool Breaker::TooManyFail(SteadyTime now, std::int64_t successes) const {
  const std::int64_t failures = failures_.Sum(now, counted_from_);
  const std::int64_t calls = failures + successes;
  return policy_.error_percent > 0 && calls >= policy_.min_calls &&
         failures * 100 >= calls * policy_.error_percent;
}

void Breaker::Open(SteadyTime now) {
  const std::int64_t factor = std::int64_t{1} << std::min(times_opened_, kMostOpenTimeDoublings);
  open_ = true;
  open_until_ = now + std::min(policy_.open_time * factor, policy_.max_open_time);
  ++times_opened_;
  ++era_;
  probing_ = 0;
  probes_passed_ = 0;
}

void Breaker::Close(SteadyTime now) {
  open_ = false;
  times_opened_ = 0;
  in_a_row_ = 0;
  counted_from_ = failures_.HalfOf(now) + 1;
  ++era_;
}

}  // namespace podium::gateway
