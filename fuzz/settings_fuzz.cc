// The settings file: any bytes give settings or findings, never a crash; and every finding can be
// shown.

#include <cstddef>
#include <cstdint>
#include <string>

#include "app/finding.h"
#include "app/settings_load.h"
#include "base/assert.h"

namespace {

podium::Result<std::string> ReadNothing(const std::string& path) {
  return podium::Fail(podium::ErrorCode::kNotFound, "no such file: {}", path);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  podium::app::SettingsSources sources;
  sources.file = {"podium.yaml", std::string(reinterpret_cast<const char*>(data), size)};
  sources.environment = {{"NAME", "value"}};
  sources.read_file = ReadNothing;
  const podium::app::LoadedSettings loaded = podium::app::LoadSettings(sources);
  for (const podium::app::Finding& finding : loaded.findings) {
    PODIUM_ASSERT(!finding.message.empty());
    PODIUM_ASSERT(podium::app::Render(finding).ends_with('\n'));
    PODIUM_ASSERT(finding.place.line >= 1 && finding.place.column >= 1);
  }
  PODIUM_ASSERT(podium::app::Summary(loaded.findings).empty() == false);
  return 0;
}
