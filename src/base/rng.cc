#include "base/rng.h"

#include <random>

namespace podium {
namespace {

std::uint64_t SplitMix(std::uint64_t& state) {
  state += 0x9E3779B97F4A7C15U;
  std::uint64_t z = state;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

std::uint64_t SystemSeed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32U) | device();
}

}  // namespace

std::uint64_t SystemRng::Next64() {
  thread_local std::uint64_t state = SystemSeed();
  return SplitMix(state);
}

std::uint64_t SeededRng::Next64() { return SplitMix(state_); }

std::string RandomToken(Rng& rng, int length) {
  static constexpr char kAlphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
  std::string token;
  token.reserve(static_cast<std::size_t>(length));
  std::uint64_t bits = 0;
  for (int i = 0; i < length; ++i) {
    if (i % 12 == 0) bits = rng.Next64();
    token.push_back(kAlphabet[bits & 31U]);
    bits >>= 5U;
  }
  return token;
}

}  // namespace podium
