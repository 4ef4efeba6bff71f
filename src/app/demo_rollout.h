// The demo's rollout: how it is asked for, what the API says of it, how it is told.
//
// Pure: bodies in, values and lines out.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/demo_examples.h"
#include "base/result.h"

namespace podium::app {

/// The body of POST /api/v1/routes/{route}/rollouts: a coin for each request, two steps, promotion
/// by a positive verdict. Chances of error, margins and guards are those that Podium ships with.
std::string RolloutBody(const DemoVersion& candidate);

/// The newest rollout of a route.
struct DemoRollout {
  std::string id;
  std::string candidate;  ///< As people call it: "v2".
  std::string phase;      ///< "running", "paused", "promoted", "rolled_back", "aborted".
  std::size_t step = 0;   ///< From 1.
  std::size_t steps = 0;
  double traffic_pct = 0;
  std::string sentence;  ///< What was said of it last.

  bool runs() const { return phase == "running" || phase == "paused"; }
  bool operator==(const DemoRollout&) const = default;
};
/// From the body of GET /api/v1/routes/{route}/rollouts; nullopt when there is none.
Result<std::optional<DemoRollout>> ReadNewestRollout(std::string_view body);

/// "rollout of v2: step 1 of 2 at 20%" or "rollout of v3: rolled back".
std::string RolloutHeadline(const DemoRollout& rollout);
/// Headline and sentence, broken at words into lines of `width` characters, `most` of them.
std::vector<std::string> RolloutLines(const DemoRollout& rollout, std::size_t width,
                                      std::size_t most);
/// The same in one line for output that is no terminal.
std::string RolloutLine(const DemoRollout& rollout, const std::string& route,
                        std::chrono::seconds elapsed);

}  // namespace podium::app
