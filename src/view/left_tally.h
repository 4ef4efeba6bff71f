// What a process that has ended had counted of a rollout, read from the file that its tally lay in.
//
// The file may be cut off, of another build, or anything at all: what is not a whole tally with
// numbers that can be is refused. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/ids.h"
#include "view/arm_counts.h"
#include "view/failing_keys.h"

namespace podium::view {

struct LeftTally {
  RolloutId rollout;
  std::uint32_t epoch = 0;
  std::string incarnation;  ///< Of the replica that counted.
  ArmCounts primary;
  ArmCounts canary;
  std::uint64_t ineligible = 0;
  std::vector<MergedKey> keys;  ///< Each once, by unit; with a bad outcome in one series at least.
};

/// `bytes`: the whole file. kConflict when another version of Podium has written it;
/// kUnprocessable when it is no tally.
Result<LeftTally> ReadLeftTally(std::string_view bytes);

}  // namespace podium::view
