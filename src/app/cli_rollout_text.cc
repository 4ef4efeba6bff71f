#include "app/cli_rollout_text.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "app/cli_api.h"
#include "app/cli_console.h"
#include "app/cli_table.h"

namespace podium::app {
namespace {

bool IsTrue(const Json& object, const char* key) {
  const Json& value = MemberOf(object, key);
  return value.is_boolean() && value.get<bool>();
}

bool Runs(const Json& rollout) {
  const std::string phase = TextOf(rollout, "phase");
  return phase == "running" || phase == "paused";
}

std::string Words(std::string phase) {
  for (char& letter : phase) {
    if (letter == '_') letter = ' ';
  }
  return Printable(phase);
}

// "2 (tumour-v2)", or the id alone when the version is gone.
std::string Named(const Json& rollout, const char* version, const char* id) {
  const std::string name = Printable(TextOf(rollout, version));
  const std::string model = Printable(TextOf(rollout, id));
  return name.empty() ? model : fmt::format("{} ({})", name, model);
}

std::string ShortNamed(const Json& rollout) {
  const std::string name = Printable(TextOf(rollout, "candidate_version"));
  return name.empty() ? Printable(TextOf(rollout, "candidate")) : name;
}

// The verdict's sentence while it runs, else what ended it.
std::string LatestSentence(const Json& rollout) {
  std::string text = Runs(rollout) ? Printable(TextOf(rollout, "sentence")) : "";
  return text.empty() ? Printable(TextOf(rollout, "said")) : text;
}

std::string Line(std::string_view name, const std::string& text) {
  return text.empty() ? "" : fmt::format("{:<11}{}\n", name, text);
}

std::string Times(const Json& rollout) {
  if (!Runs(rollout)) return Line("ended", ShowTime(TextOf(rollout, "ended_at")));
  return Line("in step", "since " + ShowTime(TextOf(rollout, "step_entered_at"))) +
         Line("bakes", "until " + ShowTime(TextOf(rollout, "baked_at"))) +
         Line("deadline", ShowTime(TextOf(rollout, "deadline")) +
                              (IsTrue(rollout, "overdue") ? ", which has passed" : ""));
}

std::string RequestsCell(const Json& step, const char* key) {
  const Json& number = MemberOf(step, key);
  if (!number.is_number()) return "never";
  return WithThousands(static_cast<std::uint64_t>(number.get<double>()));
}

// What is said to people of how to go on.
std::string WayOn(const Json& rollout) {
  const std::string route = Printable(TextOf(rollout, "route"));
  const std::string phase = TextOf(rollout, "phase");
  if (phase == "paused") return fmt::format("Go on: podium rollout resume {}", route);
  if (phase == "running") {
    return fmt::format("Watch: podium rollout show {} --watch. Undo: podium rollout abort {}",
                       route, route);
  }
  if (phase == "promoted") return fmt::format("Undo: podium rollback {}", route);
  return fmt::format("Again: podium rollout start {} {}", route, ShortNamed(rollout));
}

}  // namespace

std::string RolloutStage(const Json& rollout) {
  if (!Runs(rollout)) return Words(TextOf(rollout, "phase"));
  const bool paused = TextOf(rollout, "phase") == "paused";
  std::string text =
      fmt::format("{}step {} of {} ({})", paused ? "paused at " : "", CountOf(rollout, "step"),
                  CountOf(rollout, "steps"), ShowPercent(NumberOf(rollout, "traffic_pct")));
  if (TextOf(rollout, "gate") == "closed") text += ", waits for a person at its gate";
  if (IsTrue(rollout, "overdue")) text += ", overdue";
  return text;
}

std::string DescribeRollout(const Json& rollout) {
  std::string text = fmt::format(
      "rollout {} of {}: {} against {}\n", Printable(TextOf(rollout, "id")),
      Printable(TextOf(rollout, "route")), Named(rollout, "candidate_version", "candidate"),
      Named(rollout, "primary_version", "primary"));
  text += Line("stage", RolloutStage(rollout));
  text += Line("verdict", LatestSentence(rollout));
  const std::string said = Printable(TextOf(rollout, "said"));
  if (said != LatestSentence(rollout)) text += Line("last", said);
  text += Times(rollout);
  text += Line("started", fmt::format("{} by {}", ShowTime(TextOf(rollout, "started_at")),
                                      Printable(TextOf(rollout, "started_by"))));
  text +=
      Line("attempt", fmt::format("{}, with a chance of error of {}", CountOf(rollout, "attempt"),
                                  AsPercent(NumberOf(rollout, "alpha"))));
  text += Line("driver", Printable(TextOf(rollout, "driver")));
  return text;
}

std::string RolloutTable(const Json& rollouts) {
  Table table({{"ID"}, {"ROUTE"}, {"CANDIDATE"}, {"STAGE"}, {"SINCE"}, {"LATEST"}});
  for (const Json& rollout : rollouts) {
    const char* since = Runs(rollout) ? "step_entered_at" : "ended_at";
    table.Add({Printable(TextOf(rollout, "id")), Printable(TextOf(rollout, "route")),
               ShortNamed(rollout), RolloutStage(rollout), ShowTime(TextOf(rollout, since)),
               LatestSentence(rollout)});
  }
  return table.Render();
}

std::string RolloutLineOf(const Json& route) {
  const Json& rollout = MemberOf(route, "rollout");
  if (rollout.is_null()) return "";
  std::string line = fmt::format("{} leads in {}: {}", Printable(TextOf(route, "route")),
                                 ShortNamed(rollout), RolloutStage(rollout));
  if (const std::string sentence = LatestSentence(rollout); !sentence.empty()) {
    line += ": " + sentence;
  }
  return line;
}

std::string RolloutWarningOf(const Json& route) {
  const Json& rollout = MemberOf(route, "rollout");
  if (rollout.is_null()) return "";
  const std::string name = Printable(TextOf(route, "route"));
  const std::string decision = TextOf(rollout, "decision");
  if (decision == "freeze") {
    return fmt::format("warning: the rollout of {} is frozen: {}\n", name, LatestSentence(rollout));
  }
  if (!IsTrue(rollout, "overdue")) return "";
  return fmt::format(
      "warning: the rollout of {} is overdue: decide by podium rollout step, promote or abort {}\n",
      name, name);
}

std::string OutlookTable(const Json& outlook) {
  using enum Table::Align;
  Table table({{"STEP", kRight},
               {"SHARE", kRight},
               {"REQUESTS TO PASS", kRight},
               {"WAITS FOR"},
               {"REQUESTS TO CATCH DOUBLE ERRORS", kRight}});
  int number = 0;
  for (const Json& step : MemberOf(outlook, "steps")) {
    table.Add({std::to_string(++number), ShowPercent(NumberOf(step, "traffic_pct")),
               RequestsCell(step, "requests_to_pass"), Printable(TextOf(step, "waits_for")),
               RequestsCell(step, "requests_to_catch_double_errors")});
  }
  return table.empty() ? "" : table.Render();
}

std::string OutlookWarnings(const Json& outlook) {
  std::string text;
  for (const Json& warning : MemberOf(outlook, "warnings")) {
    if (warning.is_string()) text += "warning: " + Printable(warning.get<std::string>()) + "\n";
  }
  return text;
}

std::string DescribeMove(const Json& answer) {
  const Json& changed = MemberOf(answer, "changed");
  const bool was_so = changed.is_boolean() && !changed.get<bool>();
  const std::string said = Printable(TextOf(answer, "said"));
  return fmt::format("{}{}: {}{} (generation {}). {}", was_so ? "it was so already: " : "",
                     Printable(TextOf(answer, "route")), RolloutStage(answer),
                     said.empty() ? "" : fmt::format(", {}", said), CountOf(answer, "generation"),
                     WayOn(answer));
}

}  // namespace podium::app
