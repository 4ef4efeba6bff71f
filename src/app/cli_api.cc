#include "app/cli_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "app/chat_reply.h"
#include "app/cli_console.h"
#include "net/target.h"

namespace podium::app {
namespace {

constexpr std::size_t kPage = 500;

// What to do about it, where the code alone tells.
std::string FixFor(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUnauthenticated:
    case ErrorCode::kPermissionDenied:
      return "set PODIUM_TOKEN to the admin token that the server was started with";
    case ErrorCode::kRevisionMismatch:
      return "somebody changed it meanwhile: look with `podium status`, then decide again";
    default:
      return "";
  }
}

std::optional<ErrorCode> CodeOfSlug(std::string_view slug) {
  for (int i = 0; i < kErrorCodeCount; ++i) {
    const auto code = static_cast<ErrorCode>(i);
    if (TraitsOf(code).slug == slug) return code;
  }
  return std::nullopt;
}

CliError ProblemOf(const net::ClientResponse& response) {
  CliError error;
  ErrorCode code = CodeOfStatus(response.status);
  const Result<Json> body = ParseJson(response.body);
  if (body && body->is_object()) {
    code = CodeOfSlug(TextOf(*body, "code")).value_or(code);
    error.error = Printable(TextOf(*body, "detail"));
    if (error.error.empty()) error.error = Printable(TextOf(*body, "title"));
    if (error.error.empty()) error.error = Printable(ErrorMessageOf(*body));
    if (const std::string where = TextOf(*body, "where"); !where.empty()) {
      error.error += fmt::format(" (at {})", Printable(where));
    }
    error.request_id = Printable(TextOf(*body, "request_id"));
  }
  if (error.error.empty()) {
    error.error = fmt::format("the server answered with status {}{}{}", response.status,
                              response.body.empty() ? "" : ": ",
                              Printable(std::string_view(response.body).substr(0, 200)));
  }
  if (error.request_id.empty()) {
    error.request_id = Printable(response.Find("x-request-id").value_or(""));
  }
  error.exit = ExitCodeOf(code);
  error.fix = FixFor(code);
  error.again = TraitsOf(code).retryable;
  return error;
}

// A failure before there was an answer.
CliError TransportError(const Error& error, const std::string& server) {
  CliError shown;
  shown.error = error.message;
  shown.again = TraitsOf(error.code).retryable || error.code == ErrorCode::kInternal;
  if (error.cause) shown.cause = Describe(*error.cause);
  switch (error.code) {
    case ErrorCode::kUnavailable:
      shown.exit = ExitCode::kUnreachable;
      shown.error = fmt::format("no Podium server answers at {}", server);
      shown.cause = Describe(error);
      shown.fix = "start one (podium serve), or name it: --server HOST:PORT or PODIUM_ADDR";
      break;
    case ErrorCode::kDeadline:
      shown.exit = ExitCode::kTimedOut;
      shown.fix =
          "it may still be going on: look with `podium status`, or wait longer with "
          "--timeout";
      break;
    case ErrorCode::kInternal:  // The connection broke, or what came is not HTTP.
      shown.exit = ExitCode::kUnreachable;
      shown.error = fmt::format("what answers at {} did not answer as Podium does", server);
      shown.cause = Describe(error);
      shown.fix =
          "a change may have been carried out: look with `podium status` before you repeat "
          "it";
      break;
    default:
      break;
  }
  return shown;
}

}  // namespace

std::string ApiAnswer::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (net::EqualsIgnoreCase(key, name)) return value;
  }
  return "";
}

Api::Api(Options options, Transport transport)
    : options_(std::move(options)), transport_(std::move(transport)) {}

CliResult<ApiAnswer> Api::Get(std::string target) {
  net::ClientRequest request;
  request.target = std::move(target);
  return Send(std::move(request));
}

CliResult<ApiAnswer> Api::Change(net::HttpMethod method, std::string target, const Json& body,
                                 std::optional<std::int64_t> revision) {
  net::ClientRequest request;
  request.method = method;
  request.target = std::move(target);
  request.body = DumpJson(body);
  if (revision) request.headers.emplace_back("If-Match", fmt::format("\"{}\"", *revision));
  return Send(std::move(request));
}

CliResult<ApiAnswer> Api::Send(net::ClientRequest request) {
  if (!options_.token.empty()) {
    request.headers.emplace_back("Authorization", "Bearer " + options_.token.Reveal());
  }
  request.headers.emplace_back("X-Podium-Origin", "cli");
  if (!options_.person.empty()) {
    request.headers.emplace_back("X-Podium-Actor", options_.person);
  }
  request.timeout = std::max<std::chrono::nanoseconds>(
      options_.timeout, request.source ? std::chrono::hours(1) : std::chrono::seconds(0));
  Result<net::ClientResponse> response = transport_(std::move(request));
  if (!response) return CliFailure(TransportError(response.error(), options_.server));
  if (response->status < 200 || response->status > 299) return CliFailure(ProblemOf(*response));
  ApiAnswer answer;
  answer.headers = std::move(response->headers);
  if (!response->body.empty()) {
    Result<Json> body = ParseJson(response->body);
    if (!body) {
      return CliFailure(CliError{
          ExitCode::kFailed, fmt::format("what answers at {} is no Podium server", options_.server),
          body.error().message, "", answer.Header("x-request-id")});
    }
    answer.body = *std::move(body);
  }
  return answer;
}

CliResult<Json> Api::List(const std::string& target, std::size_t most) {
  Json items = Json::array();
  std::string cursor;
  do {
    const std::size_t limit = std::min(kPage, most - items.size());
    std::string page = WithQuery(target, "limit", fmt::to_string(limit));
    CLI_TRY_ASSIGN(const ApiAnswer answer, Get(WithQuery(std::move(page), "cursor", cursor)));
    const Json& found = MemberOf(answer.body, "items");
    if (!found.is_array() || found.empty()) break;
    for (const Json& item : found) items.push_back(item);
    cursor = TextOf(answer.body, "next_cursor");
  } while (!cursor.empty() && items.size() < most);
  return items;
}

std::string ApiPath(std::string_view collection, std::string_view name, std::string_view verb) {
  std::string path = fmt::format("{}/{}", collection, net::PercentEncode(name));
  if (!verb.empty()) path += fmt::format("/{}", verb);
  return path;
}

std::string WithQuery(std::string target, std::string_view name, std::string_view value) {
  if (value.empty()) return target;
  target += target.find('?') == std::string::npos ? '?' : '&';
  return target + fmt::format("{}={}", name, net::PercentEncode(value));
}

const Json& MemberOf(const Json& object, const char* key) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

std::string TextOf(const Json& object, const char* key) {
  const Json& value = MemberOf(object, key);
  return value.is_string() ? value.get<std::string>() : "";
}

double NumberOf(const Json& object, const char* key) {
  const Json& value = MemberOf(object, key);
  return value.is_number() ? value.get<double>() : 0.0;
}

std::uint64_t CountOf(const Json& object, const char* key) {
  const Json& value = MemberOf(object, key);
  return value.is_number_integer() && value.get<std::int64_t>() > 0 ? value.get<std::uint64_t>()
                                                                    : 0;
}

}  // namespace podium::app
