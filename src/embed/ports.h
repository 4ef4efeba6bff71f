// The user's clock and chance, as the modules below know them.
#pragma once

#include <podium/clock.h>
#include <podium/random.h>

#include <memory>
#include <utility>

#include "base/clock.h"
#include "base/rng.h"

namespace podium::v1 {

/// The system's clock where none was passed.
class UserClock final : public podium::Clock {
 public:
  explicit UserClock(std::shared_ptr<const v1::Clock> clock)
      : clock_(clock == nullptr ? v1::SystemClock() : std::move(clock)) {}
  WallTime Now() const override { return clock_->Now(); }
  SteadyTime SteadyNow() const override { return clock_->SteadyNow(); }

 private:
  std::shared_ptr<const v1::Clock> clock_;
};

/// The system's chance where none was passed.
class UserRng final : public Rng {
 public:
  explicit UserRng(std::shared_ptr<Random> random)
      : random_(random == nullptr ? SystemRandom() : std::move(random)) {}
  std::uint64_t Next64() override { return random_->Next64(); }

 private:
  std::shared_ptr<Random> random_;
};

}  // namespace podium::v1
