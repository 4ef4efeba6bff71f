// Stories are written by people: whatever is in the file, the answer is statements or a place.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "testing/scenario_parse.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace podium::testing::scenario;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto scenario = ParseScenario("s", text);
  if (!scenario) {
    PODIUM_ASSERT(scenario.error().where.starts_with("s:"));
    return 0;
  }
  int line = 0;
  for (const Statement& statement : scenario->statements) {
    PODIUM_ASSERT(statement.line > line);
    line = statement.line;
  }
  return 0;
}
