#include "store/cursor.h"

#include <cstdint>
#include <optional>

#include "base/limits.h"
#include "store/hex_text.h"

namespace podium::store {
namespace {

Failure NotOurs() {
  return Fail(ErrorCode::kInvalidArgument,
              "the cursor is not one that this list gave out: start again without one");
}

std::optional<VersionKey> ParseVersionKey(std::string_view text) {
  if (!text.starts_with('v')) return std::nullopt;
  text.remove_prefix(1);
  const auto at = TakeNumber(text);
  const auto length = TakeNumber(text);
  if (!at || !length || *length < 0 || static_cast<std::uint64_t>(*length) > text.size()) {
    return std::nullopt;
  }
  const auto cut = static_cast<std::size_t>(*length);
  return VersionKey{RouteName(std::string(text.substr(0, cut))), WallTime(WallTime::duration(*at)),
                    ModelId(std::string(text.substr(cut)))};
}

// Of a list whose cursors begin with that letter.
std::optional<std::int64_t> NumberBehind(char list, std::string_view text) {
  const std::optional<std::string> bytes = FromHexText(text);
  if (!bytes || !bytes->starts_with(list)) return std::nullopt;
  std::string_view rest = std::string_view(*bytes).substr(1);
  return TakeNumber(rest);
}

}  // namespace

std::string EncodeCursor(const VersionKey& last) {
  return ToHexText(fmt::format("v{}:{}:{}{}", last.created_at.time_since_epoch().count(),
                               last.route.get().size(), last.route.get(), last.id.get()));
}

std::string EncodeCursor(Revision last) { return ToHexText(fmt::format("p{}:", last.get())); }

std::string EncodeRolloutCursor(Revision last) {
  return ToHexText(fmt::format("r{}:", last.get()));
}

std::string EncodeModelAuditCursor(std::int64_t last) {
  return ToHexText(fmt::format("a{}:", last));
}

std::string EncodeVerdictCursor(std::int64_t last) { return ToHexText(fmt::format("n{}:", last)); }

Result<VersionKey> DecodeVersionCursor(std::string_view text) {
  const std::optional<std::string> bytes = FromHexText(text);
  if (!bytes) return NotOurs();
  std::optional<VersionKey> key = ParseVersionKey(*bytes);
  // Written back and compared: "007" and "-0" are numbers, but none that we wrote.
  if (!key || EncodeCursor(*key) != text) return NotOurs();
  return *key;
}

Result<Revision> DecodePromotionCursor(std::string_view text) {
  const std::optional<std::int64_t> number = NumberBehind('p', text);
  if (!number || EncodeCursor(Revision(*number)) != text) return NotOurs();
  return Revision(*number);
}

Result<Revision> DecodeRolloutCursor(std::string_view text) {
  const std::optional<std::int64_t> number = NumberBehind('r', text);
  if (!number || EncodeRolloutCursor(Revision(*number)) != text) return NotOurs();
  return Revision(*number);
}

Result<std::int64_t> DecodeModelAuditCursor(std::string_view text) {
  const std::optional<std::int64_t> number = NumberBehind('a', text);
  if (!number || EncodeModelAuditCursor(*number) != text) return NotOurs();
  return *number;
}

Result<std::int64_t> DecodeVerdictCursor(std::string_view text) {
  const std::optional<std::int64_t> number = NumberBehind('n', text);
  if (!number || EncodeVerdictCursor(*number) != text) return NotOurs();
  return *number;
}

Status CheckPageLimit(int limit) {
  if (limit >= 1 && limit <= limits::kPageMax) return {};
  return Fail(ErrorCode::kInvalidArgument, "limit must be 1 to {}, not {}", limits::kPageMax,
              limit);
}

}  // namespace podium::store
