// The ids that Podium's nouns carry, each a type of its own.
#pragma once

#include <cstdint>
#include <string>

#include "base/named_type.h"

namespace podium {

using RouteName = NamedType<struct RouteNameTag, std::string>;
using ModelId = NamedType<struct ModelIdTag, std::string>;
using RolloutId = NamedType<struct RolloutIdTag, std::string>;

/// Counts committed changes of the routing input; guards one resource as its ETag.
using Revision = NamedType<struct RevisionTag, std::int64_t>;

/// Number of a CoreView's routing input. Only grows: a restore or failover that lost commits raises
/// the epoch in the high bits.
using Generation = NamedType<struct GenerationTag, std::uint64_t>;

inline constexpr int kGenerationRevisionBits = 40;
inline Generation MakeGeneration(std::uint32_t epoch, Revision revision) {
  return Generation((std::uint64_t{epoch} << kGenerationRevisionBits) |
                    static_cast<std::uint64_t>(revision.get()));
}

inline std::uint32_t EpochOf(Generation generation) {
  return static_cast<std::uint32_t>(generation.get() >> kGenerationRevisionBits);
}
inline Revision RevisionOf(Generation generation) {
  return Revision(static_cast<std::int64_t>(generation.get() &
                                            ((std::uint64_t{1} << kGenerationRevisionBits) - 1)));
}

}  // namespace podium
