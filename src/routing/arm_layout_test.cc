// Whoever sets one arm's share expects the other arms' users to stay where they are: an experiment
// whose units wander measures nothing.
#include "routing/arm_layout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>

#include "base/rng.h"
#include "routing/rows_for_test.h"

namespace podium::routing {
namespace {

constexpr VersionIndex kControl = kNoVersion;

std::vector<ArmClaim> Claims(const std::vector<int>& weights) {
  std::vector<ArmClaim> claims;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    claims.push_back({static_cast<int>(i), Share(weights[i]), static_cast<VersionIndex>(i)});
  }
  return claims;
}

/// Who holds each fine bucket.
std::vector<VersionIndex> HoldersOf(const std::vector<ArmClaim>& claims) {
  std::vector<VersionIndex> holders(BasisPoints::kWhole, kControl);
  for (const ArmSlot& slot : LayOutArms(claims)) {
    for (int v = slot.begin; v < slot.end; ++v) holders[static_cast<std::size_t>(v)] = slot.version;
  }
  return holders;
}

std::vector<VersionIndex> HoldersOf(const std::vector<int>& weights) {
  return HoldersOf(Claims(weights));
}

/// Buckets that changed hands although neither side is `arm`.
int Bystanders(const std::vector<int>& before, const std::vector<int>& after, std::size_t arm) {
  const auto old_holders = HoldersOf(before);
  const auto new_holders = HoldersOf(after);
  const auto changed = static_cast<VersionIndex>(arm);
  int moved = 0;
  for (std::size_t v = 0; v < old_holders.size(); ++v) {
    if (old_holders[v] == new_holders[v]) continue;
    moved += old_holders[v] != changed && new_holders[v] != changed;
  }
  return moved;
}

int Below(SeededRng& rng, int bound) {
  return static_cast<int>(rng.Next64() % static_cast<std::uint64_t>(bound));
}

/// Random weights that add up to at most the whole.
std::vector<int> RandomWeights(SeededRng& rng, std::size_t arms) {
  std::vector<int> weights;
  int room = BasisPoints::kWhole;
  for (std::size_t i = 0; i < arms; ++i) {
    weights.push_back(Below(rng, room + 1));
    room -= weights.back();
  }
  for (std::size_t i = arms; i > 1; --i) {
    std::swap(weights[i - 1], weights[static_cast<std::size_t>(Below(rng, static_cast<int>(i)))]);
  }
  return weights;
}

int RoomFor(const std::vector<int>& weights, std::size_t arm) {
  return BasisPoints::kWhole - std::accumulate(weights.begin(), weights.end(), 0) + weights[arm];
}

// Invariant 5: a layout that changes with a release moves users. Written down once, for ever.
TEST(ArmLayout, Invariant5LayoutIsPublished) {
  struct Run {
    int begin, end, arm;
  };
  const Run want[] = {
      {0, 1000, 0}, {2500, 3000, 4}, {4600, 5000, 3}, {5000, 5300, 2}, {8000, 10'000, 1}};
  const auto slots = LayOutArms(Claims({1000, 2000, 300, 400, 500}));
  ASSERT_EQ(slots.size(), std::size(want));
  for (std::size_t i = 0; i < slots.size(); ++i) {
    EXPECT_EQ(slots[i].begin, want[i].begin);
    EXPECT_EQ(slots[i].end, want[i].end);
    EXPECT_EQ(slots[i].version, want[i].arm);
  }
  const int origins[] = {0, 0, 5000, 5000, 2500, 2500, 7500, 7500, 1250, 1250, 6250};
  for (int slot = 0; slot < static_cast<int>(std::size(origins)); ++slot) {
    EXPECT_EQ(OriginOf(slot), origins[slot]) << slot;
  }
  EXPECT_LT(OriginOf(2'147'483'647), BasisPoints::kWhole);
}

TEST(ArmLayout, EveryArmHoldsExactlyItsWeight) {
  SeededRng rng(1);
  for (std::size_t arms = 0; arms <= 9; ++arms) {
    for (int round = 0; round < 20; ++round) {
      const std::vector<int> weights = RandomWeights(rng, arms);
      const auto slots = LayOutArms(Claims(weights));
      std::vector<int> held(arms);
      int end = 0;
      for (const ArmSlot& slot : slots) {
        EXPECT_GE(slot.begin, end) << "not in order, or overlapping";
        EXPECT_GT(slot.end, slot.begin);
        EXPECT_LE(slot.end, BasisPoints::kWhole);
        EXPECT_EQ(slot.weight.value(), weights[slot.version]);
        held[slot.version] += slot.end - slot.begin;
        end = slot.end;
      }
      EXPECT_EQ(held, weights);
    }
  }
}

TEST(ArmLayout, FullAndEmptyArms) {
  EXPECT_TRUE(LayOutArms({}).empty());
  EXPECT_TRUE(LayOutArms(Claims({0, 0})).empty());
  for (std::size_t arm = 0; arm < 4; ++arm) {
    std::vector<int> weights(4, 0);
    weights[arm] = BasisPoints::kWhole;
    const auto holders = HoldersOf(weights);
    EXPECT_EQ(std::count(holders.begin(), holders.end(), static_cast<VersionIndex>(arm)),
              BasisPoints::kWhole);
  }
}

// Champion and challenger beside the control: the promise holds for every pair of weights.
TEST(ArmLayout, WithTwoArmsAChangeMovesOnlyThatArmsUnits) {
  SeededRng rng(2);
  for (int round = 0; round < 500; ++round) {
    const std::vector<int> before = RandomWeights(rng, 2);
    for (std::size_t arm = 0; arm < 2; ++arm) {
      std::vector<int> after = before;
      after[arm] = Below(rng, RoomFor(before, arm) + 1);
      EXPECT_EQ(Bystanders(before, after, arm), 0)
          << before[0] << "," << before[1] << " -> " << after[0] << "," << after[1];
    }
  }
}

// More arms: as long as no two walks meet. Four arms have a half of the ring for each pair.
TEST(ArmLayout, WhileWalksDoNotMeetAChangeMovesOnlyThatArmsUnits) {
  SeededRng rng(3);
  for (int round = 0; round < 300; ++round) {
    // Slots 0 and 3 share [0, 5000), slots 2 and 1 share [5000, 10000).
    std::vector<int> before(4);
    before[0] = Below(rng, 5001);
    before[3] = Below(rng, 5001 - before[0]);
    before[2] = Below(rng, 5001);
    before[1] = Below(rng, 5001 - before[2]);
    for (std::size_t arm = 0; arm < 4; ++arm) {
      const std::size_t neighbour = 3 - arm;
      std::vector<int> after = before;
      after[arm] = Below(rng, 5001 - before[neighbour]);
      EXPECT_EQ(Bystanders(before, after, arm), 0) << "arm " << arm << ", round " << round;
    }
  }
}

// Whatever the weights: lower slots stay, so the newest arm of an experiment disturbs nobody.
TEST(ArmLayout, AChangeNeverMovesUnitsOfLowerSlots) {
  SeededRng rng(4);
  for (int round = 0; round < 300; ++round) {
    const auto arms = std::size_t{2} + static_cast<std::size_t>(Below(rng, 6));
    const std::vector<int> before = RandomWeights(rng, arms);
    const auto arm = static_cast<std::size_t>(Below(rng, static_cast<int>(arms)));
    std::vector<int> after = before;
    after[arm] = Below(rng, RoomFor(before, arm) + 1);
    const auto old_holders = HoldersOf(before);
    const auto new_holders = HoldersOf(after);
    for (std::size_t v = 0; v < old_holders.size(); ++v) {
      if (old_holders[v] < arm || new_holders[v] < arm) ASSERT_EQ(old_holders[v], new_holders[v]);
    }
    if (arm + 1 == arms) EXPECT_EQ(Bystanders(before, after, arm), 0);
  }
}

// Raising an arm only adds units to it: invariant 6 for arms.
TEST(ArmLayout, RaisingAnArmKeepsItsUnits) {
  SeededRng rng(5);
  for (int round = 0; round < 300; ++round) {
    const auto arms = std::size_t{1} + static_cast<std::size_t>(Below(rng, 6));
    const std::vector<int> before = RandomWeights(rng, arms);
    const auto arm = static_cast<std::size_t>(Below(rng, static_cast<int>(arms)));
    std::vector<int> after = before;
    after[arm] += Below(rng, RoomFor(before, arm) - before[arm] + 1);
    const auto old_holders = HoldersOf(before);
    const auto new_holders = HoldersOf(after);
    for (std::size_t v = 0; v < old_holders.size(); ++v) {
      if (old_holders[v] == arm) ASSERT_EQ(new_holders[v], arm);
    }
  }
}

// An arm whose version vanished leaves its units to the control, not to its neighbours.
TEST(ArmLayout, AnArmSetAsideKeepsItsPlace) {
  std::vector<ArmClaim> claims = Claims({3000, 3000, 3000});
  const auto before = HoldersOf(claims);
  claims[0].version = kNoVersion;
  const auto after = HoldersOf(claims);
  for (std::size_t v = 0; v < before.size(); ++v) {
    EXPECT_EQ(after[v], before[v] == 0 ? kControl : before[v]) << v;
  }
}

}  // namespace
}  // namespace podium::routing
