// Streams in and streams out at once, on several cores, as a gateway has them. Run under TSan.
#include <gmock/gmock.h>

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <latch>
#include <thread>
#include <utility>
#include <vector>

#include "net/core_pool.h"
#include "net/http_client.h"
#include "net/server_group.h"
#include "net/upstream_pool.h"

namespace podium::net {
namespace {

constexpr int kPieces = 50;

/// "0;1;2;…", a piece each, some after a turn of the loop.
class CountingStream final : public BodyStream {
 public:
  Task<Result<std::string_view>> Next() override {
    if (next_ == kPieces) co_return std::string_view{};
    if (next_ % 3 == 0)
      co_await boost::asio::post(co_await boost::asio::this_coro::executor, kAwait);
    text_ = std::to_string(next_++) + ";";
    co_return text_;
  }
  void Cancel() override {}

 private:
  int next_ = 0;
  std::string text_;
};

std::string WholeBody() {
  std::string all;
  for (int i = 0; i < kPieces; ++i) all += std::to_string(i) + ";";
  return all;
}

/// One piece, and then nothing for as long as the server runs.
class StalledStream final : public BodyStream {
 public:
  Task<Result<std::string_view>> Next() override {
    if (!std::exchange(begun_, true)) co_return "0;";
    const bool whole = co_await Pause(std::chrono::hours(1));
    co_return Fail(ErrorCode::kUnavailable, "{}", whole ? "waited" : "stopped");
  }
  void Cancel() override {}

 private:
  bool begun_ = false;
};

template <typename Stream>
class SourceHandler final : public Handler {
 public:
  Task<Response> Handle(Exchange&) override {
    Response response;
    response.stream = std::make_unique<Stream>();
    co_return response;
  }
};

class RelayStream final : public BodyStream {
 public:
  explicit RelayStream(std::unique_ptr<UpstreamResponse> from) : from_(std::move(from)) {}
  Task<Result<std::string_view>> Next() override { return from_->ReadSome(); }
  std::optional<Result<std::string_view>> TryNext() override { return from_->TryRead(); }
  std::optional<PendingRead> BeginRead(const Cancellation& task) override {
    return from_->BeginRead(task);
  }
  void EndRead(const ClientConnection::Came& came, const Cancellation& task) override {
    from_->EndRead(came, task);
  }
  void Cancel() override {}  // As one that reads on for its bill.

 private:
  const std::unique_ptr<UpstreamResponse> from_;
};

class RelayHandler final : public Handler {
 public:
  RelayHandler(CorePool& cores, const Clock& clock, Origin origin) : origin_(std::move(origin)) {
    for (std::size_t core = 0; core < cores.size(); ++core) {
      pools_.push_back(std::make_unique<UpstreamPool>(cores.executor(core), clock));
    }
  }
  Task<Response> Handle(Exchange& exchange) override {
    UpstreamRequest request;
    request.method = HttpMethod::kGet;
    auto sending = pools_[exchange.core()]->Send(origin_, std::move(request));
    auto answer = co_await std::move(sending);
    if (!answer) co_return ProblemResponse(answer.error());
    Response response;
    response.stream = std::make_unique<RelayStream>(std::move(*answer));
    co_return response;
  }
  /// Blocks until all pools have ended.
  void Stop(CorePool& cores) {
    std::latch stopped(static_cast<std::ptrdiff_t>(pools_.size()));
    std::vector<std::unique_ptr<TaskGroup>> groups(pools_.size());
    for (std::size_t core = 0; core < pools_.size(); ++core) {
      cores.Post(core, [this, &cores, &groups, &stopped, core] {
        groups[core] = std::make_unique<TaskGroup>(cores.executor(core));
        groups[core]->Spawn(StopOne(core, stopped));
      });
    }
    stopped.wait();
    cores.Stop();
  }

 private:
  Task<void> StopOne(std::size_t core, std::latch& stopped) {
    co_await pools_[core]->Stop();
    pools_[core].reset();
    stopped.count_down();
  }

  const Origin origin_;
  std::vector<std::unique_ptr<UpstreamPool>> pools_;
};

Task<void> Ask(HttpClient& client, int count, std::atomic<int>& good) {
  const std::string whole = WholeBody();
  for (int i = 0; i < count; ++i) {
    const auto response = co_await client.Send(ClientRequest{});
    if (!response || response->status != 200 || response->body != whole) co_return;
    ++good;
  }
}

/// A server whose answers are such streams, and a relay in front of it.
template <typename Stream>
class Relayed {
 public:
  explicit Relayed(std::size_t cores) : relay_cores_(cores) {}

  std::uint16_t port() const { return group_->port(); }
  /// Lets what is under way go on for so long.
  void StopRelay(std::chrono::seconds patience) { group_->Stop(patience); }
  void StopRest(std::chrono::seconds patience) {
    relay_.Stop(relay_cores_);
    from_->Stop(patience);
  }

 private:
  std::unique_ptr<ServerGroup> StartOn(CorePool& cores, Handler& handler) {
    return std::move(*ServerGroup::Start(cores, {"127.0.0.1", 0}, handler, clock_));
  }

  SystemClock clock_;
  CorePool source_cores_{1};
  CorePool relay_cores_;
  SourceHandler<Stream> source_;
  const std::unique_ptr<ServerGroup> from_ = StartOn(source_cores_, source_);
  RelayHandler relay_{
      relay_cores_,
      clock_,
      {.host = "localhost", .port = from_->port(), .addresses = {.allow_private = true}}};
  const std::unique_ptr<ServerGroup> group_ = StartOn(relay_cores_, relay_);
};

TEST(UpstreamRelay, StreamsPassThroughSeveralCores) {
  Relayed<CountingStream> relayed(3);
  std::atomic<int> good{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 6; ++i) {
    clients.emplace_back([&] {
      boost::asio::io_context context(1);
      HttpClient client(context.get_executor(), {"127.0.0.1", relayed.port()});
      TaskGroup tasks(context.get_executor());
      tasks.Spawn(Ask(client, 20, good));
      context.run();
    });
  }
  for (auto& client : clients) client.join();
  EXPECT_EQ(good, 120);
  relayed.StopRelay(std::chrono::seconds(5));
  relayed.StopRest(std::chrono::seconds(5));
}

// Whatever its source does, and though it would read on when its caller has left.
TEST(UpstreamRelay, AStreamThatWaitsForItsSourceEndsWithTheDrain) {
  Relayed<StalledStream> relayed(1);
  std::latch asked(1);
  std::thread client([&] {
    boost::asio::io_context context(1);
    boost::asio::ip::tcp::socket socket(context);
    socket.connect({boost::asio::ip::make_address("127.0.0.1"), relayed.port()});
    boost::asio::write(socket,
                       boost::asio::buffer(std::string_view("GET / HTTP/1.1\r\nHost: a\r\n\r\n")));
    std::string answer;
    boost::asio::read_until(socket, boost::asio::dynamic_buffer(answer), "0;\r\n");
    asked.count_down();
    boost::system::error_code end;
    boost::asio::read(socket, boost::asio::dynamic_buffer(answer), end);
    EXPECT_FALSE(answer.ends_with("0\r\n\r\n")) << "a cut is none";
  });
  asked.wait();
  relayed.StopRelay(std::chrono::seconds(0));
  client.join();
  relayed.StopRest(std::chrono::seconds(0));
}

}  // namespace
}  // namespace podium::net
