#include "net/upstream_pool.h"

#include <algorithm>
#include <array>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "net/request_head.h"
#include "net/upstream_call.h"

namespace podium::net {
namespace {

namespace asio = boost::asio;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;

/// Calls looked at before others get their turn again: about 0.1 ms when none is in cache.
constexpr std::size_t kCallsPerSlice = 1024;
/// What the pool itself says, or what would say where a message ends in two ways.
constexpr std::array<std::string_view, 6> kOwnHeaders = {
    "Host", "Content-Length", "Transfer-Encoding", "Connection", "Expect", "Upgrade"};

bool IsRepeatable(const UpstreamRequest& request) {
  return request.repeatable ||
         (request.method != HttpMethod::kPost && request.method != HttpMethod::kPatch);
}

std::string HostValue(const Origin& origin) {
  const bool default_port = origin.port == (origin.tls ? 443 : 80);
  std::string value = ToString(HostPort{origin.host, origin.port});
  if (default_port) value.resize(value.rfind(':'));
  return value;
}

Result<std::string> RequestText(const Origin& origin, const UpstreamRequest& request) {
  for (const auto& [name, value] : request.headers) {
    for (const std::string_view own : kOwnHeaders) {
      if (EqualsIgnoreCase(name, own)) {
        return Fail(ErrorCode::kInvalidArgument, "header '{}' is not the caller's to send", name);
      }
    }
  }
  return HeadText({.method = request.method,
                   .target = request.target,
                   .host = HostValue(origin),
                   .content_length = request.body.size(),
                   .content_type = {},
                   .expect_continue = false,
                   .headers = request.headers});
}

Error Unsent(Error error) {
  return std::move(error).At(std::string(NameOf(UpstreamPhase::kUnsent)));
}

/// While it lives, and until End, SendCancel ends `call`.
class CancelLink {
 public:
  CancelLink(SendCancel* cancel, UpstreamCall& call) : cancel_(cancel) {
    if (cancel_ != nullptr) cancel_->OnCancel([&call] { call.Cancel(); });
  }
  ~CancelLink() { End(); }
  CancelLink(const CancelLink&) = delete;
  CancelLink& operator=(const CancelLink&) = delete;

  void End() {
    if (cancel_ != nullptr) std::exchange(cancel_, nullptr)->OnCancel({});
  }

 private:
  SendCancel* cancel_;
};

}  // namespace

class UpstreamPool::Impl final : public UpstreamHome {
 public:
  Impl(Executor executor, const Clock& clock, Options options, NameResolver* resolver)
      : executor_(std::move(executor)),
        clock_(clock),
        options_(std::move(options)),
        system_resolver_(
            executor_, options_.lookups ? options_.lookups : std::make_shared<NameLookups>(clock_)),
        resolver_(resolver != nullptr ? *resolver : system_resolver_),
        tls_(options_.trust ? std::make_unique<TlsClient>(*options_.trust) : nullptr),
        timer_(executor_),
        sweeper_(executor_) {}
  ~Impl() { PODIUM_ASSERT(calls_.empty()); }

  Task<Result<std::unique_ptr<UpstreamResponse>>> Send(const Origin& origin,
                                                       UpstreamRequest request) {
    const asio::cancellation_state task = co_await asio::this_coro::cancellation_state;
    if (Status refused = Refuse(origin, request, task); !refused) {
      co_return Failure(std::move(refused).error());
    }
    const auto text = RequestText(origin, request);
    if (!text) co_return Failure(Unsent(text.error()));
    std::shared_ptr<UpstreamShelf> shelf = ShelfOf(origin);
    if (shelf == nullptr) {
      co_return Failure(
          Unsent(Error{ErrorCode::kLimited, "too many origins at once", "", nullptr}));
    }
    if (auto kept = TakeIdle(*shelf, IsRepeatable(request) ? kTrustedIdle : kTrustedIdleForOnce)) {
      auto call = std::make_unique<UpstreamCall>(*this, shelf, request.timeouts, std::move(kept));
      CancelLink link(request.cancel, *call);
      Status answered = co_await call->Exchange(request.method, *text, request.body);
      link.End();
      if (answered) co_return call;
      const auto phase = PhaseOf(answered.error());
      const bool died =
          !call->was_ended() && (phase == UpstreamPhase::kUnsent ||
                                 (phase == UpstreamPhase::kSent && IsRepeatable(request)));
      if (!died) co_return Failure(std::move(answered).error());
      call.reset();
      shelf = ShelfOf(origin);  // It may have gone while we waited.
    }
    co_return co_await SendAnew(std::move(shelf), std::move(request), *text);
  }

