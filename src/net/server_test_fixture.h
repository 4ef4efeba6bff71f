// For the tests of server and client: one event loop, real loopback sockets, virtual time.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "net/http_parser.h"
#include "net/http_server.h"
#include "net/listener.h"

namespace podium::net {

class ManualClock final : public Clock {
 public:
  WallTime Now() const override { return WallTime(std::chrono::seconds(784111777)); }
  SteadyTime SteadyNow() const override { return now_; }
  void Advance(std::chrono::nanoseconds by) { now_ += by; }

 private:
  SteadyTime now_{std::chrono::hours(1)};
};

inline constexpr std::size_t kTestBodyLimit = 300'000;

using TestGate = boost::asio::basic_waitable_timer<
    std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;

/// What a stream gives, told by the test, and what became of it.
struct StreamScript {
  explicit StreamScript(const Executor& executor) : gate(executor) {
    gate.expires_at(TestGate::time_point::max());
  }
  void Give(std::string piece) {
    pieces.push_back(std::move(piece));
    gate.cancel();
  }
  void End() {
    ended = true;
    gate.cancel();
  }
  void Fail() {
    failed = true;
    gate.cancel();
  }

  TestGate gate;
  std::deque<std::string> pieces;
  std::string endless;  // Given again and again, unless empty.
  bool ended = false;
  bool failed = false;
  int asked = 0;
  int cancelled = 0;
  bool waits = false;
  bool destroyed = false;
  std::function<void()> on_piece;  ///< As a stream takes one.
};

class ScriptedStream final : public BodyStream {
 public:
  explicit ScriptedStream(StreamScript& script) : script_(script) {}
  ~ScriptedStream() override { script_.destroyed = true; }

  Task<Result<std::string_view>> Next() override {
    ++script_.asked;
    if (!script_.endless.empty()) co_return script_.endless;
    script_.waits = true;
    while (script_.pieces.empty() && !script_.ended && !script_.failed && script_.cancelled == 0) {
      (void)co_await script_.gate.async_wait(boost::asio::as_tuple(kAwait));
    }
    script_.waits = false;
    if (script_.cancelled > 0) co_return Fail(ErrorCode::kInternal, "cancelled");
    if (script_.pieces.empty()) {
      if (script_.failed) co_return Fail(ErrorCode::kInternal, "the source broke");
      co_return std::string_view{};
    }
    if (script_.on_piece) script_.on_piece();
    last_ = std::move(script_.pieces.front());
    script_.pieces.pop_front();
    co_return last_;
  }
  void Cancel() override {
    ++script_.cancelled;
    script_.gate.cancel();
  }

 private:
  StreamScript& script_;
  std::string last_;
};

/// Does what its path says; see Answer.
class PathHandler final : public Handler {
 public:
  explicit PathHandler(boost::asio::io_context& context)
      : script(context.get_executor()), gate_(context.get_executor()) {
    gate_.expires_at(TestGate::time_point::max());
  }

  bool TryHandle(Exchange& exchange, Response& out) override {
    if (exchange.head().path != "/fast") return false;
    ++fast;
    if (on_fast) on_fast();
    const auto body = exchange.TryBody(kTestBodyLimit);
    if (!body) return false;
    if (*body) {
      out.body.assign(**body);
    } else {
      out = ProblemResponse(body->error());
    }
    return true;
  }

  Task<Response> Handle(Exchange& exchange) override {
    const std::string_view path = exchange.head().path;
    if (path == "/ignore") co_return Text("ignored");
    if (path == "/stream" || path == "/204") co_return Stream(path == "/204" ? 204 : 200);
    if (path == "/big") co_return Text(std::string(8'000'000, 'b'));
    if (path == "/peer") {
      co_return Text(fmt::format("{} {} {}", exchange.peer_address(), exchange.peer_is_loopback(),
                                 exchange.core()));
    }
    if (path == "/close") {
      Response response = Text("bye");
      response.close = true;
      co_return response;
    }
    if (path == "/wait") {
      ++waiting;
      (void)co_await gate_.async_wait(boost::asio::as_tuple(kAwait));
      co_return Text("waited");
    }
    if (path.starts_with("/watch")) co_return co_await Watch(exchange);
    if (path == "/pieces") co_return co_await CountPieces(exchange);
    auto body = co_await exchange.ReadBody(kTestBodyLimit);
    if (!body) co_return ProblemResponse(body.error());
    // Under ASan this proves the promise of kBodyPadding.
    for (std::size_t i = 0; i < kBodyPadding; ++i) padding_sum += body->data()[body->size() + i];
    co_return Text(std::string(exchange.head().path) + "=" + std::string(*body));
  }

