#include "domain/traffic.h"

#include <cmath>

namespace podium {

Result<BasisPoints> BasisPoints::From(std::int64_t value) {
  if (value < 0 || value > kWhole) {
    return Fail(ErrorCode::kInvalidArgument, "a share is 0 to 10000 basis points, not {}", value);
  }
  return BasisPoints(static_cast<int>(value));
}

Result<BasisPoints> BasisPoints::FromPercent(double percent) {
  // Negated, so that NaN fails too.
  if (!(percent >= 0.0 && percent <= 100.0)) {
    return Fail(ErrorCode::kInvalidArgument, "traffic_pct must be within 0 to 100, not {}",
                percent);
  }
  const double scaled = percent * 100.0;
  const double whole = std::round(scaled);
  // A decimal such as 0.29 is not exact in binary: far below half a step is still that step.
  if (std::abs(scaled - whole) > 1e-6) {
    return Fail(ErrorCode::kInvalidArgument, "traffic_pct has steps of 0.01, {} lies between two",
                percent);
  }
  return BasisPoints(static_cast<int>(whole));
}

std::string FormatPercent(BasisPoints share) {
  const int whole = share.value() / 100;
  const int rest = share.value() % 100;
  if (rest == 0) return fmt::format("{}", whole);
  if (rest % 10 == 0) return fmt::format("{}.{}", whole, rest / 10);
  return fmt::format("{}.{:02}", whole, rest);
}

std::string_view NameOf(UnitKind kind) {
  switch (kind) {
    case UnitKind::kSession:
      return "session";
    case UnitKind::kUser:
      return "user";
    case UnitKind::kRequest:
      return "request";
  }
  return "request";
}

}  // namespace podium
