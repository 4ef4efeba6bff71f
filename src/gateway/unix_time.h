// Times as the APIs of language models write them.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/clock.h"

namespace podium::gateway {

/// Whole seconds since 1970.
inline std::int64_t UnixSecondsOf(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace podium::gateway