  void Open() { gate_.cancel(); }
  StreamScript script;  ///< Of /stream and /204.
  int waiting = 0;
  int left = 0;  ///< Callers, of /watch.
  std::size_t fast = 0;
  std::function<void()> on_fast;  ///< While /fast is handled.
  int padding_sum = 0;

 private:
  static Response Text(std::string body) {
    Response response;
    response.content_type = "text/plain";
    response.body = std::move(body);
    return response;
  }

  Response Stream(int status) {
    Response response;
    response.status = status;
    response.content_type = "text/event-stream";
    response.stream = std::make_unique<ScriptedStream>(script);
    return response;
  }

  /// Waits until the caller leaves, or Open. "/watch/late" waits before it watches as well.
  Task<Response> Watch(Exchange& exchange) {
    const std::string_view path = exchange.head().path;
    if (path == "/watch/late") {
      ++waiting;
      (void)co_await gate_.async_wait(boost::asio::as_tuple(kAwait));
    }
    exchange.WatchCaller([this] {
      ++left;
      gate_.cancel();
    });
    if (path == "/watch/ended") exchange.WatchCaller({});
    ++waiting;
    (void)co_await gate_.async_wait(boost::asio::as_tuple(kAwait));
    if (path == "/watch/stream") co_return Stream(200);
    if (path == "/watch/none") co_return Stream(204);
    co_return Text("watched");
  }

  Task<Response> CountPieces(Exchange& exchange) {
    std::uint64_t bytes = 0;
    for (;;) {
      auto piece = co_await exchange.ReadSome(kTestBodyLimit);
      if (!piece) co_return ProblemResponse(piece.error());
      if (piece->empty()) co_return Text(std::to_string(bytes));
      bytes += piece->size();
    }
  }

