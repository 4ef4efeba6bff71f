#include "routing/arm_layout.h"

#include <cstdint>

#include "base/assert.h"

namespace podium::routing {
namespace {

constexpr int kRing = BasisPoints::kWhole;
constexpr int kFree = -1;

void Walk(const ArmClaim& claim, int owner_index, std::vector<int>& owner) {
  const int origin = OriginOf(claim.slot);
  const bool up = claim.slot % 2 == 0;
  int left = claim.weight.value();
  for (int step = 0; step < kRing && left > 0; ++step) {
    const int bucket = (up ? origin + step : origin + kRing - 1 - step) % kRing;
    int& holder = owner[static_cast<std::size_t>(bucket)];
    if (holder != kFree) continue;
    holder = owner_index;
    --left;
  }
  PODIUM_ASSERT(left == 0);
}

}  // namespace

int OriginOf(int slot) {
  // Van der Corput: 0, 1/2, 1/4, 3/4, 1/8, … Each new pair starts as far from the others as it can,
  // and no origin depends on how many arms there are.
  std::uint64_t numerator = 0;
  std::uint64_t denominator = 1;
  for (auto pair = static_cast<std::uint32_t>(slot) / 2; pair != 0; pair /= 2) {
    numerator = 2 * numerator + pair % 2;
    denominator *= 2;
  }
  return static_cast<int>(numerator * kRing / denominator);
}

std::vector<ArmSlot> LayOutArms(std::span<const ArmClaim> claims) {
  std::vector<int> owner(kRing, kFree);
  for (std::size_t i = 0; i < claims.size(); ++i) Walk(claims[i], static_cast<int>(i), owner);

  std::vector<ArmSlot> slots;
  for (int begin = 0; begin < kRing;) {
    const int holder = owner[static_cast<std::size_t>(begin)];
    int end = begin + 1;
    while (end < kRing && owner[static_cast<std::size_t>(end)] == holder) ++end;
    if (holder != kFree) {
      const ArmClaim& claim = claims[static_cast<std::size_t>(holder)];
      if (claim.version != kNoVersion) slots.push_back({begin, end, claim.version, claim.weight});
    }
    begin = end;
  }
  return slots;
}

}  // namespace podium::routing
