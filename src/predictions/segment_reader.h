// Reads segments, those that are still written to included.
#pragma once

#include <cstdint>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace podium::predictions {

/// Where a line stands in a segment, unpacked.
struct SegmentLine {
  std::int64_t offset = 0;
  std::string_view text;  ///< Without its line end. While it is visited.
};

/// Visits the whole lines from `offset` on, until `visit` returns false. kNotFound when there is no
/// such segment, in either form. Blocks.
Status ReadLines(const std::string& folder, const std::string& name, std::int64_t offset,
                 const std::function<bool(const SegmentLine&)>& visit);

/// The line of prediction `id`, expected at `offset`: after a repair it may stand before.
/// kNotFound when it is not there. Blocks.
Result<std::string> FindLine(const std::string& folder, const std::string& name,
                             std::int64_t offset, const std::string& id);

}  // namespace podium::predictions