  TestGate gate_;
};

/// A socket that says exactly the bytes it is told to, while the server's loop runs in between.
class RawClient {
 public:
  RawClient(boost::asio::io_context& context, std::uint16_t port)
      : context_(context), socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* raw = reinterpret_cast<const sockaddr*>(&address);
    EXPECT_EQ(::connect(socket_, raw, sizeof(address)), 0);
    // Without it every second small send would wait for an acknowledgement that is delayed.
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  ~RawClient() {
    if (socket_ >= 0) ::close(socket_);
  }
  RawClient(RawClient&& other) noexcept
      : context_(other.context_),
        socket_(std::exchange(other.socket_, -1)),
        received_(std::move(other.received_)) {}
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void Send(std::string_view text) {
    while (!text.empty()) {
      const auto sent = ::send(socket_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent > 0) text.remove_prefix(static_cast<std::size_t>(sent));
      if (sent < 0 && errno != EAGAIN) return;  // The server has closed: what it said is the test.
      context_.poll();
    }
  }
  /// What the socket takes of `text` from `begin` on, without waiting; the number of bytes.
  std::size_t SendSome(std::string_view text, std::size_t begin) {
    const std::string_view rest = text.substr(begin);
    const auto sent = ::send(socket_, rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent > 0 ? static_cast<std::size_t>(sent) : 0;
  }
  void SendEnd() { ::shutdown(socket_, SHUT_WR); }
  /// Closes; with a reset if asked for.
  void Leave(bool reset) {
    const linger now{1, 0};
    if (reset) ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    ::close(std::exchange(socket_, -1));
  }

  /// The next response, whole; empty when the connection ended before its first byte.
  std::string Receive() {
    ResponseHead head;
    for (;;) {
      const ParseOutcome outcome = ParseResponseHead(received_, head);
      const std::size_t length =
          head.status < 200 || no_body_ ? 0 : head.content_length.value_or(0);
      if (outcome.state == ParseState::kComplete && received_.size() >= outcome.consumed + length) {
        std::string response = received_.substr(0, outcome.consumed + length);
        received_.erase(0, response.size());
        return response;
      }
      if (!ReceiveSome()) return std::exchange(received_, {});
    }
  }
  /// All up to the end of the first `mark`, or of the connection.
  std::string ReceiveUntil(std::string_view mark) {
    for (;;) {
      const std::size_t found = received_.find(mark);
      if (found != std::string::npos) {
        std::string all = received_.substr(0, found + mark.size());
        received_.erase(0, all.size());
        return all;
      }
      if (!ReceiveSome()) return std::exchange(received_, {});
    }
  }
  /// For answers to HEAD.
  void ExpectNoBodies() { no_body_ = true; }
  /// All that comes until the server closes.
  std::string ReceiveAll() {
    while (ReceiveSome()) {
    }
    return std::exchange(received_, {});
  }
  /// The last ReceiveAll or ReceiveUntil ended with a reset.
  bool was_reset() const { return reset_; }
  /// Whether bytes lie in the socket, while the loop stands still.
  bool something_came() const {
    char byte = 0;
    return ::recv(socket_, &byte, 1, MSG_DONTWAIT | MSG_PEEK) > 0;
  }
  bool closed() {
    context_.poll();
    char byte = 0;
    return received_.empty() && ::recv(socket_, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
  }

 private:
  bool ReceiveSome() {
    char buffer[65536];
    for (;;) {
      context_.poll();
      const auto bytes = ::recv(socket_, buffer, sizeof(buffer), MSG_DONTWAIT);
      if (bytes > 0) received_.append(buffer, static_cast<std::size_t>(bytes));
      if (bytes < 0 && errno == EAGAIN) continue;
      reset_ = bytes < 0 && errno == ECONNRESET;
      return bytes > 0;
    }
  }

  boost::asio::io_context& context_;
  int socket_;
  std::string received_;
  bool no_body_ = false;
  bool reset_ = false;
};

class ServerTest : public ::testing::Test {
 protected:
  ~ServerTest() override { Stop(); }

  void Start(HttpServerOptions options = {}) {
    options.sweep_every = std::chrono::nanoseconds::zero();  // Only SweepNow.
    auto listeners = Listeners::Open({"127.0.0.1", 0}, 1);
    ASSERT_TRUE(listeners) << listeners.error().message;
    port_ = listeners->port();
    server_ = std::make_unique<HttpServer>(context_.get_executor(), 3, handler_, clock_, options);
    server_->Start(listeners->Take(0));
  }
  RawClient Connect() { return RawClient(context_, port_); }
  /// Time passes, and the sweeper looks.
  void Pass(std::chrono::nanoseconds time) {
    context_.poll();
    clock_.Advance(time);
    Sweep();
  }
  void StartDrain(std::chrono::nanoseconds patience) {
    drain_.Spawn(Drain(clock_.SteadyNow() + patience));
    context_.poll();
  }
  bool drained() const { return drained_; }
  void PollUntilConnections(std::size_t wanted) {
    while (server_->connections() != wanted) context_.poll();
  }
  void PollUntilStreamWaits() {
    while (!handler_.script.waits) context_.poll();
  }
  void PollUntilLeft(int wanted) {
    while (handler_.left != wanted) {
      server_->SweepNow();
      context_.poll();
    }
  }
  void PollUntilWaiting(int wanted) {
    while (handler_.waiting != wanted) context_.poll();
  }

  void Stop() {
    if (!server_) return;
    if (!drained_ && drain_.size() == 0) StartDrain(std::chrono::nanoseconds::zero());
    handler_.Open();
    handler_.script.End();
    while (!drained_) Sweep();
    while (drain_.size() > 0) context_.poll();
    server_.reset();
  }

  boost::asio::io_context context_{1};
  // A loop without work would stop for good.
  boost::asio::executor_work_guard<Executor> work_{context_.get_executor()};
  ManualClock clock_;
  PathHandler handler_{context_};
  std::unique_ptr<HttpServer> server_;
  std::uint16_t port_ = 0;

 private:
  // On the loop, as the server's methods must be.
  void Sweep() {
    boost::asio::post(context_, [this] { server_->SweepNow(); });
    context_.poll();
  }
  Task<void> Drain(SteadyTime deadline) {
    co_await server_->Drain(deadline);
    drained_ = true;
  }

  TaskGroup drain_{context_.get_executor()};
  bool drained_ = false;
};

}  // namespace podium::net
