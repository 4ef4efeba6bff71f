// Rollouts as people read them: how one stands, a list of them, what a plan can come to.
#pragma once

#include <string>

#include "base/json.h"

namespace podium::app {

/// All about one, over several lines: who comes in against whom, where it is, why, until when.
std::string DescribeRollout(const Json& rollout);
/// One line: "step 2 of 4 (5 %)", "paused at step 2 of 4 (5 %)", "rolled back".
std::string RolloutStage(const Json& rollout);
/// One row for each.
std::string RolloutTable(const Json& rollouts);

/// "tumour leads in 2: step 2 of 4 (5 %): Hold …" for `podium status`; empty for a route without.
std::string RolloutLineOf(const Json& route);
/// That somebody has to look at it; empty when nobody has.
std::string RolloutWarningOf(const Json& route);

/// Requests that each step needs, as a table; empty where nothing is known.
std::string OutlookTable(const Json& outlook);
/// A line for each warning of an outlook, for stderr.
std::string OutlookWarnings(const Json& outlook);

/// What a verb's answer says happened, in one sentence that ends with the way on or back.
std::string DescribeMove(const Json& answer);

}  // namespace podium::app
