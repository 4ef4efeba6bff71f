// How much traffic, and of whom.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace podium {

/// A share of traffic in hundredths of a percent, 0 to 10,000.
class BasisPoints {
 public:
  static constexpr int kWhole = 10'000;

  constexpr BasisPoints() = default;
  /// kInvalidArgument outside 0 to 10,000.
  static Result<BasisPoints> From(std::int64_t value);
  /// From the wire's `traffic_pct`: 0 to 100 in steps of 0.01; NaN and finer steps are errors.
  static Result<BasisPoints> FromPercent(double percent);

  constexpr int value() const { return value_; }
  double percent() const { return value_ / 100.0; }
  constexpr auto operator<=>(const BasisPoints&) const = default;

 private:
  constexpr explicit BasisPoints(int value) : value_(value) {}
  int value_ = 0;
};

/// Shows 25 bp as "0.25", 500 bp as "5".
std::string FormatPercent(BasisPoints share);

/// What is randomised: the session if there is one, else the request.
enum class UnitKind : std::uint8_t { kSession, kUser, kRequest };

/// Borrowed from the request; lives as long as that.
struct Unit {
  UnitKind kind = UnitKind::kRequest;
  std::string_view value;
};

std::string_view NameOf(UnitKind kind);

}  // namespace podium
