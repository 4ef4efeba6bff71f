#include "app/source_client.h"

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "base/task.h"
#include "net/http_client.h"
#include "net/upstream_pool.h"

namespace podium::app {
namespace {

/// A pool with a loop of its own, which runs while somebody waits for an answer.
class SourceClient {
 public:
  SourceClient(const SourceAddress& address, std::shared_ptr<const net::TlsTrust> trust,
               const Clock& clock)
      : origin_{address.url.tls, address.url.host, address.url.port, {.allow_private = true}},
        authorization_(address.authorization),
        timeout_(address.timeout),
        clock_(clock),
        pool_(context_.get_executor(), clock, OptionsWith(std::move(trust))),
        calls_(context_.get_executor()) {}
  ~SourceClient() {
    calls_.Spawn(pool_.Stop());
    RunCalls();
  }
  SourceClient(const SourceClient&) = delete;
  SourceClient& operator=(const SourceClient&) = delete;

  Result<SourceReply> Get(const std::string& target) {
    std::optional<Result<SourceReply>> reply;
    calls_.Spawn(GetInto(target, reply));
    RunCalls();
    return *std::move(reply);
  }

 private:
  static net::UpstreamPoolOptions OptionsWith(std::shared_ptr<const net::TlsTrust> trust) {
    net::UpstreamPoolOptions options;
    options.trust = std::move(trust);
    return options;
  }

  void RunCalls() {
    context_.restart();
    while (calls_.size() > 0) context_.run_one();
  }

  Task<void> GetInto(std::string target, std::optional<Result<SourceReply>>& reply) {
    auto ask = Ask(std::move(target));
    reply = co_await std::move(ask);
  }

  Task<Result<SourceReply>> Ask(std::string target) {
    net::UpstreamRequest request;
    request.method = net::HttpMethod::kGet;
    request.target = std::move(target);
    request.headers.emplace_back("Accept", "application/json");
    request.headers.emplace_back("User-Agent", "podium");
    if (!authorization_.empty()) {
      request.headers.emplace_back("Authorization", authorization_.Reveal());
    }
    request.timeouts.deadline = clock_.SteadyNow() + timeout_;
    auto send = pool_.Send(origin_, std::move(request));
    Result<std::unique_ptr<net::UpstreamResponse>> response = co_await std::move(send);
    if (!response) co_return Fail(std::move(response).error());
    SourceReply reply;
    reply.status = (*response)->status();
    reply.location = (*response)->Find("location").value_or("");
    reply.retry_after = (*response)->Find("retry-after").value_or("");
    while (true) {
      auto read = (*response)->ReadSome();
      const Result<std::string_view> piece = co_await std::move(read);
      if (!piece) co_return Fail(piece.error());
      if (piece->empty()) co_return reply;
      if (reply.body.size() + piece->size() > net::kMaxClientBodyBytes) {
        co_return Fail(ErrorCode::kTooLarge, "its answer has more than {} bytes",
                       net::kMaxClientBodyBytes);
      }
      reply.body += *piece;
    }
  }

  boost::asio::io_context context_{1};
  const net::Origin origin_;
  const Secret authorization_;
  const std::chrono::nanoseconds timeout_;
  const Clock& clock_;
  net::UpstreamPool pool_;
  TaskGroup calls_;
};

}  // namespace

Result<SourceTransport> ConnectSource(const SourceAddress& address, const Clock& clock) {
  std::shared_ptr<const net::TlsTrust> trust;
  if (address.url.tls) {
    PODIUM_TRY_ASSIGN(trust, net::TlsTrust::Load(address.ca_file));
  }
  auto client = std::make_shared<SourceClient>(address, std::move(trust), clock);
  return SourceTransport([client](const std::string& target) { return client->Get(target); });
}

}  // namespace podium::app
