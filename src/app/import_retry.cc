#include "app/import_retry.h"

#include <charconv>

namespace podium::app {

bool IsPassing(int status) {
  switch (status) {
    case 408:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
      return true;
    default:
      return false;
  }
}

std::optional<std::chrono::milliseconds> ImportPause(int tries, std::string_view retry_after) {
  if (tries >= kImportTries) return std::nullopt;
  unsigned seconds = 0;
  const char* end = retry_after.data() + retry_after.size();
  const auto [stop, error] = std::from_chars(retry_after.data(), end, seconds);
  if (!retry_after.empty() && error == std::errc{} && stop == end) {
    if (std::chrono::seconds(seconds) > kMostImportPause) return std::nullopt;
    return std::chrono::seconds(seconds);
  }
  return kFirstImportPause * (1 << (tries > 0 ? tries - 1 : 0));
}

}  // namespace podium::app
