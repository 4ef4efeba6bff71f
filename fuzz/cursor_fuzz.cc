// Page cursors come from callers: whatever is accepted must be text that we would write ourselves.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "store/cursor.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace podium::store;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto version = DecodeVersionCursor(text);
  const auto promotion = DecodePromotionCursor(text);
  PODIUM_ASSERT(!(version && promotion));
  if (version) PODIUM_ASSERT(EncodeCursor(*version) == text);
  if (promotion) PODIUM_ASSERT(EncodeCursor(*promotion) == text);
  return 0;
}
