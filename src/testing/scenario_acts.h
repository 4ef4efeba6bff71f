// What is done to the registry in a story: a verb, its nouns, and the circumstances behind them.
// Internal to the parser.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "testing/scenario.h"
#include "testing/scenario_line.h"

namespace podium::testing::scenario {

/// The words that an act begins with.
const std::vector<std::string_view>& ActVerbs();

/// Reads what stands behind `verb`, which is one of ActVerbs().
Result<Act> ReadAct(Line& line, const std::string& verb);

/// "m2 20% m3 30%" or "none"; ends with the line, or where a circumstance begins.
Result<std::vector<RouteArm>> ReadArms(Line& line);

}  // namespace podium::testing::scenario
