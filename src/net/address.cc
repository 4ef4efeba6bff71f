#include "net/address.h"

#include <boost/asio/ip/address.hpp>
#include <charconv>
#include <optional>

#include "net/char_class.h"
#include "net/http_head.h"

namespace podium::net {
namespace {

std::optional<std::uint16_t> ParsePort(std::string_view text) {
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  if (text.empty() || error != std::errc{} || stop != end) return std::nullopt;
  return port;
}

bool IsName(std::string_view host) {
  for (const char c : host) {
    if (!IsUnreserved(c) || c == '~') return false;
  }
  return !host.empty();
}

bool IsIpv6(std::string_view host) {
  boost::system::error_code error;
  boost::asio::ip::make_address_v6(std::string(host), error);
  return !error;
}

}  // namespace

Result<HostPort> ParseHostPort(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const auto port =
      colon == std::string_view::npos ? std::nullopt : ParsePort(text.substr(colon + 1));
  if (!port) {
    return Fail(ErrorCode::kInvalidArgument,
                "'{}' is not HOST:PORT with a port between 0 and 65535", text);
  }
  std::string_view host = text.substr(0, colon);
  if (host.empty()) return HostPort{"127.0.0.1", *port};
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (IsIpv6(host)) return HostPort{std::string(host), *port};
  } else if (IsName(host)) {
    return HostPort{std::string(host), *port};
  }
  return Fail(ErrorCode::kInvalidArgument,
              "'{}' has no valid host: write 127.0.0.1:8080, [::1]:8080 or localhost:8080", text);
}

std::string ToString(const HostPort& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  const fmt::format_int port(address.port);  // For each call that is sent on.
  std::string text;
  text.reserve(address.host.size() + 8);
  if (v6) text += '[';
  text += address.host;
  text += v6 ? "]:" : ":";
  return text.append(port.data(), port.size());
}

bool IsLoopback(std::string_view host) {
  if (EqualsIgnoreCase(host, "localhost")) return true;
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(std::string(host), error);
  if (error) return false;
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return make_address_v4(boost::asio::ip::v4_mapped, address.to_v6()).is_loopback();
  }
  return address.is_loopback();
}

std::string_view HostOf(std::string_view host_header) {
  std::string_view host;
  std::string_view rest;
  if (host_header.starts_with('[')) {
    const std::size_t end = host_header.find(']');
    if (end == std::string_view::npos) return {};
    host = host_header.substr(1, end - 1);
    if (!IsIpv6(host)) return {};
    rest = host_header.substr(end + 1);
  } else {
    const std::size_t colon = host_header.find(':');
    host = host_header.substr(0, colon);
    if (!IsName(host)) return {};
    rest = colon == std::string_view::npos ? std::string_view{} : host_header.substr(colon);
  }
  if (!rest.empty() && (rest.front() != ':' || !ParsePort(rest.substr(1)))) return {};
  return host;
}

}  // namespace podium::net
