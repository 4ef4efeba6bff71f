// Requirement B6: the weight changes atomically under traffic, and no request is lost from the
// count.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "routing/ab_router.h"

namespace podium::routing {
namespace {

TEST(AbRouterThreads, WeightChangesUnderTraffic) {
  constexpr int kThreads = 4;
  constexpr int kKeys = 5'000;
  AbRouter router = AbRouter::Create(0.25, "s1").value();

  // What each key gets at the two weights: under the change it gets one or the other, no third.
  AbRouter low = AbRouter::Create(0.25, "s1").value();
  AbRouter high = AbRouter::Create(0.75, "s1").value();
  std::vector<std::string> keys;
  std::vector<AbSide> at_low;
  std::vector<AbSide> at_high;
  for (int i = 0; i < kKeys; ++i) {
    keys.push_back("user-" + std::to_string(i));
    at_low.push_back(low.Route(keys.back()));
    at_high.push_back(high.Route(keys.back()));
  }

  std::atomic<int> strangers{0};
  std::atomic<std::uint64_t> challengers{0};
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < keys.size(); ++i) {
        const AbSide side = router.Route(keys[i]);
        strangers += side != at_low[i] && side != at_high[i];
        challengers += side == AbSide::kChallenger;
      }
    });
  }
  std::thread changer([&] {
    for (int i = 0; !done; ++i) {
      EXPECT_TRUE(router.SetWeight(i % 2 == 0 ? 0.75 : 0.25).has_value());
      EXPECT_FALSE(router.SetWeight(1.5).has_value());
    }
  });
  for (std::thread& thread : threads) thread.join();
  done = true;
  changer.join();

  EXPECT_EQ(strangers, 0);
  EXPECT_EQ(router.challenger_requests(), challengers);
  EXPECT_EQ(router.champion_requests() + router.challenger_requests(),
            std::uint64_t{kThreads} * kKeys);
}

}  // namespace
}  // namespace podium::routing
