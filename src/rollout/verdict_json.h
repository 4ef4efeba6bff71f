// Verdicts as JSON: what `podium rollout evidence` prints and what is stored with each decision
// (README: "Verdicts as JSON"). Pure.
#pragma once

#include <string>

#include "rollout/verdict.h"

namespace podium::rollout {

/// One line. Each double has as many digits as it needs to be read back exactly; what is infinite
/// is the text "Infinity" or "-Infinity", as JSON has no such number.
std::string ToJson(const Verdict& verdict);

}  // namespace podium::rollout
