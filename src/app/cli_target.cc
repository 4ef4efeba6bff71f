#include "app/cli_target.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "app/cli_args.h"
#include "app/cli_console.h"
#include "base/suggest.h"

namespace podium::app {
namespace {

constexpr std::size_t kMostNames = 2000;  // Compared with a mistyped one.

std::string Hint(Api& api, const std::string& list, const char* key, const std::string& word) {
  const CliResult<Json> items = api.List(list, kMostNames);
  if (!items) return "";  // The first error says more than that the hint failed.
  std::vector<std::string> names;
  for (const Json& item : *items) names.push_back(Printable(TextOf(item, key)));
  return DidYouMean(word, {names.begin(), names.end()});
}

CliFailure NotFound(std::string error, std::string fix) {
  return CliFailure(CliError{ExitCode::kNotFound, std::move(error), "", std::move(fix), ""});
}

bool IsRetired(const Json& row) { return TextOf(row, "status") == "retired"; }

}  // namespace

std::string NameRow(const Json& row) {
  return Printable(fmt::format("{}@{} ({})", TextOf(row, "route"), TextOf(row, "version"),
                               TextOf(row, "model_id")));
}

std::string ShortName(const Json& row) {
  return Printable(fmt::format("{}@{}", TextOf(row, "route"), TextOf(row, "version")));
}

CliResult<Json> FindVersionOf(Api& api, const std::string& route, const std::string& word) {
  CLI_TRY_ASSIGN(const Json rows,
                 api.List(WithQuery("/api/v1/versions", "route", route), kMostNames));
  std::vector<const Json*> found;
  for (const Json& row : rows) {
    if (TextOf(row, "model_id") == word) return row;
    if (TextOf(row, "version") == word) found.push_back(&row);
  }
  // The same version text under two names: what is retired is hardly meant.
  if (found.size() > 1) std::erase_if(found, [](const Json* row) { return IsRetired(*row); });
  if (found.size() == 1) return *found.front();
  if (found.size() > 1) {
    std::vector<std::string> ids;
    for (const Json* row : found) ids.push_back(TextOf(*row, "model_id"));
    return UsageError(fmt::format("{} has several versions called {}", route, word),
                      fmt::format("name one by its id: {}", fmt::join(ids, ", ")));
  }
  if (rows.empty()) CLI_TRY(FindRoute(api, route));
  std::vector<std::string> names;
  for (const Json& row : rows) names.push_back(Printable(TextOf(row, "version")));
  return NotFound(fmt::format("route {} has no version {}{}", route, word,
                              DidYouMean(word, {names.begin(), names.end()})),
                  "podium version list " + route);
}

CliResult<Json> FindVersion(Api& api, const std::string& target) {
  if (const auto parts = SplitAt(target)) {
    if (parts->first.empty() || parts->second.empty()) {
      return UsageError(fmt::format("\"{}\" is not ROUTE@VERSION", target));
    }
    return FindVersionOf(api, parts->first, parts->second);
  }
  CliResult<ApiAnswer> answer = api.Get(ApiPath("/api/v1/versions", target));
  if (answer) return std::move(answer->body);
  if (answer.error().exit == ExitCode::kNotFound) {
    answer.error().error += Hint(api, "/api/v1/versions", "model_id", target);
    answer.error().fix = "podium version list";
  }
  return CliFailure(std::move(answer).error());
}

CliResult<Json> FindRoute(Api& api, const std::string& route) {
  CliResult<ApiAnswer> answer = api.Get(ApiPath("/api/v1/routes", route));
  if (answer) return std::move(answer->body);
  if (answer.error().exit == ExitCode::kNotFound) {
    answer.error().error += Hint(api, "/api/v1/routes", "route", route);
    answer.error().fix = "podium status lists the routes";
  }
  return CliFailure(std::move(answer).error());
}

CliResult<ApiAnswer> OfRoute(Api& api, const std::string& route, CliResult<ApiAnswer> answer) {
  if (!answer && answer.error().exit == ExitCode::kNotFound) CLI_TRY(FindRoute(api, route));
  return answer;
}

}  // namespace podium::app
