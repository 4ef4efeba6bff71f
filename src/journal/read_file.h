// A whole file as bytes, with errors as values.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/result.h"

namespace podium::limits {
inline constexpr std::size_t kMaxJournalFileBytes = 256 * 1024 * 1024;  ///< Checkpoints too.
}  // namespace podium::limits

namespace podium::journal {

/// nullopt when there is no such file. kUnavailable when it cannot be read now; kUnprocessable
/// beyond limits::kMaxJournalFileBytes. Blocks.
Result<std::optional<std::string>> ReadFile(const std::string& path);

}  // namespace podium::journal
