// Where an id falls: the published hash behind every decision, for programs that route by
// themselves and for those who check us.
//
// h = XXH3-64 (seed 0) of salt, one separator byte (0x1F for canaries, 0x1E for arms) and the id.
// The vectors in tests/data/buckets.golden.json hold for every release.
#pragma once

#include <cstdint>
#include <string_view>

#include <podium/error.h>

namespace podium::v1 {

enum class Layer : std::uint8_t { kCanary, kArms };

struct Bucket {
  std::uint64_t hash = 0;
  int coarse = 0;  ///< h mod 100.
  int fine = 0;  ///< 100 * coarse + (h div 100) mod 100, in [0, 10000): canary if below the share.
};

/// kInvalidArgument unless the salt is 1 to 64 of [A-Za-z0-9._-].
[[gnu::visibility("default")]] Result<Bucket> BucketOf(Layer layer, std::string_view salt,
                                                       std::string_view unit);

}  // namespace podium::v1
