#include "app/demo_rollout.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "app/demo_format.h"
#include "base/json.h"

namespace podium::app {
namespace {

// Large enough that a minute of 1,000 requests a second can show that nothing is worse, and short
// enough in time that somebody watches it to its end.
constexpr double kFirstSharePct = 20;
constexpr double kSecondSharePct = 50;
constexpr std::string_view kBake = "5s";
// Neither version fails as a rule, and a ratio of nothing proves nothing: so rare is good enough.
constexpr double kGoodEnoughPct = 0.5;
constexpr std::string_view kDeadline = "10m";

std::string TextAt(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

double NumberAt(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<double>() : 0;
}

std::string PhaseText(const std::string& phase) {
  std::string text = phase;
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

std::string TextOf(const DemoRollout& rollout) {
  std::string text = RolloutHeadline(rollout);
  if (!rollout.sentence.empty()) text += ": " + rollout.sentence;
  return text;
}

}  // namespace

std::string RolloutBody(const DemoVersion& candidate) {
  const auto step = [](double share_pct) {
    return Json{{"share_pct", share_pct}, {"bake", kBake}};
  };
  const Json body = {
      {"candidate", candidate.model_id},
      {"unit", "request"},
      {"steps", Json::array({step(kFirstSharePct), step(kSecondSharePct)})},
      {"guards", Json::array({Json{{"metric", "error_rate"}, {"at_most_pct", kGoodEnoughPct}},
                              Json{{"metric", "latency"}}})},
      {"deadline", kDeadline},
      {"promote_at_end", true},
      {"reason", "the demo's"}};
  return DumpJson(body);
}

Result<std::optional<DemoRollout>> ReadNewestRollout(std::string_view body) {
  PODIUM_TRY_ASSIGN(const Json list, ParseJson(body));
  const auto items = list.find("items");
  if (items == list.end() || !items->is_array()) {
    return Fail(ErrorCode::kUnavailable, "the list of rollouts is not as documented");
  }
  if (items->empty()) return std::optional<DemoRollout>();
  const Json& newest = items->front();
  DemoRollout rollout;
  rollout.id = TextAt(newest, "id");
  rollout.candidate = TextAt(newest, "candidate_version");
  if (rollout.candidate.empty()) rollout.candidate = TextAt(newest, "candidate");
  rollout.phase = TextAt(newest, "phase");
  rollout.step = static_cast<std::size_t>(NumberAt(newest, "step"));
  rollout.steps = static_cast<std::size_t>(NumberAt(newest, "steps"));
  rollout.traffic_pct = NumberAt(newest, "traffic_pct");
  rollout.sentence = rollout.runs() ? TextAt(newest, "sentence") : TextAt(newest, "said");
  if (rollout.sentence.empty()) rollout.sentence = TextAt(newest, "said");
  return std::optional(std::move(rollout));
}

std::string RolloutHeadline(const DemoRollout& rollout) {
  if (!rollout.runs()) {
    return fmt::format("rollout of {} {}", rollout.candidate, PhaseText(rollout.phase));
  }
  return fmt::format("rollout of {} {}, step {} of {} at {}%", rollout.candidate,
                     PhaseText(rollout.phase), rollout.step, rollout.steps,
                     ShortPercent(rollout.traffic_pct));
}

std::vector<std::string> RolloutLines(const DemoRollout& rollout, std::size_t width,
                                      std::size_t most) {
  constexpr std::string_view kIndent = "  ";
  std::vector<std::string> lines;
  std::string rest = TextOf(rollout);
  while (!rest.empty() && lines.size() < most) {
    const std::string indent = lines.empty() ? std::string() : std::string(kIndent);
    const std::size_t room = width > indent.size() ? width - indent.size() : 1;
    std::size_t cut = rest.size();
    if (cut > room) {
      cut = rest.rfind(' ', room);
      if (cut == std::string::npos || cut == 0) cut = room;
    }
    lines.push_back(Fit(indent + rest.substr(0, cut), width));
    rest.erase(0, rest.find_first_not_of(' ', cut));
  }
  return lines;
}

std::string RolloutLine(const DemoRollout& rollout, const std::string& route,
                        std::chrono::seconds elapsed) {
  const std::string line = fmt::format("{} {}: {}", ShowElapsed(elapsed), route, TextOf(rollout));
  return Fit(line, line.size());
}

}  // namespace podium::app
