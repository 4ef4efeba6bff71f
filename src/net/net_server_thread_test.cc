// What happens between threads: several cores, clients that keep their connections, and a stop in
// the middle. Run under TSan.
#include <gmock/gmock.h>

#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include "net/core_pool.h"
#include "net/http_client.h"
#include "net/server_group.h"

namespace podium::net {
namespace {

class CoreHandler final : public Handler {
 public:
  bool TryHandle(Exchange& exchange, Response& out) override {
    if (exchange.head().path != "/fast") return false;
    ++answered;
    out.body = std::to_string(exchange.core());
    return true;
  }
  Task<Response> Handle(Exchange& exchange) override {
    Response response;
    const auto body = co_await exchange.ReadBody(1'000'000);
    response.body = body ? std::to_string(body->size()) : body.error().message;
    ++answered;
    co_return response;
  }
  std::atomic<int> answered{0};
};

/// Sends until told to stop or refused; counts.
Task<void> SendMany(HttpClient& client, int count, std::atomic<int>& good, std::latch& first) {
  for (int i = 0; i < count; ++i) {
    ClientRequest request;
    request.method = HttpMethod::kPost;
    request.target = i % 2 == 0 ? "/fast" : "/slow";
    request.body = std::string(static_cast<std::size_t>(i) * 100, 'x');
    const auto response = co_await client.Send(std::move(request));
    if (i == 0) first.count_down();
    if (!response || response->status != 200) co_return;
    ++good;
  }
}

void RunClient(const HostPort& server, int count, std::atomic<int>& good, std::latch& first) {
  boost::asio::io_context context(1);
  HttpClient client(context.get_executor(), server);
  TaskGroup group(context.get_executor());
  group.Spawn(SendMany(client, count, good, first));
  context.run();
}

class ThreadTest : public ::testing::Test {
 protected:
  void Start(std::size_t cores) {
    pool_ = std::make_unique<CorePool>(cores);
    auto group = ServerGroup::Start(*pool_, {"127.0.0.1", 0}, handler_, clock_);
    ASSERT_TRUE(group) << group.error().message;
    group_ = std::move(*group);
  }
  std::vector<std::thread> Clients(int clients, int requests, std::latch& first) {
    std::vector<std::thread> threads;
    for (int i = 0; i < clients; ++i) {
      threads.emplace_back(RunClient, HostPort{"127.0.0.1", group_->port()}, requests,
                           std::ref(good_), std::ref(first));
    }
    return threads;
  }

  SystemClock clock_;
  CoreHandler handler_;
  std::atomic<int> good_{0};
  std::unique_ptr<CorePool> pool_;
  std::unique_ptr<ServerGroup> group_;
};

TEST_F(ThreadTest, ManyClientsOnSeveralCores) {
  Start(3);
  std::latch first(6);
  for (auto& thread : Clients(6, 100, first)) thread.join();
  EXPECT_EQ(good_, 600);
  EXPECT_EQ(handler_.answered, 600);
  group_->Stop(std::chrono::seconds(5));
  const auto after = SendBlocking({"127.0.0.1", group_->port()}, ClientRequest{});
  ASSERT_FALSE(after);
  EXPECT_EQ(after.error().code, ErrorCode::kUnavailable);
}

// A stop in the middle answers what it has begun and leaves nobody hanging.
TEST_F(ThreadTest, StopWhileRequestsAreInFlight) {
  Start(2);
  std::latch first(4);
  auto threads = Clients(4, 1'000'000, first);
  first.wait();
  group_->Stop(std::chrono::seconds(5));
  for (auto& thread : threads) thread.join();
  EXPECT_GE(good_, 4);
  EXPECT_GE(handler_.answered, good_);
}

TEST_F(ThreadTest, GroupsAndPoolsMayBeDestroyedWithoutStop) {
  Start(2);
  ASSERT_TRUE(SendBlocking({"127.0.0.1", group_->port()}, ClientRequest{}));
  group_.reset();
  pool_.reset();
}

TEST(CorePool, RunsOnTheCoreThatWasNamed) {
  CorePool pool(3);
  std::vector<std::thread::id> ids(3);
  for (std::size_t core = 0; core < 3; ++core) {
    pool.Run(core, [&ids, core] { ids[core] = std::this_thread::get_id(); });
    std::thread::id again;
    pool.Run(core, [&again] { again = std::this_thread::get_id(); });
    EXPECT_EQ(again, ids[core]);
  }
  EXPECT_NE(ids[0], ids[1]);
  EXPECT_NE(ids[1], ids[2]);
  std::atomic<int> ran{0};
  for (int i = 0; i < 100; ++i) pool.Post(0, [&ran] { ++ran; });
  pool.Stop();
  EXPECT_EQ(ran, 100) << "what was posted before Stop runs";
}

}  // namespace
}  // namespace podium::net
