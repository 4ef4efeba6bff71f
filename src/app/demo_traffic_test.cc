#include "app/demo_traffic.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <tuple>

namespace podium::app {
namespace {

TEST(DemoTraffic, RoutesTakeTurns) {
  SeededRng rng(1);
  DemoTraffic traffic({{5}, {9}}, rng);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(traffic.Next().route, i % 2);
}

TEST(DemoTraffic, ARouteOfMoreWeightHasMoreTurns) {
  SeededRng rng(1);
  DemoTraffic traffic({{5, 1}, {9, 4}}, rng);
  std::map<std::size_t, int> calls;
  for (std::size_t i = 0; i < 20; ++i) ++calls[traffic.Next().route];
  EXPECT_EQ(calls, (std::map<std::size_t, int>{{0, 4}, {1, 16}}));
}

// The accuracy shown would drift if some rows were sent more often than others.
TEST(DemoTraffic, EveryRowIsSentOnceBeforeAnyIsSentAgain) {
  SeededRng rng(2);
  DemoTraffic traffic({{40}}, rng);
  std::vector<std::size_t> first_order;
  for (int pass = 0; pass < 3; ++pass) {
    std::vector<std::size_t> order;
    for (int i = 0; i < 40; ++i) order.push_back(traffic.Next().row);
    EXPECT_EQ(std::set<std::size_t>(order.begin(), order.end()).size(), 40U);
    EXPECT_NE(order, first_order);
    first_order = order;
  }
}

// Canaries are drawn by session: with long ones, 5 % would take minutes to be seen.
TEST(DemoTraffic, SessionsLiveAboutTenRequests) {
  SeededRng rng(3);
  DemoTraffic traffic({{100}, {100}}, rng);
  std::map<std::string, int> requests;
  std::map<std::string, std::set<std::size_t>> routes;
  constexpr int kCalls = 20'000;
  for (int i = 0; i < kCalls; ++i) {
    const DemoCall call = traffic.Next();
    ++requests[call.session];
    routes[call.session].insert(call.route);
  }
  const double mean = kCalls / static_cast<double>(requests.size());
  EXPECT_NEAR(mean, 10.0, 0.3);
  std::size_t unfinished = 0;
  for (const auto& [session, count] : requests) {
    EXPECT_LE(count, DemoTraffic::kLongestSession);
    EXPECT_EQ(routes[session].size(), 1U);
    if (count < DemoTraffic::kShortestSession) ++unfinished;
  }
  EXPECT_LE(unfinished, 2 * DemoTraffic::kCallers);
}

TEST(DemoTraffic, TheSameSeedGivesTheSameTraffic) {
  SeededRng one(4);
  SeededRng two(4);
  DemoTraffic first({{7}, {11}}, one);
  DemoTraffic second({{7}, {11}}, two);
  for (int i = 0; i < 200; ++i) {
    const DemoCall a = first.Next();
    const DemoCall b = second.Next();
    EXPECT_EQ(std::tie(a.route, a.row, a.session), std::tie(b.route, b.row, b.session));
  }
}

}  // namespace
}  // namespace podium::app