  Task<void> Stop() {
    stopping_ = true;
    timer_.cancel();
    co_await sweeper_.Join();
    for (const auto& shelf : shelves_) DropIdle(*shelf, 0);
  }

  void SweepNow() {
    for (std::size_t at = 0; at < calls_.size();) at = SweepSlice(at);
    WeedAll();
  }

  std::size_t connections(const Origin& origin) const {
    const auto shelf = Find(origin);
    return shelf == nullptr ? 0 : shelf->open;
  }
  std::size_t idle_connections(const Origin& origin) const {
    const auto shelf = Find(origin);
    return shelf == nullptr ? 0 : shelf->idle.size();
  }
  std::size_t buffered_bytes() const {
    std::size_t sum = 0;
    for (const UpstreamCall* call : calls_) sum += call->buffered_bytes();
    return sum;
  }

  // UpstreamHome.
  SteadyTime Now() const override { return clock_.SteadyNow(); }
  void Enter(UpstreamCall& call) override {
    call.place = calls_.size();
    calls_.push_back(&call);
    if (options_.sweep_every == std::chrono::nanoseconds::zero() || stopping_) return;
    if (!std::exchange(sweeping_, true)) sweeper_.Spawn(Sweep());
  }
  void Leave(UpstreamCall& call) override {
    // The last one takes its place.
    calls_.back()->place = call.place;
    calls_[call.place] = calls_.back();
    calls_.pop_back();
  }
  void Keep(UpstreamShelf& shelf, std::unique_ptr<ClientConnection> connection) override {
    if (stopping_ || shelf.idle.size() >= options_.max_idle) {
      --shelf.open;
      return;
    }
    const SteadyTime now = Now();
    shelf.idle.push_back({std::move(connection), now, now});
  }

 private:
  /// Why nothing is to be sent, if so.
  Status Refuse(const Origin& origin, const UpstreamRequest& request,
                const asio::cancellation_state& task) const {
    const bool cancelled = task.cancelled() != asio::cancellation_type::none ||
                           (request.cancel != nullptr && request.cancel->cancelled());
    if (cancelled) return Fail(Cancelled(origin, UpstreamPhase::kUnsent));
    if (!origin.tls || tls_) return {};
    return Fail(Unsent({ErrorCode::kInvalidArgument,
                        "no certificates are trusted here: TLS is not set up", "", nullptr}));
  }

  Task<Result<std::unique_ptr<UpstreamResponse>>> SendAnew(std::shared_ptr<UpstreamShelf> shelf,
                                                           UpstreamRequest request,
                                                           const std::string& text) {
    if (shelf->open >= options_.max_connections) {
      co_return Failure(Unsent(Error{ErrorCode::kLimited,
                                     fmt::format("{} has all the {} connections that it may have",
                                                 ToString(shelf->origin), options_.max_connections),
                                     "", nullptr}));
    }
    ++shelf->open;
    auto call = std::make_unique<UpstreamCall>(*this, shelf, request.timeouts,
                                               std::make_unique<ClientConnection>(executor_));
    const ConnectTarget target{.server = {shelf->origin.host, shelf->origin.port},
                               .tls = shelf->origin.tls ? tls_.get() : nullptr,
                               .addresses = &shelf->origin.addresses};
    const CancelLink link(request.cancel, *call);
    Status opened = co_await call->Open(target, resolver_);
    if (!opened) co_return Failure(std::move(opened).error());
    Status answered = co_await call->Exchange(request.method, text, request.body);
    if (!answered) co_return Failure(std::move(answered).error());
    co_return call;
  }

  // ---- Shelves. There are as many as there are providers: few.

  std::shared_ptr<UpstreamShelf> Find(const Origin& origin) const {
    for (const auto& shelf : shelves_) {
      if (shelf->origin == origin) return shelf;
    }
    return nullptr;
  }

