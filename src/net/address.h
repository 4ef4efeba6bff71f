// Host and port as people write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace podium::net {

struct HostPort {
  std::string host;  ///< An address or a name; IPv6 without brackets.
  std::uint16_t port = 0;

  bool operator==(const HostPort&) const = default;
};

/// "127.0.0.1:8080", "[::1]:8080", "localhost:8080"; ":0" means 127.0.0.1.
Result<HostPort> ParseHostPort(std::string_view text);
/// The same form back, brackets included.
std::string ToString(const HostPort& address);

/// 127.0.0.0/8, ::1, the same mapped into IPv6, and the name "localhost".
bool IsLoopback(std::string_view host);

/// The host of a Host header's value ("[::1]:8080" gives "::1"); empty when it is malformed.
std::string_view HostOf(std::string_view host_header);

}  // namespace podium::net
