// The time that a report is about: two moments, each a time or an age.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "net/request_head.h"

namespace podium::control {

struct Period {
  WallTime since;
  WallTime until;  ///< Exclusive.
};

/// A moment: RFC 3339 in UTC, or how long before `now` as in "90s", "30m", "24h", "7d". `name` is
/// the parameter's, for the error.
Result<WallTime> ReadMoment(std::string_view name, const std::string& text, WallTime now);

/// The parameters `since` and `until`; without them the last 24 hours, this very moment included.
Result<Period> ReadPeriod(const net::RequestHead& head, WallTime now);

}  // namespace podium::control
