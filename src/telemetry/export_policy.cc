#include "telemetry/export_policy.h"

#include <algorithm>
#include <charconv>

namespace podium::telemetry {
namespace {

// Whole seconds; a date says nothing here, as two clocks that differ would.
std::optional<std::chrono::seconds> SecondsIn(std::string_view text) {
  unsigned seconds = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return std::chrono::seconds(seconds);
}

}  // namespace

ExportVerdict VerdictOf(int status) {
  if (status >= 200 && status < 300) return ExportVerdict::kTaken;
  switch (status) {
    case 429:
    case 502:
    case 503:
    case 504:
      return ExportVerdict::kAgain;
    default:
      return ExportVerdict::kRefused;
  }
}

std::optional<std::chrono::milliseconds> ExportPause(int tries,
                                                     std::optional<std::string_view> retry_after,
                                                     std::uint64_t chance) {
  if (tries >= kMaxExportTries) return std::nullopt;
  if (const auto asked = retry_after ? SecondsIn(*retry_after) : std::nullopt) {
    if (*asked > kMaxExportPause) return std::nullopt;
    return *asked;
  }
  const auto pause = std::min(kFirstExportPause * (1 << std::max(tries - 1, 0)), kMaxExportPause);
  // Between half of it and all of it, so that replicas do not come together.
  const auto half = static_cast<std::uint64_t>(pause.count() / 2);
  return std::chrono::milliseconds(half + chance % (half + 1));
}

}  // namespace podium::telemetry
