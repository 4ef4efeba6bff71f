// Where a page of a list ended: opaque text for callers, a keyset for us. Outside bytes, so every
// cursor is checked and only the very text that we would write is accepted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "domain/ids.h"

namespace podium::store {

/// Versions are listed by route, then age, then id.
struct VersionKey {
  RouteName route;
  WallTime created_at;
  ModelId id;
  auto operator<=>(const VersionKey&) const = default;
};

std::string EncodeCursor(const VersionKey& last);
std::string EncodeCursor(Revision last);         ///< Promotions, newest first.
std::string EncodeRolloutCursor(Revision last);  ///< By the revision that started it.
/// Changes of MLflow's registry, newest first, by the number of their row.
std::string EncodeModelAuditCursor(std::int64_t last);
std::string EncodeVerdictCursor(std::int64_t last);  ///< Of one rollout, by number.

/// kInvalidArgument for text that EncodeCursor did not write, or wrote for another list.
Result<VersionKey> DecodeVersionCursor(std::string_view text);
Result<Revision> DecodePromotionCursor(std::string_view text);
Result<Revision> DecodeRolloutCursor(std::string_view text);
Result<std::int64_t> DecodeModelAuditCursor(std::string_view text);
Result<std::int64_t> DecodeVerdictCursor(std::string_view text);

/// kInvalidArgument unless 1 to limits::kPageMax.
Status CheckPageLimit(int limit);

}  // namespace podium::store
