#include "app/base_url.h"

#include <algorithm>
#include <utility>

#include "net/address.h"

namespace podium::app {
namespace {

bool IsPathByte(char c) {
  constexpr std::string_view kOthers = "/-._~%!$&'()*+,;=:";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kOthers.find(c) != std::string_view::npos;
}

// Host and port as the address parser takes them: with the scheme's port where none is given.
std::string WithPort(std::string_view authority, bool tls) {
  const std::size_t colon = authority.rfind(':');
  const std::size_t bracket = authority.rfind(']');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  return std::string(authority) + (has_port ? "" : (tls ? ":443" : ":80"));
}

}  // namespace

Result<BaseUrl> ParseBaseUrl(std::string_view text) {
  BaseUrl url;
  url.tls = text.starts_with("https://");
  if (!url.tls && !text.starts_with("http://")) {
    return Fail(ErrorCode::kInvalidArgument,
                "must begin with https:// (or http://), as in \"https://api.example.com/v1\"");
  }
  text.remove_prefix(url.tls ? 8 : 7);
  const std::size_t slash = std::min(text.find('/'), text.size());
  const std::string_view authority = text.substr(0, slash);
  std::string_view path = text.substr(slash);
  if (authority.find('@') != std::string_view::npos) {
    return Fail(ErrorCode::kInvalidArgument,
                "holds a name or password: a credential has a setting of its own (api_key_env, "
                "otlp_headers)");
  }
  const Result<net::HostPort> address = net::ParseHostPort(WithPort(authority, url.tls));
  if (!address || address->port == 0 || authority.empty() || authority.starts_with(':')) {
    return Fail(ErrorCode::kInvalidArgument, "names no host and port that could be reached");
  }
  if (!std::all_of(path.begin(), path.end(), IsPathByte)) {
    return Fail(ErrorCode::kInvalidArgument,
                "has a query, a fragment or a byte that no path holds: give scheme, host, port "
                "and path only");
  }
  while (path.ends_with('/')) path.remove_suffix(1);
  url.host = address->host;
  url.port = address->port;
  url.path = path;
  return url;
}

}  // namespace podium::app
