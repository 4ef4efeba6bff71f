// What a story expects of the registry and of the routing. Internal to the parser.
#pragma once

#include "base/result.h"
#include "testing/scenario.h"
#include "testing/scenario_line.h"

namespace podium::testing::scenario {

/// Reads what stands behind `expect`.
Result<Deed> ReadExpectation(Line& line);

}  // namespace podium::testing::scenario
