#include "app/cli_predict.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "app/cli_target.h"
#include "app/cli_upload.h"

namespace podium::app {
namespace {

constexpr std::size_t kMaxRowsBytes = 64 * 1024 * 1024;

Json RoutingOf(const ApiAnswer& answer) {
  return {{"route", answer.Header("x-podium-route")},
          {"canary", answer.Header("x-podium-canary") == "true"},
          {"reason", answer.Header("x-podium-reason")},
          {"bucket", answer.Header("x-podium-bucket")},
          {"generation", answer.Header("x-podium-generation")},
          {"request_id", answer.Header("x-request-id")}};
}

}  // namespace

CliResult<Json> PredictBody(const std::string& text) {
  Result<Json> json = ParseJson(text);
  if (!json) return UsageError("the rows are no JSON: " + json.error().message);
  if (json->is_object() && json->contains("rows")) return *std::move(json);
  if (json->is_object()) return Json{{"rows", Json::array({*std::move(json)})}};
  if (!json->is_array() || json->empty()) {
    return UsageError("the rows must be a list, as in [[1, 2], [3, 4]] or [{\"column\": 1}]");
  }
  const bool is_one_row = std::none_of(json->begin(), json->end(),
                                       [](const Json& item) { return item.is_structured(); });
  if (is_one_row) return Json{{"rows", Json::array({*std::move(json)})}};
  return Json{{"rows", *std::move(json)}};
}

CliStatus RunPredict(CommandContext& context, const PredictArgs& args) {
  std::string text = args.data;
  if (!args.file.empty()) {
    Result<std::string> read = ReadSmallFile(args.file, kMaxRowsBytes);
    if (!read) return LocalError(read.error());
    text = *std::move(read);
  }
  CLI_TRY_ASSIGN(const Json body, PredictBody(text));
  net::ClientRequest request;
  request.method = net::HttpMethod::kPost;
  request.target = ApiPath("/predict", args.route);
  request.body = DumpJson(body);
  if (!args.session.empty()) request.headers.emplace_back("X-Session-Id", args.session);
  if (!args.version.empty()) request.headers.emplace_back("X-Podium-Model-Version", args.version);
  CliResult<ApiAnswer> answer = context.api.Send(std::move(request));
  if (!answer) {
    const bool is_not_found = answer.error().exit == ExitCode::kNotFound;
    if (is_not_found && args.version.empty()) CLI_TRY(FindRoute(context.api, args.route));
    return CliFailure(std::move(answer).error());
  }
  const Json routing = RoutingOf(*answer);
  if (context.format == OutputFormat::kJson) {
    Json shown = answer->body;
    shown["routing"] = routing;
    PrintJson(context.console, shown);
    return {};
  }
  for (const Json& prediction : MemberOf(answer->body, "predictions")) {
    context.console.out << Printable(DumpJson(prediction)) << '\n';
  }
  context.console.err
      << Printable(fmt::format(
             "answered by {}, version {} ({}; reason {}, bucket {}, generation {}, request id {})",
             TextOf(answer->body, "model"), TextOf(answer->body, "version"),
             routing["canary"].get<bool>() ? "canary" : "not the canary", TextOf(routing, "reason"),
             TextOf(routing, "bucket"), TextOf(routing, "generation"),
             TextOf(routing, "request_id")))
      << '\n';
  return {};
}

}  // namespace podium::app
