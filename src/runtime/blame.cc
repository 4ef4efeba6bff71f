#include "runtime/blame.h"

#include <algorithm>
#include <set>

#include "runtime/model_process.h"

namespace podium::runtime {
namespace {

std::string PhaseText(const Trace& trace) {
  switch (trace.phase) {
    case Phase::kLoad:
      return "while loading";
    case Phase::kWarmUp:
      return "while warming up";
    case Phase::kInference:
      return fmt::format("in inference {}", trace.run);
    case Phase::kProven:
    case Phase::kIdle:
      break;
  }
  return "in an inference";
}

bool IsOnProbation(Phase phase) {
  return phase == Phase::kLoad || phase == Phase::kWarmUp || phase == Phase::kInference;
}

Judgement JudgeSignal(const Trail& trail) {
  Judgement judgement;
  std::set<std::string> seen;
  for (const Trace& trace : trail.traces) {
    if (trace.signal == 0 || !seen.insert(trace.sha256).second) continue;
    judgement.blamed.push_back(
        {trace.sha256,
         fmt::format("crashed the server with {} {}", SignalName(trace.signal), PhaseText(trace))});
  }
  return judgement;
}

}  // namespace

Judgement Judge(const Trail& trail, const Strikes& strikes) {
  if (!trail.abnormal) return {};
  const bool noted =
      trail.stray_signal != 0 || std::any_of(trail.traces.begin(), trail.traces.end(),
                                             [](const Trace& trace) { return trace.signal != 0; });
  if (noted) return JudgeSignal(trail);
  Judgement judgement;
  std::set<std::string> seen;
  for (const Trace& trace : trail.traces) {
    if (!IsOnProbation(trace.phase) || !seen.insert(trace.sha256).second) continue;
    const auto known = strikes.find(trace.sha256);
    const int deaths = known == strikes.end() ? 1 : known->second + 1;
    if (deaths < kStrikesToBlame) {
      judgement.strikes[trace.sha256] = deaths;
      continue;
    }
    judgement.blamed.push_back(
        {trace.sha256, fmt::format("was in use {} each of the last {} times that the server was "
                                   "killed, as the system does when memory runs out",
                                   PhaseText(trace), deaths)});
  }
  return judgement;
}

}  // namespace podium::runtime
