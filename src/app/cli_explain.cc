#include "app/cli_explain.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "app/cli_table.h"
#include "app/cli_target.h"

namespace podium::app {
namespace {

bool IsTrue(const Json& value) { return value.is_boolean() && value.get<bool>(); }

std::string UnitOf(const Json& object) {
  const Json& unit = MemberOf(object, "unit");
  return fmt::format("{} \"{}\"", TextOf(unit, "kind"), TextOf(unit, "value"));
}

std::string VersionName(const Json& version) {
  return fmt::format("version {} ({})", TextOf(version, "version"), TextOf(version, "model_id"));
}

const Json& RunHere(const Json& replay) {
  static const Json kNone;
  for (const Json& run : MemberOf(replay, "buckets")) {
    if (IsTrue(MemberOf(run, "here"))) return run;
  }
  return kNone;
}

// Why it is this version, as the second half of a sentence.
std::string Because(const Json& replay) {
  const std::string reason = TextOf(replay, "reason");
  const std::uint64_t bucket = CountOf(replay, "fine_bucket");
  const double share = NumberOf(replay, "traffic_pct");
  const long below = std::lround(share * 100);
  if (reason == "canary") {
    return fmt::format("the canary: its bucket {} is below {} ({})", bucket, below,
                       ShowPercent(share));
  }
  if (reason == "arm") {
    const Json& run = RunHere(replay);
    return fmt::format("an arm: its bucket {} lies in {} to {}", bucket, CountOf(run, "from"),
                       CountOf(run, "below") - 1);
  }
  if (TextOf(replay, "policy") == "ab") {
    return fmt::format("the primary: its bucket {} is no arm's", bucket);
  }
  if (share > 0) {
    return fmt::format("the primary: its bucket {} is not below the canary's {} ({})", bucket,
                       below, ShowPercent(share));
  }
  return "the primary: no other version takes traffic";
}

std::string ReplaySentence(const Json& replay) {
  const std::string who = fmt::format("{} of {}", UnitOf(replay), TextOf(replay, "route"));
  const std::uint64_t generation = CountOf(replay, "generation");
  const Json& assigned = MemberOf(replay, "assigned");
  if (assigned.is_null()) {
    return fmt::format("At generation {}, {} gets nothing: the route has no primary.", generation,
                       who);
  }
  return fmt::format("At generation {}, {} gets {}, {}.", generation, who, VersionName(assigned),
                     Because(replay));
}

std::string StepTable(const Json& replay) {
  const Json& since = MemberOf(replay, "in_force_since");
  Table table({{"STEP"}, {"VALUE"}});
  table.Add({"table",
             fmt::format("generation {}, as it stands since {} ({})", CountOf(replay, "generation"),
                         CountOf(since, "generation"), Printable(TextOf(since, "at")))});
  table.Add({"unit", Printable(fmt::format("{} (the route sticks to: {})", UnitOf(replay),
                                           TextOf(replay, "sticky_on")))});
  table.Add({"salt", Printable(fmt::format("\"{}\", the {}'s; layer: {}", TextOf(replay, "salt"),
                                           TextOf(replay, "salt_of"), TextOf(replay, "layer")))});
  table.Add({"hash", Printable(TextOf(replay, "hash"))});
  table.Add({"bucket", fmt::format("{} of 100, fine {} of 10,000", CountOf(replay, "bucket"),
                                   CountOf(replay, "fine_bucket"))});
  return table.Render();
}

std::string BucketTable(const Json& replay) {
  using enum Table::Align;
  Table table({{"BUCKETS"}, {"SHARE", kRight}, {"REASON"}, {"VERSION"}, {"HERE"}});
  for (const Json& run : MemberOf(replay, "buckets")) {
    const std::uint64_t from = CountOf(run, "from");
    const std::uint64_t below = CountOf(run, "below");
    const Json& version = MemberOf(run, "version");
    table.Add({fmt::format("{}-{}", from, below - 1),
               ShowPercent(static_cast<double>(below - from) / 100.0), TextOf(run, "reason"),
               version.is_null() ? "" : Printable(VersionName(version)),
               IsTrue(MemberOf(run, "here")) ? "<- this one" : " "});
  }
  return table.Render();
}

std::string WhatElse(const Json& replay) {
  if (TextOf(replay, "policy") == "ab") {
    return "Only other arms or weights would change it.";
  }
  const Json& from = MemberOf(replay, "canary_from_pct");
  if (!from.is_number()) {
    return "A canary started now has a new salt: who is in it can be told once it is there.";
  }
  const std::string share = ShowPercent(from.get<double>());
  const std::string canary = VersionName(MemberOf(replay, "canary"));
  if (TextOf(replay, "reason") == "canary") {
    return fmt::format("It stays with {} down to a share of {}; below that it gets the primary.",
                       canary, share);
  }
  return fmt::format("From a canary share of {} on it gets {}.", share, canary);
}

std::string ReplayWarnings(const Json& replay) {
  std::string text;
  for (const Json& fault : MemberOf(replay, "faults")) {
    if (!fault.is_string()) continue;
    text += fmt::format("warning: a row was set aside: {}\n", Printable(fault.get<std::string>()));
  }
  if (IsTrue(MemberOf(replay, "changed_by_sql"))) {
    text +=
        "warning: these rows were changed by SQL, not by podium: a server that runs may route by "
        "them later than their generation says\n";
  }
  return text;
}

std::string Fate(const Json& request) {
  const Json& assigned = MemberOf(request, "assigned");
  const Json& served = MemberOf(request, "served");
  const std::string reason = TextOf(request, "reason");
  if (assigned.is_null()) return "there was nothing to assign: the route had no primary";
  const std::string first = reason == "override"
                                ? VersionName(assigned) + ", which the caller named"
                                : fmt::format("{} (reason: {})", VersionName(assigned), reason);
  if (served.is_null()) {
    return fmt::format("it was assigned {}; neither that nor another version was ready", first);
  }
  if (TextOf(assigned, "model_id") == TextOf(served, "model_id")) {
    return fmt::format("it went to {}", first);
  }
  return fmt::format("it was assigned {}, which was not ready: {} took it instead ({})", first,
                     VersionName(served), TextOf(request, "serve_reason"));
}

std::string Verdict(const Json& answer) {
  const std::string why = TextOf(answer, "why_no_replay");
  if (!why.empty()) return fmt::format("Not replayed: {}.", why);
  const std::uint64_t generation = CountOf(MemberOf(answer, "request"), "generation");
  if (IsTrue(MemberOf(answer, "agrees"))) {
    return fmt::format("The table of generation {} says the same.", generation);
  }
  return fmt::format("THE TABLE OF GENERATION {} SAYS OTHERWISE: please report this.", generation);
}

// A mistyped route is worth a suggestion; a route that was not there yet is not mistyped.
CliFailure WithRouteHint(CommandContext& context, const ExplainArgs& args, CliError error) {
  if (error.exit != ExitCode::kNotFound) return CliFailure(std::move(error));
  CliResult<Json> route = FindRoute(context.api, args.route);
  return CliFailure(route ? std::move(error) : std::move(route).error());
}

CliStatus ExplainRequest(CommandContext& context, const ExplainArgs& args) {
  CLI_TRY_ASSIGN(const ApiAnswer answer,
                 context.api.Get(WithQuery("/api/v1/explain", "request_id", args.request)));
  if (context.format == OutputFormat::kJson) {
    PrintJson(context.console, answer.body);
    return {};
  }
  context.console.err << ReplayWarnings(MemberOf(answer.body, "replay"));
  context.console.out << DescribeRequest(answer.body);
  return {};
}

}  // namespace

std::string DescribeReplay(const Json& replay) {
  return Printable(ReplaySentence(replay)) + "\n\n" + StepTable(replay) + "\n" +
         BucketTable(replay) + "\n" + Printable(WhatElse(replay)) + "\n";
}

std::string DescribeRequest(const Json& answer) {
  const Json& request = MemberOf(answer, "request");
  std::string text = Printable(fmt::format("Request {} of {} ({}, {}) was answered with {}: {}.",
                                           TextOf(request, "request_id"), TextOf(request, "route"),
                                           UnitOf(request), TextOf(request, "at"),
                                           CountOf(request, "status"), Fate(request)));
  text += "\n" + Printable(Verdict(answer)) + "\n";
  if (const std::uint64_t matches = CountOf(request, "matches"); matches > 1) {
    text += fmt::format("{} of the requests kept have this id: this is the newest.\n", matches);
  }
  const Json& replay = MemberOf(answer, "replay");
  if (!replay.is_null()) text += "\n" + DescribeReplay(replay);
  return text;
}

CliStatus RunExplain(CommandContext& context, const ExplainArgs& args) {
  if (!args.request.empty()) return ExplainRequest(context, args);
  std::string target = ApiPath("/api/v1/routes", args.route, "explain");
  target = WithQuery(std::move(target), "key", args.key);
  target = WithQuery(std::move(target), "kind", args.kind);
  if (args.generation) {
    target = WithQuery(std::move(target), "generation", std::to_string(*args.generation));
  }
  target = WithQuery(std::move(target), "at", args.at);
  CliResult<ApiAnswer> answer = context.api.Get(std::move(target));
  if (!answer) return WithRouteHint(context, args, std::move(answer).error());
  if (context.format == OutputFormat::kJson) {
    PrintJson(context.console, answer->body);
    return {};
  }
  context.console.err << ReplayWarnings(answer->body);
  context.console.out << DescribeReplay(answer->body);
  return {};
}

}  // namespace podium::app
