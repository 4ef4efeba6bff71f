// PODIUM_ASSERT: for our own mistakes only, never for input. Kept in release builds.
#pragma once

namespace podium {
[[noreturn]] void AssertFailed(const char* expression, const char* file, int line);
}  // namespace podium

#define PODIUM_ASSERT(expression)          \
  (static_cast<bool>(expression) ? void(0) \
                                 : ::podium::AssertFailed(#expression, __FILE__, __LINE__))
