// ParseJson: any bytes give a value or an error that can be shown. What is accepted means the same
// once it is written and read again.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const podium::Result<podium::Json> parsed = podium::ParseJson(text);
  if (!parsed) {
    PODIUM_ASSERT(parsed.error().code == podium::ErrorCode::kInvalidArgument);
    PODIUM_ASSERT(parsed.error().message.starts_with("malformed JSON at line "));
    PODIUM_ASSERT(parsed.error().message.size() < 400);
    return 0;
  }
  PODIUM_ASSERT(text.find('\0') == std::string_view::npos);
  const std::string written = podium::DumpJson(*parsed);
  const podium::Result<podium::Json> again = podium::ParseJson(written);
  PODIUM_ASSERT(again.has_value());
  PODIUM_ASSERT(podium::DumpJson(*again) == written);
  PODIUM_ASSERT(podium::ParseJson(podium::DumpJsonPretty(*parsed)).has_value());
  return 0;
}
