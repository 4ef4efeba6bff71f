// One request and its response on one connection, from the client's side.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "net/client_connection.h"
#include "net/http_body.h"
#include "net/http_client.h"
#include "net/http_head.h"

namespace podium::net {

/// A server that does not know Expect would otherwise wait for us as we wait for it.
inline constexpr std::chrono::seconds kContinuePatience{1};
/// Larger bodies ask first: a refusal then costs nothing and cannot be lost in a reset.
inline constexpr std::size_t kAskBeforeBytes = 1024 * 1024;

/// The head of `request` as it goes over the wire, or why it cannot.
Result<std::string> RequestText(const ClientRequest& request, const HostPort& server);

/// Threads: one executor. Shared, since its timers hold it until they have been called.
class ClientExchange : public std::enable_shared_from_this<ClientExchange> {
 public:
  /// `connection` is open, or Connect opens it.
  ClientExchange(const Executor& executor, const HostPort& server,
                 std::unique_ptr<ClientConnection> connection);

  void StartDeadline(std::chrono::nanoseconds timeout);
  void StopTimers();
  Task<Status> Connect(NameResolver& resolver);
  /// `text` is RequestText(request).
  Task<Result<ClientResponse>> Run(const ClientRequest& request, const std::string& text);

  bool answered() const { return answered_; }  ///< At least one byte has come back.
  bool reusable() const { return reusable_; }
  bool expired() const { return expired_; }
  std::unique_ptr<ClientConnection> TakeConnection() { return std::move(connection_); }

 private:
  using Timer = boost::asio::basic_waitable_timer<
      std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;

  Task<Status> Write(const ClientRequest& request, const std::string& text);
  Task<Status> WriteSource(const BodySource& source);
  Task<Result<bool>> MayContinue(ResponseHead& head);
  Task<Result<std::size_t>> ReadHead(ResponseHead& head);
  Task<Result<ClientResponse>> ReadResponse(const ClientRequest& request);
  Task<Status> ReadRest(BodyFraming& framing, const ClientRequest& request,
                        ClientResponse& response);
  Task<Result<std::size_t>> ReadMore();
  Failure Broken(std::string_view doing, const boost::system::error_code& error) const;

  const HostPort server_;
  std::unique_ptr<ClientConnection> connection_;
  Timer deadline_;
  Timer patience_;
  std::chrono::nanoseconds timeout_{};
  std::string in_;  // Received, not yet dealt with.
  bool answered_ = false;
  bool reusable_ = false;
  bool expired_ = false;
  bool impatient_ = false;
};

}  // namespace podium::net
