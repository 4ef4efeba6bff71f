// What is logged of which route: an operator's choice, fixed at the start of the server.
//
// Nothing is logged unless somebody says so: a log of predictions is personal data and disk. Where
// it is on, ids and outcomes are kept and payloads are not: they take a second word.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace podium::predictions {

enum class Payloads : std::uint8_t {
  kNone,     ///< Neither what was asked nor what was answered.
  kRequest,  ///< What was asked.
  kAll,      ///< Both.
};

enum class Units : std::uint8_t {
  kPlain,   ///< As callers send them.
  kHashed,  ///< The first half of their SHA-256: the same unit is the same text.
};

struct RouteLogging {
  bool log = false;
  Payloads payloads = Payloads::kNone;
  Units units = Units::kPlain;
  /// JSON pointers into request and answer: what they name is replaced. "*" stands for any key or
  /// index: "/messages/*/content".
  std::vector<std::string> redact;
  double share = 1.0;  ///< Of the units whose predictions are logged, 0 to 1.

  bool operator==(const RouteLogging&) const = default;
};

struct LoggingPolicy {
  RouteLogging all;
  std::map<std::string, RouteLogging, std::less<>> routes;  ///< Those that differ.

  const RouteLogging& Of(std::string_view route) const {
    if (routes.empty()) return all;
    const auto found = routes.find(route);
    return found == routes.end() ? all : found->second;
  }
  /// Whether any route logs.
  bool any() const;
};

/// What stands in the place of what was redacted.
inline constexpr std::string_view kRedacted = "[redacted]";

/// Replaces what the pointers name by kRedacted; how many values that were. Pure.
std::size_t Redact(Json& value, const std::vector<std::string>& pointers);
/// Of a setting: "" or "/…", with ~0 and ~1 only behind a tilde.
bool IsJsonPointer(std::string_view text);

}  // namespace podium::predictions
