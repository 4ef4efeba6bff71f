// The values of the scenario language: shares, numbers, times, crowds. Internal to the parser.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "domain/traffic.h"
#include "testing/scenario.h"

namespace podium::testing::scenario {

std::optional<int> ReadNumber(std::string_view text);                      ///< 0 to 999,999,999.
std::optional<BasisPoints> ReadShare(std::string_view text);               ///< "0.25%"
std::optional<std::chrono::milliseconds> ReadPass(std::string_view text);  ///< "5s"
std::optional<Crowd> ReadCrowd(std::string_view text);                     ///< "u0..u9999"

struct ShareRange {
  BasisPoints low;
  BasisPoints high;
};
std::optional<ShareRange> ReadShareRange(std::string_view text);  ///< "4.5%..5.5%"

}  // namespace podium::testing::scenario
