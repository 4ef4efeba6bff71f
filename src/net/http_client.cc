#include "net/http_client.h"

#include <boost/asio/io_context.hpp>
#include <utility>

#include "base/assert.h"
#include "base/clock.h"
#include "net/client_exchange.h"

namespace podium::net {
namespace {

/// Sending it twice does what sending it once does, and nothing of it has been used up.
bool IsRepeatable(const ClientRequest& request) {
  const bool idempotent =
      request.method != HttpMethod::kPost && request.method != HttpMethod::kPatch;
  return idempotent && !request.source;
}

}  // namespace

std::optional<std::string_view> ClientResponse::Find(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (EqualsIgnoreCase(key, name)) return value;
  }
  return std::nullopt;
}

class HttpClient::Impl {
 public:
  Impl(Executor executor, HostPort server)
      : executor_(std::move(executor)),
        server_(std::move(server)),
        resolver_(executor_, std::make_shared<NameLookups>(clock_)) {}
  ~Impl() { PODIUM_ASSERT(running_ == 0); }

  Task<Result<ClientResponse>> Send(ClientRequest request) {
    ++running_;
    auto response = co_await SendCounted(request);
    --running_;
    co_return response;
  }

  void Close() { idle_.clear(); }

 private:
  Task<Result<ClientResponse>> SendCounted(const ClientRequest& request) {
    const auto text = RequestText(request, server_);
    if (!text) co_return Failure(text.error());
    auto kept = TakeIdle();
    if (kept) {
      auto exchange = std::make_shared<ClientExchange>(executor_, server_, std::move(kept));
      exchange->StartDeadline(request.timeout);
      auto response = co_await exchange->Run(request, *text);
      Finish(*exchange);
      const bool died = !response && !exchange->answered() && !exchange->expired() &&
                        response.error().code == ErrorCode::kInternal;
      if (!died || !IsRepeatable(request)) co_return response;
    }
    auto exchange = std::make_shared<ClientExchange>(executor_, server_,
                                                     std::make_unique<ClientConnection>(executor_));
    exchange->StartDeadline(request.timeout);
    Status connected = co_await exchange->Connect(resolver_);
    if (!connected) {
      exchange->StopTimers();
      co_return Failure(std::move(connected).error());
    }
    auto response = co_await exchange->Run(request, *text);
    Finish(*exchange);
    co_return response;
  }

  std::unique_ptr<ClientConnection> TakeIdle() {
    while (!idle_.empty()) {
      auto connection = std::move(idle_.back());
      idle_.pop_back();
      if (connection->IsAlive()) return connection;
    }
    return nullptr;
  }

  void Finish(ClientExchange& exchange) {
    exchange.StopTimers();
    const bool keep = exchange.reusable() && !exchange.expired();
    if (keep && idle_.size() < kMaxIdleClientConnections)
      idle_.push_back(exchange.TakeConnection());
  }

  const Executor executor_;
  const HostPort server_;
  const SystemClock clock_;
  SystemResolver resolver_;
  std::vector<std::unique_ptr<ClientConnection>> idle_;
  int running_ = 0;
};

HttpClient::HttpClient(Executor executor, HostPort server)
    : impl_(std::make_unique<Impl>(std::move(executor), std::move(server))) {}
HttpClient::~HttpClient() = default;

Task<Result<ClientResponse>> HttpClient::Send(ClientRequest request) {
  return impl_->Send(std::move(request));
}

void HttpClient::Close() { impl_->Close(); }

namespace {

Task<void> SendInto(HttpClient& client, ClientRequest request,
                    std::optional<Result<ClientResponse>>& response) {
  response = co_await client.Send(std::move(request));
}

}  // namespace

Result<ClientResponse> SendBlocking(const HostPort& server, ClientRequest request) {
  boost::asio::io_context context(1);
  std::optional<Result<ClientResponse>> response;
  {
    HttpClient client(context.get_executor(), server);
    TaskGroup group(context.get_executor());
    group.Spawn(SendInto(client, std::move(request), response));
    context.run();
  }
  return std::move(*response);
}

}  // namespace podium::net
