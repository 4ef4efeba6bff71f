// Chance enters Podium here and nowhere else, so that simulations can be replayed from a seed.
#pragma once

#include <cstdint>
#include <string>

namespace podium {

/// Threads: all methods may be called from any thread.
class Rng {
 public:
  virtual ~Rng() = default;
  virtual std::uint64_t Next64() = 0;
};

/// Seeded once from the operating system, then a per-thread generator: fast, not for secrets.
class SystemRng final : public Rng {
 public:
  std::uint64_t Next64() override;
};

/// SplitMix64 from a fixed seed: the same seed gives the same sequence on every platform.
/// Threads: one at a time.
class SeededRng final : public Rng {
 public:
  explicit SeededRng(std::uint64_t seed) : state_(seed) {}
  std::uint64_t Next64() override;

 private:
  std::uint64_t state_;
};

/// `length` characters of [0-9a-z] without look-alikes (i, l, o, u), for ids and salts.
std::string RandomToken(Rng& rng, int length);

}  // namespace podium
