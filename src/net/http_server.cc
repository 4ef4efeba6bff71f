#include "net/http_server.h"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/log.h"
#include "net/http_session.h"

namespace podium::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;

/// Out of descriptors: accepting again at once would only spin.
constexpr std::chrono::milliseconds kAcceptPause{100};
/// Sessions looked at before requests get their turn again: about 0.1 ms when none is in cache.
constexpr std::size_t kSessionsPerSlice = 1024;
/// Waits ended before requests get their turn again: each costs an answer or a park, and callers
/// who came together are late together.
constexpr std::size_t kEndsPerSlice = 16;

}  // namespace

class HttpServer::Impl {
 public:
  Impl(const Executor& executor, std::size_t core, Handler& handler, const Clock& clock,
       Options options)
      : shared_{core, handler, clock, options, "", false},
        acceptor_(executor),
        accept_pause_(executor),
        sweep_timer_(executor),
        services_(executor),
        connections_(executor) {}

  void Start(int listening_socket) {
    int domain = 0;
    socklen_t bytes = sizeof(domain);
    ::getsockopt(listening_socket, SOL_SOCKET, SO_DOMAIN, &domain, &bytes);
    const auto protocol = domain == AF_INET6 ? asio::ip::tcp::v6() : asio::ip::tcp::v4();
    error_code error;
    acceptor_.assign(protocol, listening_socket, error);
    PODIUM_ASSERT(!error);  // A socket of Listeners, taken once.
    RefreshDate();
    services_.Spawn(Accept());
    if (shared_.options.sweep_every > std::chrono::nanoseconds::zero()) services_.Spawn(Sweep());
  }

  void StopAccepting() {
    error_code ignored;
    acceptor_.close(ignored);
    accept_pause_.cancel();
  }

  Task<void> Drain(SteadyTime deadline) {
    StopAccepting();
    shared_.draining = true;
    drain_deadline_ = deadline;
    for (HttpSession* session : sessions_) session->CloseIfIdle();
    co_await connections_.Join();
    stopping_ = true;
    sweep_timer_.cancel();
    co_await services_.Join();
  }

  void SweepNow() {
    RefreshDate();
    for (std::size_t at = 0; at < sessions_.size();) at = SweepSlice(at);
    CutLateOnes();
  }

  std::size_t connections() const { return connections_.size(); }
  std::size_t buffered_bytes() const {
    std::size_t sum = 0;
    for (const HttpSession* session : sessions_) sum += session->buffered_bytes();
    return sum;
  }

 private:
  Task<void> Accept() {
    co_await asio::this_coro::throw_if_cancelled(false);
    while (acceptor_.is_open()) {
      TcpSocket socket(acceptor_.get_executor());
      asio::ip::tcp::endpoint peer;
      const auto [error] = co_await acceptor_.async_accept(socket, peer, kAwaitTuple);
      if (!error) {
        Admit(std::move(socket), peer);
        accept_fails_ = false;
        continue;
      }
      if (!acceptor_.is_open() || error == asio::error::connection_aborted) continue;
      if (!std::exchange(accept_fails_, true)) {  // Once per time of want, not ten times a second.
        LogWarning("cannot accept connections: those that wait are taken when others end",
                   {{"core", shared_.core}, {"error", error.message()}});
      }
      accept_pause_.expires_after(kAcceptPause);
      (void)co_await accept_pause_.async_wait(kAwaitTuple);
    }
  }

  void Admit(TcpSocket socket, const asio::ip::tcp::endpoint& peer) {
    error_code ignored;
    socket.non_blocking(true, ignored);
    if (connections_.size() >= shared_.options.max_connections) return TurnAway(socket);
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    connections_.Spawn(
        Serve(std::make_unique<HttpSession>(shared_, std::move(socket), peer.address())));
  }

  /// Says why before closing. Nobody waits for it to arrive.
  void TurnAway(TcpSocket& socket) {
    Response full = ProtocolProblem(503, "this server has all the connections that it may have");
    full.headers.Add("Retry-After", 1);
    std::string text;
    AppendResponseHead(full, "close", shared_.date_line, text);
    text += full.body;
    error_code ignored;
    socket.write_some(asio::buffer(text), ignored);
    socket.shutdown(TcpSocket::shutdown_send, ignored);
  }

  Task<void> Serve(std::unique_ptr<HttpSession> session) {
    session->place = sessions_.size();
    sessions_.push_back(session.get());
    co_await session->Run();
    // The last one takes its place.
    sessions_.back()->place = session->place;
    sessions_[session->place] = sessions_.back();
    sessions_.pop_back();
  }

  Task<void> Sweep() {
    while (!stopping_) {
      sweep_timer_.expires_at(TickAfter(SystemClock().SteadyNow(), shared_.options.sweep_every));
      (void)co_await sweep_timer_.async_wait(kAwaitTuple);
      RefreshDate();
      // One that moves into a slice already seen is seen the next time.
      for (std::size_t at = 0; at < sessions_.size() && !stopping_;) {
        at = SweepSlice(at);
        co_await asio::post(acceptor_.get_executor(), kAwait);
      }
      if (!stopping_) CutLateOnes();
    }
  }

  /// Returns where the next slice begins.
  std::size_t SweepSlice(std::size_t begin) {
    const std::size_t end = std::min(begin + kSessionsPerSlice, sessions_.size());
    const SteadyTime now = shared_.clock.SteadyNow();
    std::size_t at = begin;
    for (std::size_t ended = 0; at < end && ended < kEndsPerSlice; ++at) {
      ended += sessions_[at]->Sweep(now) ? 1 : 0;
    }
    return at;
  }

  /// The end of a drain.
  void CutLateOnes() {
    if (!shared_.draining || shared_.clock.SteadyNow() < drain_deadline_) return;
    connections_.Cancel();
    for (HttpSession* session : sessions_) session->Cut();
  }

  void RefreshDate() {
    const auto now = std::chrono::floor<std::chrono::seconds>(shared_.clock.Now());
    const std::int64_t seconds = now.time_since_epoch().count();
    if (std::exchange(date_seconds_, seconds) != seconds) shared_.date_line = DateLine(seconds);
  }

  ServerCore shared_;
  Acceptor acceptor_;
  Timer accept_pause_;
  Timer sweep_timer_;
  std::int64_t date_seconds_ = -1;
  bool stopping_ = false;
  SteadyTime drain_deadline_ = SteadyTime::max();
  bool accept_fails_ = false;
  std::vector<HttpSession*> sessions_;  // Those whose Run is going on.
  TaskGroup services_;
  TaskGroup connections_;
};

HttpServer::HttpServer(Executor executor, std::size_t core, Handler& handler, const Clock& clock,
                       Options options)
    : impl_(std::make_unique<Impl>(executor, core, handler, clock, options)) {}
HttpServer::~HttpServer() = default;

void HttpServer::Start(int listening_socket) { impl_->Start(listening_socket); }
void HttpServer::StopAccepting() { impl_->StopAccepting(); }
Task<void> HttpServer::Drain(SteadyTime deadline) { return impl_->Drain(deadline); }
void HttpServer::SweepNow() { impl_->SweepNow(); }
std::size_t HttpServer::connections() const { return impl_->connections(); }
std::size_t HttpServer::buffered_bytes() const { return impl_->buffered_bytes(); }

}  // namespace podium::net
