// Which fine buckets each arm of an A/B split holds, from the arms' slots and weights alone.
//
// The buckets form a ring. Each slot has an origin and a direction that never change: slots 2p and
// 2p+1 start at the same point, the even one going up, the odd one going down. An arm walks from
// its origin and takes the free buckets it meets until it has its weight; lower slots go first.
//
// So an arm's buckets depend on its own weight alone as long as the arms' walks do not meet, and
// then changing one arm's share moves only that arm's units. Slots 0 and 1 never meet; slots 0 and
// 3 share one half, slots 2 and 1 the other. Walks that meet still give every arm its exact weight,
// and a change never moves the units of a lower slot. No rule that sees only the rows can promise
// more for three arms and every weight: README.md shows why.
#pragma once

#include <span>
#include <vector>

#include "domain/traffic.h"
#include "routing/table.h"

namespace podium::routing {

/// What one arm asks for. `version` is kNoVersion for an arm that was set aside: it keeps its
/// buckets, so that nobody else's move, and its units are the control's.
struct ArmClaim {
  int slot = 0;
  BasisPoints weight;
  VersionIndex version = kNoVersion;
};

/// The arms' slots by `begin`, without those of kNoVersion. One arm may hold several.
/// REQUIRES: claims sorted by slot, none negative; the weights add up to at most the whole.
std::vector<ArmSlot> LayOutArms(std::span<const ArmClaim> claims);

/// The bucket in [0, 10,000) where the walk of `slot` starts: going up from it when the slot is
/// even, down from the one below it when odd.
int OriginOf(int slot);

}  // namespace podium::routing
