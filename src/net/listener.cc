#include "net/listener.h"

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/assert.h"
#include "net/inq_buffer.h"

namespace podium::net {
namespace {

using Endpoint = boost::asio::ip::tcp::endpoint;

Result<Endpoint> EndpointOf(const HostPort& address) {
  const std::string host = address.host == "localhost" ? "127.0.0.1" : address.host;
  boost::system::error_code error;
  const auto ip = boost::asio::ip::make_address(host, error);
  if (error) {
    return Fail(ErrorCode::kInvalidArgument,
                "'{}' is not an address to listen on: write an IP "
                "address or localhost",
                address.host);
  }
  return Endpoint(ip, address.port);
}

bool Set(int socket, int level, int option) {
  const int on = 1;
  return ::setsockopt(socket, level, option, &on, sizeof(on)) == 0;
}

Failure FailedTo(std::string_view what, const HostPort& address) {
  const int code = errno;
  if (code == EADDRINUSE) {
    return Fail(ErrorCode::kUnavailable,
                "address in use: {}: stop the other server or choose another port",
                ToString(address));
  }
  return Fail(ErrorCode::kUnavailable, "cannot {} {}: {}", what, ToString(address),
              std::generic_category().message(code));
}

std::uint16_t BoundPort(int socket, Endpoint endpoint) {
  auto bytes = static_cast<socklen_t>(endpoint.capacity());
  ::getsockname(socket, endpoint.data(), &bytes);
  return endpoint.port();
}

/// The first socket binds without SO_REUSEPORT, so that the kernel refuses an address that anybody
/// already serves, and joins the group afterwards.
Status Bind(int socket, const Endpoint& endpoint, bool first, const HostPort& address) {
  const bool ready = Set(socket, SOL_SOCKET, SO_REUSEADDR) &&
                     (first || Set(socket, SOL_SOCKET, SO_REUSEPORT)) &&
                     (!endpoint.address().is_v6() || Set(socket, IPPROTO_IPV6, IPV6_V6ONLY));
  if (!ready) return FailedTo("prepare a socket for", address);
  if (::bind(socket, endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0) {
    return FailedTo("listen on", address);
  }
  if (first && !Set(socket, SOL_SOCKET, SO_REUSEPORT)) return FailedTo("share", address);
  AskForInq(socket);
  return {};
}

}  // namespace

Result<Listeners> Listeners::Open(const HostPort& address, std::size_t count) {
  PODIUM_ASSERT(count > 0);
  PODIUM_TRY_ASSIGN(Endpoint endpoint, EndpointOf(address));
  Listeners all;
  for (std::size_t i = 0; i < count; ++i) {
    const int socket = ::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket < 0) return FailedTo("open a socket for", address);
    all.sockets_.push_back(socket);
    PODIUM_TRY(Bind(socket, endpoint, i == 0, address));
    // The group forms when its sockets listen; two servers that bound at once meet here at last.
    if (::listen(socket, SOMAXCONN) != 0) return FailedTo("listen on", address);
    if (i == 0) endpoint.port(BoundPort(socket, endpoint));
  }
  all.port_ = endpoint.port();
  return all;
}

Listeners::Listeners(Listeners&& other) noexcept
    : sockets_(std::exchange(other.sockets_, {})), port_(other.port_) {}

Listeners::~Listeners() {
  for (const int socket : sockets_) {
    if (socket >= 0) ::close(socket);
  }
}

int Listeners::Take(std::size_t index) {
  PODIUM_ASSERT(index < sockets_.size() && sockets_[index] >= 0);
  return std::exchange(sockets_[index], -1);
}

}  // namespace podium::net
