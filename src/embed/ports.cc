#include "embed/ports.h"

namespace podium::v1 {
namespace {

class OperatingSystemClock final : public Clock {
 public:
  WallTime Now() const override { return clock_.Now(); }
  SteadyTime SteadyNow() const override { return clock_.SteadyNow(); }

 private:
  podium::SystemClock clock_;
};

class OperatingSystemRandom final : public Random {
 public:
  std::uint64_t Next64() override { return rng_.Next64(); }

 private:
  SystemRng rng_;
};

}  // namespace

// Here, so that each class has one home for its virtual table.
Clock::~Clock() = default;
Random::~Random() = default;

std::shared_ptr<const Clock> SystemClock() { return std::make_shared<OperatingSystemClock>(); }

std::shared_ptr<Random> SystemRandom() { return std::make_shared<OperatingSystemRandom>(); }

}  // namespace podium::v1
