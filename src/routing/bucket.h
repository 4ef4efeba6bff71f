// Where a unit falls: the one hash that decides who is in a canary or an arm.
//
// h = XXH3-64 (seed 0) of salt, one separator byte, and the unit's value. Published with vectors,
// so that a caller who routes by itself, another release and another platform get the same answer
// (invariant 5).
#pragma once

#include <cstdint>
#include <string_view>

namespace podium::routing {

enum class Layer : std::uint8_t {
  kCanary = 0x1F,  ///< The separator byte of the canary layer.
  kArms = 0x1E,    ///< Of A/B arms: the two layers never share a bucket.
  // These choose nothing: whom shadows see, and which of two answers a unit is given.
  kShadow = 0x1D,
  kChallenger = 0x1C,
};

struct Bucket {
  std::uint64_t hash = 0;
  int coarse = 0;  ///< h mod 100, in [0, 100): the bucket of requirement B2.
  int fine = 0;    ///< 100 * coarse + (h div 100) mod 100, in [0, 10000).
};

/// Pure; no allocation. REQUIRES: salt.size() <= limits::kMaxSaltBytes.
Bucket BucketOf(Layer layer, std::string_view salt, std::string_view unit);

}  // namespace podium::routing
