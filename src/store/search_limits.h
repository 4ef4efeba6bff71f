// The named limits (invariant 16) of a search of MLflow's registry, beside domain/model_limits.h.
#pragma once

#include <cstddef>

namespace podium::limits {

/// Of one LIKE. A pattern may be tried at every character of a text: the two multiply.
inline constexpr std::size_t kMaxLikePatternBytes = 512;
/// Of the rows of one page, as JSON: the row that goes beyond it is the last.
inline constexpr std::size_t kMaxSearchPageBytes = 8 * 1024 * 1024;

}  // namespace podium::limits
