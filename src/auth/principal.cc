#include "auth/principal.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace podium::auth {
namespace {

constexpr std::size_t kMinTokenBytes = 16;
constexpr std::size_t kMaxTokenBytes = 1024;

bool SameDigest(const Sha256Digest& a, const Sha256Digest& b) {
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned>(a[i] ^ b[i]);
  return difference == 0;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

// "Bearer <token>", the scheme in any case. nullopt when the scheme is another.
std::optional<std::string_view> BearerToken(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() < kScheme.size()) return std::nullopt;
  if (Lower(authorization.substr(0, kScheme.size())) != kScheme) return std::nullopt;
  authorization.remove_prefix(kScheme.size());
  while (!authorization.empty() && authorization.front() == ' ') authorization.remove_prefix(1);
  while (!authorization.empty() && authorization.back() == ' ') authorization.remove_suffix(1);
  return authorization;
}

// The host without its port; brackets of an IPv6 literal stay. Empty when the port is not a number.
std::string_view HostWithoutPort(std::string_view host) {
  const std::size_t bracket = host.rfind(']');
  const std::size_t colon = host.rfind(':');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)) {
    return host;
  }
  const std::string_view port = host.substr(colon + 1);
  if (!std::all_of(port.begin(), port.end(),
                   [](unsigned char c) { return std::isdigit(c) != 0; })) {
    return {};
  }
  return host.substr(0, colon);
}

// Four decimal numbers, the first 127. Anything looser ("127.evil.example") is a name, not
// loopback.
bool IsLoopbackV4(std::string_view host) {
  int parts = 0;
  bool first_is_127 = false;
  while (true) {
    const std::size_t dot = host.find('.');
    const std::string_view part = host.substr(0, dot);
    if (part.empty() || part.size() > 3) return false;
    int value = 0;
    for (const char c : part) {
      if (c < '0' || c > '9') return false;
      value = value * 10 + (c - '0');
    }
    if (value > 255) return false;
    if (parts == 0) first_is_127 = value == 127;
    ++parts;
    if (dot == std::string_view::npos) break;
    host.remove_prefix(dot + 1);
  }
  return parts == 4 && first_is_127;
}

bool IsLoopbackName(std::string_view host) {
  const std::string_view name = HostWithoutPort(host);
  return IsLoopbackV4(name) || name == "[::1]" || Lower(name) == "localhost";
}

}  // namespace

Authenticator Authenticator::LocalOnly() { return {}; }

Authenticator Authenticator::WithAdminToken(std::string_view token, std::string digest_key) {
  Authenticator made;
  made.digest_key_ = std::move(digest_key);
  made.token_digest_ = HmacSha256(made.digest_key_, token);
  return made;
}

Result<Principal> Authenticator::Identify(const Credentials& credentials) const {
  if (!has_token()) {
    if (!credentials.loopback_peer) return Principal{"anonymous", false, false};
    return Principal{"local", true, true};
  }
  if (credentials.authorization.empty()) return Principal{"anonymous", false, false};
  const auto token = BearerToken(credentials.authorization);
  if (!token) {
    return Fail(ErrorCode::kUnauthenticated,
                "the Authorization header must read \"Bearer <admin token>\"");
  }
  if (!SameDigest(HmacSha256(digest_key_, *token), *token_digest_)) {
    return Fail(ErrorCode::kUnauthenticated,
                "this admin token is not the one the server was given");
  }
  return Principal{"admin", true, true};
}

Status RequireAdmin(const Principal& principal) {
  if (principal.may_administer) return {};
  if (principal.actor == "anonymous") {
    return Fail(ErrorCode::kUnauthenticated,
                "this needs the admin token: send \"Authorization: Bearer <token>\" "
                "(for the command line set PODIUM_TOKEN)");
  }
  return Fail(ErrorCode::kPermissionDenied, "{} may not administer this server", principal.actor);
}

Status RequireOverride(const Principal& principal) {
  if (principal.may_override) return {};
  return Fail(ErrorCode::kPermissionDenied,
              "{} may not choose a version by X-Podium-Model-Version: send the admin token",
              principal.actor);
}

Status CheckToken(std::string_view token) {
  if (token.size() < kMinTokenBytes || token.size() > kMaxTokenBytes) {
    return Fail(ErrorCode::kInvalidArgument, "the admin token has {} characters, it needs {} to {}",
                token.size(), kMinTokenBytes, kMaxTokenBytes);
  }
  const auto visible = [](unsigned char c) { return c > 0x20 && c < 0x7F; };
  if (!std::all_of(token.begin(), token.end(), visible)) {
    return Fail(ErrorCode::kInvalidArgument,
                "the admin token may hold visible ASCII characters only, without spaces");
  }
  return {};
}

Status CheckLocalOrigin(std::string_view host, std::optional<std::string_view> origin) {
  if (!IsLoopbackName(host)) {
    return Fail(ErrorCode::kPermissionDenied,
                "Host \"{}\" is not a loopback name: without an admin token only localhost, "
                "127.0.0.0/8 and [::1] are served (set PODIUM_ADMIN_TOKEN to serve other names)",
                host);
  }
  if (!origin) return {};
  const std::size_t scheme = origin->find("://");
  const bool same = scheme != std::string_view::npos && origin->substr(0, scheme) == "http" &&
                    Lower(origin->substr(scheme + 3)) == Lower(host);
  if (same) return {};
  return Fail(
      ErrorCode::kPermissionDenied,
      "Origin \"{}\" is not this server: without an admin token pages from elsewhere may not "
      "call it (set PODIUM_ADMIN_TOKEN)",
      *origin);
}

}  // namespace podium::auth
