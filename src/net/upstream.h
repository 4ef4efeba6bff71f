// Calls to servers outside: what whoever makes them sees. The pool of real connections is
// upstream_pool.h; tests and simulations bring others.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "net/address_policy.h"
#include "net/http_head.h"
#include "net/pending_read.h"

namespace podium::net {

/// Where requests may share connections.
struct Origin {
  bool tls = false;
  std::string host;  ///< A name or an address; IPv6 without brackets.
  std::uint16_t port = 0;
  AddressPolicy addresses = {};

  bool operator==(const Origin&) const = default;
};
std::string ToString(const Origin& origin);  ///< "https://api.example.com:443"

/// How far a call had come when it failed; it stands in Error::where.
enum class UpstreamPhase : std::uint8_t {
  kConnect,  ///< No connection: nothing was sent.
  kUnsent,   ///< A connection, and not a byte of the request was taken.
  kSent,     ///< Some or all of the request went out, no byte of an answer came back.
  kHead,     ///< A part of a head came, or one that is not HTTP.
  kBody,
};
std::string_view NameOf(UpstreamPhase phase);  ///< "connect", "unsent", "sent", "head", "body"
/// Of an error that Upstream or UpstreamResponse gave; nullopt for any other.
std::optional<UpstreamPhase> PhaseOf(const Error& error);

/// What a call fails with that was cancelled.
Error Cancelled(const Origin& origin, UpstreamPhase phase);
/// Somebody on our side has ended the call: SendCancel, UpstreamResponse::Cancel, or the end of the
/// task that made it. It says nothing about the server.
bool WasCancelled(const Error& error);
/// Podium itself has refused the call, before a byte was sent: kInvalidArgument, kLimited or
/// kPermissionDenied of an Upstream. It says nothing about the server.
bool IsOurs(const Error& error);

/// Ends a Send from outside.
/// Threads: those of the Upstream. It outlives the Send that it was given to.
class SendCancel {
 public:
  SendCancel() = default;
  SendCancel(const SendCancel&) = delete;
  SendCancel& operator=(const SendCancel&) = delete;

  /// The Send that is under way fails soon, whatever it waits for (a name, a connection, room to
  /// write, the head), and so does any later one. No harm when it has ended.
  void Cancel();
  bool cancelled() const { return cancelled_; }
  /// For an Upstream: what Cancel calls, once; empty when nothing is under way any more.
  void OnCancel(std::function<void()> end) { end_ = std::move(end); }

 private:
  std::function<void()> end_;
  bool cancelled_ = false;
};

struct UpstreamTimeouts {
  std::chrono::nanoseconds connect = std::chrono::seconds(10);  ///< Resolving to the end of TLS.
  std::chrono::nanoseconds head = std::chrono::seconds(120);    ///< To the head's first byte.
  std::chrono::nanoseconds idle = std::chrono::seconds(60);     ///< Between two bytes.
  SteadyTime deadline = SteadyTime::max();                      ///< For all of it.
};

struct UpstreamRequest {
  HttpMethod method = HttpMethod::kPost;
  std::string target = "/";  ///< Path and query, percent-encoded.
  HeaderList headers;        ///< Host and Content-Length are added; they and Connection are not
                             ///< to be given.
  std::string body;
  UpstreamTimeouts timeouts;
  /// Sending it twice does no more harm than once, whatever its method says: a kept connection that
  /// died before a byte of the answer came is then replaced.
  bool repeatable = false;
  SendCancel* cancel = nullptr;
};

/// An answer whose head is there. Destroying it early ends the connection.
/// Threads: those of its Upstream.
class UpstreamResponse {
 public:
  virtual ~UpstreamResponse() = default;
  UpstreamResponse(const UpstreamResponse&) = delete;
  UpstreamResponse& operator=(const UpstreamResponse&) = delete;

  int status() const { return status_; }
  /// Views that live as long as the response.
  const std::vector<HeaderField>& headers() const { return headers_; }
  std::optional<std::string_view> Find(std::string_view name) const {
    return FindField(headers_, name);
  }

  /// What ReadSome would give without waiting; nullopt means: use ReadSome.
  virtual std::optional<std::string_view> TryRead() { return std::nullopt; }
  /// All of the body that has come and was not read yet, without its framing; valid until the next
  /// call. Waits for at least a byte; empty at the clean end. An error is the answer ever after.
  virtual Task<Result<std::string_view>> ReadSome() = 0;
  /// The wait of ReadSome as an operation, for whoever awaits it in a coroutine of its own: one
  /// less for each piece. nullopt means: use ReadSome. REQUIRES: TryRead gave nothing, and EndRead
  /// is told of what came before anything else is asked.
  virtual std::optional<PendingRead> BeginRead(const Cancellation&) { return std::nullopt; }
  virtual void EndRead(const ClientConnection::Came&, const Cancellation&) {}
  /// Ends what is waited for, soon, and the connection (WasCancelled). At any time.
  virtual void Cancel() = 0;
  /// Replaces UpstreamTimeouts::deadline. A wait that is going on is made shorter, never longer.
  virtual void SetDeadline(SteadyTime deadline) = 0;

 protected:
  UpstreamResponse() = default;

  int status_ = 0;
  std::vector<HeaderField> headers_;
};

/// Threads: one executor.
class Upstream {
 public:
  virtual ~Upstream() = default;
  /// Any status is a value. Errors have their phase in `where`. Ours (see IsOurs): kInvalidArgument
  /// for what cannot be sent, kLimited when the origin has all the connections it may have or this
  /// machine has room for no more, kPermissionDenied when its address may not be connected to. The
  /// server's: kDeadline, and kUnavailable for the rest, cancelled calls among it (WasCancelled).
  /// No text holds a header's value. REQUIRES: `origin` outlives the task.
  virtual Task<Result<std::unique_ptr<UpstreamResponse>>> Send(const Origin& origin,
                                                               UpstreamRequest request) = 0;
};

}  // namespace podium::net
