// Lines of the prediction log lie on a disk: whatever a crash or a hand made of them is refused or
// read, and what callers send becomes a line that is read back as it was, without what is redacted.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/json.h"
#include "predictions/record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace podium;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)predictions::RowOfLine(text);

  predictions::Record record;
  record.row.id = "0";
  record.row.route = "r";
  record.row.arm = "primary";
  record.row.reason = "assigned";
  record.request = predictions::Payload{std::string(text), text.size()};
  predictions::RouteLogging policy;
  for (const bool redacts : {false, true}) {
    if (redacts) policy.redact = {"/a", "/*/0", ""};
    const std::string line = LineOf(record, policy);
    PODIUM_ASSERT(line.find('\n') == line.size() - 1);
    const std::string_view whole = std::string_view(line).substr(0, line.size() - 1);
    PODIUM_ASSERT(ParseJson(whole).has_value());
    const Result<PredictionRow> row = predictions::RowOfLine(whole);
    PODIUM_ASSERT(row && *row == record.row);
  }
  return 0;
}
