// A whole file as bytes, with errors as values.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/result.h"

namespace podium {

/// nullopt when there is no such file. kUnavailable when it cannot be read now; kUnprocessable
/// beyond `most_bytes`. Blocks.
Result<std::optional<std::string>> ReadWholeFile(const std::string& path, std::size_t most_bytes);

}  // namespace podium
