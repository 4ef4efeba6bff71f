// An HTTP/1.1 client for loopback traffic and the command line: keep-alive, a deadline per request,
// no redirects, no TLS. Calls on behalf of others are upstream_pool.h's.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "net/address.h"
#include "net/http_head.h"

namespace podium::net {

inline constexpr std::size_t kMaxClientBodyBytes = 64 * 1024 * 1024;
inline constexpr std::size_t kMaxIdleClientConnections = 16;

/// A body too large for memory. Both functions run on the client's executor.
struct BodySource {
  std::uint64_t size = 0;
  /// Fills up to `capacity` bytes, returns how many; 0 before `size` bytes is an error.
  std::function<Result<std::size_t>(char* buffer, std::size_t capacity)> read;
  std::function<void(std::uint64_t sent)> progress;  ///< May be empty.
};

struct ClientResponse {
  int status = 0;
  HeaderList headers;
  std::string body;

  std::optional<std::string_view> Find(std::string_view name) const;
};

struct ClientRequest {
  HttpMethod method = HttpMethod::kGet;
  std::string target = "/";  ///< Path and query, percent-encoded.
  HeaderList headers;        ///< Host, Content-Length, Connection are added.
  std::string body;
  std::string content_type = "application/json";                ///< Sent when there is a body.
  std::optional<BodySource> source;                             ///< Instead of `body`.
  std::chrono::nanoseconds timeout = std::chrono::seconds(30);  ///< For the whole exchange.
  std::size_t max_response_bytes = kMaxClientBodyBytes;
  /// Takes the body of a 2xx answer piece by piece as it comes, with the answer's head; its `body`
  /// then stays empty. Runs on the client's executor.
  std::function<void(const ClientResponse& head, std::string_view piece)> sink;
};

/// Threads: all methods on the executor given at construction.
class HttpClient {
 public:
  HttpClient(Executor executor, HostPort server);
  ~HttpClient();  ///< REQUIRES: no Send is running.
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Any status is a value. Errors: kUnavailable when nobody could be reached (the message names
  /// the address), kLimited when this process may open no more connections, kInternal when the
  /// connection broke later or the answer is not HTTP, kDeadline,
  /// kTooLarge for the response, kInvalidArgument for what cannot be sent, and what a BodySource
  /// returns. A kept connection that turns out to be dead is replaced once, where that cannot run
  /// a request twice. Several may run at once, each on a connection of its own.
  Task<Result<ClientResponse>> Send(ClientRequest request);
  /// Closes the connections that are idle.
  void Close();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// One request on a connection of its own, for the command line. Blocks.
Result<ClientResponse> SendBlocking(const HostPort& server, ClientRequest request);

}  // namespace podium::net
