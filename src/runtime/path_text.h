// Paths in text from outside, as whoever reads them last may understand them. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace podium::runtime {

/// Every %XX decoded, again and again until none is left; a '%' that encodes nothing stays, so that
/// it cannot hide what stands before it. nullopt: more often than limits::kMaxPathDecodings.
std::optional<std::string> DecodedFully(std::string_view text);

/// Whether a step of `decoded` is "..". Steps end at slashes of either kind, and where a URI's path
/// does: '?', '#', ';'.
bool LeadsUp(std::string_view decoded);

bool HasControl(std::string_view text);

}  // namespace podium::runtime
