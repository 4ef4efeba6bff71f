#include "app/cli_log_replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "app/cli_log.h"
#include "app/cli_table.h"
#include "app/cli_target.h"

namespace podium::app {
namespace {

constexpr double kSameTo = 1e-9;
// Of an answer: who gave it, when, and under which id.
constexpr std::array<std::string_view, 9> kNotCompared = {
    "model", "version",     "model_name", "model_version", "id", "created", "system_fingerprint",
    "usage", "service_tier"};

void Note(AnswerDifference& found, const std::string& place) {
  if (found.same) found.first = place.empty() ? "/" : place;
  found.same = false;
}

void CompareAt(const Json& before, const Json& after, const std::string& place, bool top,
               AnswerDifference& found) {
  if (before.is_number() && after.is_number()) {
    const double a = before.get<double>();
    const double b = after.get<double>();
    found.largest = std::max(found.largest, std::fabs(a - b));
    if (std::fabs(a - b) > kSameTo * std::max({1.0, std::fabs(a), std::fabs(b)})) {
      Note(found, place);
    }
    return;
  }
  if (before.type() != after.type() || (before.is_structured() && before.size() != after.size())) {
    return Note(found, place);
  }
  if (before.is_array()) {
    for (std::size_t i = 0; i < before.size(); ++i) {
      CompareAt(before[i], after[i], fmt::format("{}/{}", place, i), false, found);
    }
  } else if (before.is_object()) {
    for (const auto& [key, value] : before.items()) {
      if (top && std::ranges::find(kNotCompared, key) != kNotCompared.end()) continue;
      const std::string below = fmt::format("{}/{}", place, key);
      const auto other = after.find(key);
      other == after.end() ? Note(found, below) : CompareAt(value, *other, below, false, found);
    }
  } else if (before != after) {
    Note(found, place);
  }
}

struct Replayed {
  std::string id;
  std::string result;  // "same", "differs", "not kept", or why it failed.
  AnswerDifference difference;
  bool compared = false;
};

// The path without the version that it may have named.
std::string PathOfRequest(const Json& prediction) {
  std::string path = TextOf(prediction, "path");
  const std::size_t version = path.find("/versions/");
  if (version != std::string::npos && path.starts_with("/v2/models/")) {
    const std::size_t end = path.find('/', version + 10);
    path.erase(version, end == std::string::npos ? std::string::npos : end - version);
  }
  return path;
}

CliResult<Replayed> ReplayOne(CommandContext& context, const std::string& id,
                              const std::string& version) {
  CLI_TRY_ASSIGN(const ApiAnswer stored, context.api.Get(ApiPath("/api/v1/predictions", id)));
  Replayed one{id, "", {}, false};
  const Json& body = MemberOf(stored.body, "request");
  const std::string path = PathOfRequest(stored.body);
  if (!body.is_object() || path.empty()) {
    one.result = "not kept";
    return one;
  }
  net::ClientRequest request;
  request.method = net::HttpMethod::kPost;
  request.target = path;
  Json sent = body;
  sent.erase("stream");  // The answer is compared whole.
  request.body = DumpJson(sent);
  request.headers.emplace_back("X-Podium-Route", TextOf(stored.body, "route"));
  request.headers.emplace_back("X-Podium-Model-Version", version);
  request.headers.emplace_back("X-Request-Id", fmt::format("replay-{}", id));
  const CliResult<ApiAnswer> answer = context.api.Send(std::move(request));
  if (!answer) {
    one.result = answer.error().error;
    return one;
  }
  const Json& before = MemberOf(stored.body, "answer");
  if (!before.is_structured()) {
    one.result = "answered; what was answered before is not kept";
    return one;
  }
  one.compared = true;
  one.difference = CompareAnswers(before, answer->body);
  one.result = one.difference.same ? "same" : "differs";
  return one;
}

Json JsonOf(const Replayed& one) {
  return {{"id", one.id},
          {"result", one.result},
          {"largest_difference", one.compared ? Json(one.difference.largest) : Json()},
          {"first_difference", one.difference.first.empty() ? Json() : Json(one.difference.first)}};
}

}  // namespace

AnswerDifference CompareAnswers(const Json& before, const Json& after) {
  AnswerDifference found;
  found.same = true;
  CompareAt(before, after, "", true, found);
  return found;
}

CliStatus ReplayLog(CommandContext& context, const LogArgs& args) {
  if (args.version.empty()) {
    return UsageError("replay needs the version that is asked now",
                      "podium log replay ROUTE --version 2");
  }
  CLI_TRY_ASSIGN(const Json version, args.route.empty()
                                         ? FindVersion(context.api, args.version)
                                         : FindVersionOf(context.api, args.route, args.version));
  LogArgs filters = args;
  filters.version.clear();  // It says who is asked now, not who was.
  if (filters.route.empty()) filters.route = TextOf(version, "route");
  CLI_TRY_ASSIGN(const std::string target, LogTarget(context.api, filters));
  CLI_TRY_ASSIGN(const Json rows, context.api.List(target, args.most));
  Json all = Json::array();
  Table table({{"ID"}, {"RESULT"}, {"LARGEST DIFFERENCE", Table::Align::kRight}, {"FIRST AT"}});
  std::size_t same = 0;
  for (const Json& row : rows) {
    CLI_TRY_ASSIGN(const Replayed one,
                   ReplayOne(context, TextOf(row, "id"), TextOf(version, "model_id")));
    same += one.result == "same" ? 1 : 0;
    all.push_back(JsonOf(one));
    table.Add({Printable(one.id), Printable(one.result),
               one.compared ? fmt::format("{:g}", one.difference.largest) : "",
               Printable(one.difference.first)});
  }
  if (context.format == OutputFormat::kJson) {
    PrintJson(context.console, all);
    return {};
  }
  if (!table.empty()) context.console.out << table.Render();
  context.console.err << fmt::format("{} of {} answers are the same\n", same, rows.size());
  return {};
}

}  // namespace podium::app
