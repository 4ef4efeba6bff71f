// Which version a person means: an id, ROUTE@VERSION, or a version of a route already named.
#pragma once

#include <string>

#include "app/cli_api.h"

namespace podium::app {

/// The row of a version. kNotFound names what is near; kUsage when several versions are called so.
CliResult<Json> FindVersion(Api& api, const std::string& target);
/// The same for a word beside a route: its version, or its id.
CliResult<Json> FindVersionOf(Api& api, const std::string& route, const std::string& word);
/// A route as GET /api/v1/routes shows it; kNotFound names what is near.
CliResult<Json> FindRoute(Api& api, const std::string& route);
/// `answer`, to a question about a route. Where it is kNotFound since there is no such route,
/// FindRoute's word instead.
CliResult<ApiAnswer> OfRoute(Api& api, const std::string& route, CliResult<ApiAnswer> answer);

/// "tumour@2 (tumour-v2)": how a row is named to people.
std::string NameRow(const Json& row);
/// "tumour@2": what may be typed where a version is asked for.
std::string ShortName(const Json& row);

}  // namespace podium::app