  /// That of `origin`, made if need be; null when there are too many with connections in use.
  std::shared_ptr<UpstreamShelf> ShelfOf(const Origin& origin) {
    if (auto known = Find(origin)) return known;
    if (shelves_.size() >= options_.max_origins) {
      const auto unused = std::find_if(shelves_.begin(), shelves_.end(), [](const auto& shelf) {
        return shelf->open == shelf->idle.size();
      });
      if (unused == shelves_.end()) return nullptr;
      shelves_.erase(unused);
    }
    shelves_.push_back(std::make_shared<UpstreamShelf>());
    shelves_.back()->origin = origin;
    return shelves_.back();
  }

  std::unique_ptr<ClientConnection> TakeIdle(UpstreamShelf& shelf,
                                             std::chrono::nanoseconds trusted) {
    const SteadyTime now = Now();
    while (!shelf.idle.empty()) {
      UpstreamShelf::Kept kept = std::move(shelf.idle.back());
      shelf.idle.pop_back();
      const bool fresh = now - kept.checked < trusted;
      const bool young = now - kept.since < options_.idle_time;
      if (young && (fresh || kept.connection->IsAlive())) return std::move(kept.connection);
      --shelf.open;
    }
    return nullptr;
  }

  /// Drops what is dead or too old. One look a second at each.
  void Weed(UpstreamShelf& shelf, SteadyTime now) const {
    const auto useless = [&](UpstreamShelf::Kept& kept) {
      if (now - kept.since >= options_.idle_time) return true;
      if (now - kept.checked < kTrustedIdle) return false;
      kept.checked = now;
      return !kept.connection->IsAlive();
    };
    shelf.open -= std::erase_if(shelf.idle, useless);
  }

  static void DropIdle(UpstreamShelf& shelf, std::size_t keep) {
    shelf.open -= shelf.idle.size() - keep;
    shelf.idle.resize(keep);
  }

  /// Runs while there is something to look at.
  Task<void> Sweep() {
    const auto has_work = [this] {
      return !calls_.empty() || std::any_of(shelves_.begin(), shelves_.end(),
                                            [](const auto& shelf) { return shelf->open > 0; });
    };
    while (!stopping_ && has_work()) {
      timer_.expires_at(TickAfter(SystemClock().SteadyNow(), options_.sweep_every));
      (void)co_await timer_.async_wait(kAwaitTuple);
      // One that moves into a slice already seen is seen the next time.
      for (std::size_t at = 0; at < calls_.size() && !stopping_;) {
        at = SweepSlice(at);
        co_await asio::post(executor_, kAwait);
      }
      if (!stopping_) WeedAll();
    }
    sweeping_ = false;
  }

  /// Returns where the next slice begins.
  std::size_t SweepSlice(std::size_t begin) {
    const std::size_t end = std::min(begin + kCallsPerSlice, calls_.size());
    const SteadyTime now = Now();
    for (std::size_t at = begin; at < end; ++at) calls_[at]->Sweep(now);
    return end;
  }
  void WeedAll() const {
    const SteadyTime now = Now();
    for (const auto& shelf : shelves_) Weed(*shelf, now);
  }

  const Executor executor_;
  const Clock& clock_;
  const Options options_;
  SystemResolver system_resolver_;
  NameResolver& resolver_;
  const std::unique_ptr<TlsClient> tls_;                 // Outlives the connections.
  std::vector<std::shared_ptr<UpstreamShelf>> shelves_;  // Calls may outlive their place here.
  std::vector<UpstreamCall*> calls_;                     // Those with a connection.
  Timer timer_;
  TaskGroup sweeper_;
  bool sweeping_ = false;
  bool stopping_ = false;
};

UpstreamPool::UpstreamPool(Executor executor, const Clock& clock, Options options,
                           NameResolver* resolver)
    : impl_(std::make_unique<Impl>(std::move(executor), clock, std::move(options), resolver)) {}
UpstreamPool::~UpstreamPool() = default;

Task<Result<std::unique_ptr<UpstreamResponse>>> UpstreamPool::Send(const Origin& origin,
                                                                   UpstreamRequest request) {
  return impl_->Send(origin, std::move(request));
}
Task<void> UpstreamPool::Stop() { return impl_->Stop(); }
void UpstreamPool::SweepNow() { impl_->SweepNow(); }
std::size_t UpstreamPool::connections(const Origin& origin) const {
  return impl_->connections(origin);
}
std::size_t UpstreamPool::idle_connections(const Origin& origin) const {
  return impl_->idle_connections(origin);
}
std::size_t UpstreamPool::buffered_bytes() const { return impl_->buffered_bytes(); }

}  // namespace podium::net
