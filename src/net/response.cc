#include "net/response.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

#include "base/log.h"
#include "net/char_class.h"
#include "net/http_head.h"

namespace podium::net {
namespace {

/// Room for what an answer says about itself.
constexpr std::size_t kUsualHeaderBytes = 384;

void AppendField(std::string_view key, std::string_view text, std::string& json) {
  if (text.empty()) return;
  fmt::format_to(std::back_inserter(json), R"(,"{}":"{}")", key, EscapeJson(text));
}

Response Problem(int status, std::string_view title, std::string_view detail) {
  Response response;
  response.status = status;
  response.content_type = "application/problem+json";
  response.body =
      fmt::format(R"({{"type":"about:blank","title":"{}","status":{})", EscapeJson(title), status);
  AppendField("detail", detail, response.body);
  return response;
}

// "URI Too Long" becomes "uri_too_long".
std::string SlugOf(std::string_view phrase) {
  std::string slug(phrase);
  for (char& c : slug) {
    if (c == ' ') c = '_';
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return slug;
}

}  // namespace

void ResponseHeaders::Add(std::string_view name, std::string_view value) {
  if (wire_.empty()) wire_.reserve(kUsualHeaderBytes);
  wire_.append(name).append(": ");
  const std::size_t begin = wire_.size();
  wire_.append(value);
  const std::size_t sound = FieldPrefix(std::string_view(wire_).substr(begin));
  for (std::size_t i = begin + sound; i < wire_.size(); ++i) {
    if (!IsFieldChar(wire_[i])) wire_[i] = ' ';
  }
  wire_.append("\r\n");
}

void ResponseHeaders::Add(std::string_view name, std::int64_t value) {
  wire_.append(name).append(": ");
  const fmt::format_int digits(value);
  wire_.append(digits.data(), digits.size()).append("\r\n");
}

std::optional<std::string_view> ResponseHeaders::Find(std::string_view name) const {
  std::string_view rest = wire_;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find("\r\n"));
    const std::size_t colon = line.find(": ");
    if (EqualsIgnoreCase(line.substr(0, colon), name)) return line.substr(colon + 2);
    rest.remove_prefix(line.size() + 2);
  }
  return std::nullopt;
}

void Response::Clear() {
  status = 200;
  content_type = "application/json";
  headers.Clear();
  body.clear();
  stream.reset();
  close = false;
}

Response ProblemResponse(const Error& error, std::string_view request_id) {
  const ErrorTraits& traits = TraitsOf(error.code);
  Response response = Problem(traits.http_status, traits.title, error.message);
  AppendField("code", traits.slug, response.body);
  AppendField("where", error.where, response.body);
  AppendField("request_id", request_id, response.body);
  response.body += "}\n";
  return response;
}

Response ProtocolProblem(int status, std::string_view detail) {
  Response response = Problem(status, ReasonPhrase(status), detail);
  AppendField("code", SlugOf(ReasonPhrase(status)), response.body);
  response.body += "}\n";
  return response;
}

std::string_view ReasonPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

bool StatusHasBody(int status) { return status >= 200 && status != 204 && status != 304; }

void AppendResponseHead(const Response& response, std::string_view connection,
                        std::string_view date_line, std::string& out, bool chunked) {
  const auto append_number = [&out](auto number) {
    const fmt::format_int digits(number);
    out.append(digits.data(), digits.size());
  };
  out.append("HTTP/1.1 ");
  append_number(response.status);
  out.append(" ").append(ReasonPhrase(response.status)).append("\r\n").append(date_line);
  if (StatusHasBody(response.status)) {
    if (!response.body.empty() || response.stream) {
      out.append("Content-Type: ").append(response.content_type.view()).append("\r\n");
    }
    if (!response.stream) {
      out.append("Content-Length: ");
      append_number(response.body.size());
      out.append("\r\n");
    } else if (chunked) {
      out.append("Transfer-Encoding: chunked\r\n");
    }
  }
  if (!connection.empty()) out.append("Connection: ").append(connection).append("\r\n");
  out.append(response.headers.wire()).append("\r\n");
}

std::string DateLine(std::int64_t unix_seconds) {
  const std::tm utc = fmt::gmtime(static_cast<std::time_t>(unix_seconds));
  return fmt::format("Date: {:%a, %d %b %Y %H:%M:%S} GMT\r\n", utc);
}

}  // namespace podium::net
