// For the tests of calls to servers: servers that say exactly what the test tells them to, plain or
// by TLS, in the test's own thread and in virtual time.
#pragma once

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <poll.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "net/server_test_fixture.h"
#include "net/upstream_pool.h"

namespace podium::net {

/// One connection as its server sees it.
class UpstreamPeer {
 public:
  /// `tls`: the server's context; null for plain. The handshake happens while the rest is done.
  UpstreamPeer(boost::asio::io_context& context, int socket, SSL_CTX* tls)
      : context_(context), socket_(socket) {
    if (tls == nullptr) return;
    ssl_.reset(SSL_new(tls));
    SSL_set_fd(ssl_.get(), socket_);
    SSL_set_accept_state(ssl_.get());
  }
  ~UpstreamPeer() { Close(); }
  UpstreamPeer(const UpstreamPeer&) = delete;
  UpstreamPeer& operator=(const UpstreamPeer&) = delete;

  /// The next request, whole (by its Content-Length); what came of it if the caller leaves.
  std::string Receive() {
    for (;;) {
      RequestHead head;
      const ParseOutcome outcome = ParseRequestHead(received_, head);
      const std::size_t length = outcome.consumed + head.content_length.value_or(0);
      if (outcome.state == ParseState::kComplete && received_.size() >= length) {
        std::string request = received_.substr(0, length);
        received_.erase(0, length);
        return request;
      }
      if (!ReceiveSome()) return std::exchange(received_, {});
    }
  }
  void Send(std::string_view text) {
    while (!text.empty()) {
      const auto sent = SendSome(text);
      if (sent < 0) return;
      text.remove_prefix(static_cast<std::size_t>(sent));
      context_.poll();
    }
  }
  /// What the socket takes now; negative when the caller has left.
  ssize_t SendSome(std::string_view text) {
    if (ssl_) {
      std::size_t bytes = 0;
      const int result = SSL_write_ex(ssl_.get(), text.data(), text.size(), &bytes);
      return result == 1 ? static_cast<ssize_t>(bytes) : Failed(result);
    }
    const auto sent = ::send(socket_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent < 0 && errno == EAGAIN ? 0 : sent;
  }
  /// False once the caller has left.
  bool ReceiveSome() {
    for (;;) {
      context_.poll();
      char buffer[65536];
      const ssize_t bytes = Take(buffer, sizeof(buffer));
      if (bytes > 0) received_.append(buffer, static_cast<std::size_t>(bytes));
      if (bytes != 0) return bytes > 0;
    }
  }
  bool left() {
    context_.poll();
    char byte = 0;
    return ::recv(socket_, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
  }
  /// TLS: says that it ends, as Close does not.
  void SayEnd() { SSL_shutdown(ssl_.get()); }
  bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
  std::string server_name() const {
    const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
    return name == nullptr ? "" : name;
  }
  void Close(bool reset = false) {
    if (socket_ < 0) return;
    const linger now{1, 0};
    if (reset) ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    if (ssl_) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    ::close(std::exchange(socket_, -1));
  }

 private:
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  /// 0: not yet; negative: the end.
  ssize_t Take(char* buffer, std::size_t capacity) {
    if (ssl_) {
      std::size_t bytes = 0;
      const int result = SSL_read_ex(ssl_.get(), buffer, capacity, &bytes);
      return result == 1 ? static_cast<ssize_t>(bytes) : Failed(result);
    }
    const auto bytes = ::recv(socket_, buffer, capacity, MSG_DONTWAIT);
    if (bytes < 0 && errno == EAGAIN) return 0;
    return bytes > 0 ? bytes : -1;
  }
  ssize_t Failed(int result) const {
    const int error = SSL_get_error(ssl_.get(), result);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
  }

  boost::asio::io_context& context_;
  int socket_;
  std::unique_ptr<SSL, Free> ssl_;
  std::string received_;
};

/// Names as the test says; a host that it does not know is asked for until somebody gives up.
class ScriptedResolver final : public NameResolver {
 public:
  explicit ScriptedResolver(const Executor& executor) : gate_(executor) {
    gate_.expires_at(TestGate::time_point::max());
  }
  void Set(const std::string& host, std::initializer_list<const char*> addresses) {
    Addresses& list = hosts_[host];
    list.clear();
    for (const char* address : addresses) {
      list.push_back(boost::asio::ip::make_address(address));
    }
  }
  Task<Result<Addresses>> Resolve(std::string host, std::function<void()>& abandon) override {
    ++asked;
    const auto known = hosts_.find(host);
    if (known != hosts_.end()) co_return known->second;
    abandon = [this] { gate_.cancel(); };
    (void)co_await gate_.async_wait(boost::asio::as_tuple(kAwait));
    abandon = nullptr;
    co_return Fail(ErrorCode::kUnavailable, "given up");
  }
  int asked = 0;

 private:
  TestGate gate_;
  std::map<std::string, Addresses> hosts_;
};

class UpstreamTest : public ::testing::Test {
 protected:
  using Answer = Result<std::unique_ptr<UpstreamResponse>>;

  UpstreamTest() {
    auto listeners = Listeners::Open({"127.0.0.1", 0}, 1);
    EXPECT_TRUE(listeners);
    port_ = listeners->port();
    listener_ = listeners->Take(0);
    resolver_.Set("127.0.0.1", {"127.0.0.1"});
    resolver_.Set("up.example", {"127.0.0.1"});
  }
  ~UpstreamTest() override {
    answers_.clear();
    if (pool_) {
      calls_.Spawn(pool_->Stop());
      while (calls_.size() > 0) context_.poll();
    }
    ::close(listener_);
  }

  void Start(UpstreamPoolOptions options = {}) {
    options.sweep_every = std::chrono::nanoseconds::zero();  // Only Pass.
    pool_ = std::make_unique<UpstreamPool>(context_.get_executor(), clock_, std::move(options),
                                           &resolver_);
  }
  Origin Here(std::string host = "127.0.0.1") const {
    return {.tls = server_tls_ != nullptr,
            .host = std::move(host),
            .port = port_,
            .addresses = {.allow_private = true}};
  }
  static UpstreamRequest Post(std::string body = "{}") {
    UpstreamRequest request;
    request.target = "/v1/x?y=1";
    request.body = std::move(body);
    return request;
  }
  static UpstreamRequest Get() {
    UpstreamRequest request;
    request.method = HttpMethod::kGet;
    return request;
  }

  /// Begins a call; its number.
  std::size_t Begin(Origin origin, UpstreamRequest request) {
    answers_.push_back(std::make_unique<std::optional<Answer>>());
    calls_.Spawn(SendInto(*pool_, std::move(origin), std::move(request), *answers_.back()));
    context_.poll();
    return answers_.size() - 1;
  }
  bool answered(std::size_t call) {
    context_.poll();
    return answers_[call]->has_value();
  }
  /// Waits for a call to end.
  Answer Finish(std::size_t call) {
    while (!*answers_[call]) context_.poll();
    return std::move(**answers_[call]);
  }
  /// The next connection, when it is there.
  std::unique_ptr<UpstreamPeer> Accept() {
    for (;;) {
      context_.poll();
      pollfd waiting{listener_, POLLIN, 0};
      if (::poll(&waiting, 1, 0) != 1) continue;
      const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (socket < 0) continue;
      const int on = 1;
      ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      return std::make_unique<UpstreamPeer>(context_, socket, server_tls_);
    }
  }
  /// One whole call that a new or known peer answers with `text`.
  Answer Call(UpstreamPeer& peer, std::string_view text, UpstreamRequest request = Post()) {
    const std::size_t call = Begin(Here(), std::move(request));
    (void)peer.Receive();
    peer.Send(text);
    return Finish(call);
  }

  /// The head of a stream on a connection that is new.
  std::pair<std::unique_ptr<UpstreamPeer>, Answer> OpenStream(UpstreamRequest request = Post());

  /// The next piece, once it is there.
  Result<std::string> Read(UpstreamResponse& response) {
    std::optional<Result<std::string>> piece;
    calls_.Spawn(ReadInto(response, piece));
    while (!piece) context_.poll();
    return std::move(*piece);
  }
  /// Everything up to the end, or the error with what came before it.
  std::string ReadAll(UpstreamResponse& response) {
    std::string all;
    for (;;) {
      auto piece = Read(response);
      if (!piece) return all + "|" + piece.error().where;
      if (piece->empty()) return all;
      all += *piece;
    }
  }
  void Pass(std::chrono::nanoseconds time) {
    context_.poll();
    clock_.Advance(time);
    pool_->SweepNow();
    context_.poll();
  }

  static Task<void> SendInto(UpstreamPool& pool, Origin origin, UpstreamRequest request,
                             std::optional<Answer>& answer) {
    answer = co_await pool.Send(origin, std::move(request));
  }
  static Task<void> ReadInto(UpstreamResponse& response, std::optional<Result<std::string>>& out) {
    auto read = response.ReadSome();
    const auto piece = co_await std::move(read);
    if (piece) {
      out = std::string(*piece);
    } else {
      out = Failure(piece.error());
    }
  }

  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<Executor> work_{context_.get_executor()};
  ManualClock clock_;
  ScriptedResolver resolver_{context_.get_executor()};
  SSL_CTX* server_tls_ = nullptr;  // Of Accept; owned by the test.
  std::uint16_t port_ = 0;
  std::unique_ptr<UpstreamPool> pool_;
  TaskGroup calls_{context_.get_executor()};
  std::vector<std::unique_ptr<std::optional<Answer>>> answers_;

 private:
  int listener_ = -1;
};

inline constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
inline constexpr std::string_view kStream =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

inline auto UpstreamTest::OpenStream(UpstreamRequest request)
    -> std::pair<std::unique_ptr<UpstreamPeer>, Answer> {
  const std::size_t call = Begin(Here(), std::move(request));
  auto peer = Accept();
  (void)peer->Receive();
  peer->Send(kStream);
  return {std::move(peer), Finish(call)};
}

}  // namespace podium::net
