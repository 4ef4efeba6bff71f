// Calls a function that the embedding program passed in and that may throw: whatever comes out of
// it is a value on our side.
//
// The one place of libpodium that catches everything. A program's registry adapter may throw types
// of its own, and none of them may end a live call that a fallback could answer (invariant 8).
#pragma once

#include <exception>
#include <string>

#include "base/result.h"

namespace podium::v1 {

/// What `call` returned, or kUnavailable with what it threw. `what` begins the error's text.
template <typename Call>
auto CallForeign(std::string_view what, const Call& call) -> podium::Result<decltype(call())> {
  try {
    if constexpr (std::is_void_v<decltype(call())>) {
      call();
      return {};
    } else {
      return call();
    }
  } catch (const std::exception& thrown) {
    return Fail(podium::ErrorCode::kUnavailable, "{} threw: {}", what, thrown.what());
  } catch (...) {
    return Fail(podium::ErrorCode::kUnavailable, "{} threw what is no std::exception", what);
  }
}

}  // namespace podium::v1
