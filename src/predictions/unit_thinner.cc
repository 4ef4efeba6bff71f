#include "predictions/unit_thinner.h"

#include <algorithm>
#include <cmath>

namespace podium::predictions {
namespace {

constexpr double kWhole = 4294967296.0;                // 2^32.
constexpr std::uint64_t kLeast = (1ULL << 32) / 4096;  // Some units always come through.
// Offers between two changes: what was changed must have had time to show.
constexpr std::uint64_t kCalm = 256;
constexpr std::uint64_t kRecovery = 2048;

}  // namespace

// FNV-1a, then the finalizer of SplitMix64, which spreads it over all bits.
std::uint64_t ThinningHash(std::string_view unit) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : unit) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3ULL;
  }
  hash ^= hash >> 30U;
  hash *= 0xbf58476d1ce4e5b9ULL;
  hash ^= hash >> 27U;
  hash *= 0x94d049bb133111ebULL;
  return hash ^ (hash >> 31U);
}

UnitThinner::UnitThinner(double share)
    : most_(static_cast<std::uint64_t>(std::llround(std::clamp(share, 0.0, 1.0) * kWhole))),
      threshold_(most_) {}

double UnitThinner::rate() const { return static_cast<double>(threshold_) / kWhole; }

void UnitThinner::Observe(std::size_t waiting, std::size_t capacity) {
  ++since_change_;
  if (2 * waiting >= capacity && since_change_ >= kCalm) {
    threshold_ = std::min(most_, std::max(threshold_ / 2, kLeast));
    since_change_ = 0;
  } else if (threshold_ < most_ && 16 * waiting <= capacity && since_change_ >= kRecovery) {
    threshold_ = std::min(most_, threshold_ + threshold_ / 4 + 1);
    since_change_ = 0;
  }
}

}  // namespace podium::predictions
