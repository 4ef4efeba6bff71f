// Lookups on their threads. Run under TSan.
#include "net/name_resolver.h"

#include <gmock/gmock.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <latch>
#include <semaphore>
#include <set>

#include "net/core_pool.h"

namespace podium::net {
namespace {

using ::testing::HasSubstr;

/// Hosts that begin with "dead" are looked up until the test lets them go.
/// Shared, since a lookup may outlive the test's other objects.
struct NameServers {
  Result<Addresses> LookUp(const std::string& host) {
    if (!host.starts_with("dead")) {
      return Addresses{boost::asio::ip::make_address("127.0.0.1")};
    }
    const int now = ++busy;
    for (int seen = most_busy; seen < now && !most_busy.compare_exchange_weak(seen, now);) {
    }
    begun.release();
    let_go.acquire();
    let_go.release();  // For the next.
    --busy;
    ended.release();
    return Fail(ErrorCode::kUnavailable, "no name server answered for {}", host);
  }

  std::counting_semaphore<> begun{0};
  std::counting_semaphore<> let_go{0};
  std::counting_semaphore<> ended{0};
  std::atomic<int> busy{0};
  std::atomic<int> most_busy{0};
};

Task<void> Resolve(NameResolver& resolver, std::string host, std::function<void()>& abandon,
                   Result<Addresses>& found) {
  auto resolving = resolver.Resolve(std::move(host), abandon);
  found = co_await std::move(resolving);
}

class ResolverTest : public ::testing::Test {
 protected:
  struct Call {
    std::function<void()> abandon;
    Result<Addresses> found = Fail(ErrorCode::kInternal, "not resolved");
  };
  std::shared_ptr<NameLookups> Lookups() {
    return std::make_shared<NameLookups>(
        clock_, [servers = servers_](const std::string& host) { return servers->LookUp(host); });
  }
  /// By the real system.
  Result<Addresses> Ask(const std::string& host) {
    boost::asio::io_context context(1);
    SystemResolver resolver(context.get_executor(), std::make_shared<NameLookups>(clock_));
    Call call;
    TaskGroup group(context.get_executor());
    group.Spawn(Resolve(resolver, host, call.abandon, call.found));
    context.run();
    EXPECT_FALSE(call.abandon) << "empty after it";
    return call.found;
  }

  const SystemClock clock_;
  const std::shared_ptr<NameServers> servers_ = std::make_shared<NameServers>();
};

TEST_F(ResolverTest, AddressesAndThisMachineAreKnown) {
  const auto v4 = Ask("127.0.0.9");
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->front().to_string(), "127.0.0.9");
  const auto v6 = Ask("::1");
  ASSERT_TRUE(v6);
  EXPECT_TRUE(v6->front().is_v6());
  const auto local = Ask("localhost");
  ASSERT_TRUE(local);
  EXPECT_TRUE(local->front().is_loopback());
}

TEST_F(ResolverTest, UnknownNamesAreErrors) {
  const auto found = Ask(std::string(300, 'a'));  // Longer than a name may be: nobody is asked.
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(found.error().message, HasSubstr("cannot find the host aaa"));
}

// A dead name server costs those who call that host, and nobody else.
TEST_F(ResolverTest, DeadNameServerDelaysNoOtherHost) {
  boost::asio::io_context context(1);
  SystemResolver resolver(context.get_executor(), Lookups());
  TaskGroup group(context.get_executor());
  std::vector<Call> dead(200);
  for (Call& call : dead) {
    group.Spawn(Resolve(resolver, "dead.example", call.abandon, call.found));
  }
  Call good;
  group.Spawn(Resolve(resolver, "good.example", good.abandon, good.found));
  while (group.size() > dead.size()) context.run_one();
  EXPECT_TRUE(good.found);
  EXPECT_EQ(servers_->most_busy, 1) << "one lookup for them all";
  // Half of them give up, the others are told.
  for (std::size_t i = 0; i < dead.size(); i += 2) dead[i].abandon();
  while (group.size() > dead.size() / 2) context.run_one();
  EXPECT_THAT(dead[0].found.error().message, HasSubstr("given up"));
  servers_->let_go.release();
  context.run();
  EXPECT_THAT(dead[1].found.error().message, HasSubstr("no name server"));
  EXPECT_EQ(dead[1].found.error().code, ErrorCode::kUnavailable);
}

TEST_F(ResolverTest, Inv16ThreadsAreBounded) {
  boost::asio::io_context context(1);
  SystemResolver resolver(context.get_executor(), Lookups());
  TaskGroup group(context.get_executor());
  std::vector<Call> calls(3 * kLookupThreads);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    group.Spawn(Resolve(resolver, "dead" + std::to_string(i), calls[i].abandon, calls[i].found));
  }
  context.poll();
  for (std::size_t i = 0; i < kLookupThreads; ++i) servers_->begun.acquire();
  servers_->let_go.release();
  context.run();
  for (const Call& call : calls) {
    EXPECT_THAT(call.found.error().message, HasSubstr("no name server"));
  }
  EXPECT_EQ(servers_->most_busy, static_cast<int>(kLookupThreads));
}

// A server that stops does not wait for a name server that is dead.
TEST_F(ResolverTest, TheEndWaitsForNoLookup) {
  Call call;
  {
    CorePool core(1);
    std::optional<SystemResolver> resolver;
    std::optional<TaskGroup> group;
    core.Run(0, [&] {
      resolver.emplace(core.executor(0), Lookups());
      group.emplace(core.executor(0));
      group->Spawn(Resolve(*resolver, "dead.example", call.abandon, call.found));
    });
    servers_->begun.acquire();
    core.Run(0, [&] { group->Cancel(); });
    core.Stop();
    EXPECT_EQ(group->size(), 0u);
    resolver.reset();
  }
  EXPECT_THAT(call.found.error().message, HasSubstr("given up"));
  EXPECT_EQ(servers_->busy, 1) << "the lookup goes on";
  servers_->let_go.release();
  servers_->ended.acquire();
}

}  // namespace
}  // namespace podium::net
