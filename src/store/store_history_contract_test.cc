// The contract of RegistryStore, part three: how a route stood at each of the last generations.
#include <gmock/gmock.h>

#include "base/limits.h"
#include "store/route_history.h"
#include "store/store_contract.h"

namespace podium::store {
namespace {

using ::testing::HasSubstr;

Generation At(std::int64_t revision) { return MakeGeneration(0, Revision(revision)); }

class RegistryHistory : public RegistryContract {
 protected:
  /// What decides at a generation, as text; the error's text where there is none.
  std::string InputAt(std::int64_t revision, const RouteName& route = kIris) {
    const Result<RouteAt> found = store_->ReadRouteAt(route, {At(revision), std::nullopt});
    return found ? InputToText(found->input) : found.error().message;
  }
  std::string InputNow() {
    const Result<RouteState> state = store_->ReadRoute(kIris);
    return InputToText(RoutingInput(state->route, state->versions));
  }
  std::int64_t Since(std::int64_t revision) {
    const Result<RouteAt> found = store_->ReadRouteAt(kIris, {At(revision), std::nullopt});
    return found ? static_cast<std::int64_t>(found->since.get()) : -1;
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, RegistryHistory, AllBackends(), BackendName);

// Every mutation is replayed as it stood right after it, however much came later.
TEST_P(RegistryHistory, EveryGenerationIsKeptAsItWas) {
  std::vector<std::string> stood = {""};
  const auto note = [&] { stood.push_back(InputNow()); };
  for (const char* id : {"a", "b", "c"}) registry_.Add(id), note();
  registry_.Activate("a"), note();
  registry_.Canary("b", 500), note();
  registry_.Canary("b", 2500), note();
  registry_.Promote("b"), note();
  registry_.RollBack(), note();
  registry_.Split({{"b", 100}, {"c", 200}}), note();
  registry_.Split({}), note();
  registry_.Do(DeleteVersion{ModelId("c")}), note();
  for (std::size_t revision = 1; revision < stood.size(); ++revision) {
    EXPECT_EQ(InputAt(static_cast<std::int64_t>(revision)), stood[revision]) << revision;
  }
  EXPECT_NE(stood[4], stood[5]);
  EXPECT_NE(stood[5], stood[6]);
}

// What waits on standby decides nothing, so it costs no row and changes no `since`.
TEST_P(RegistryHistory, OnlyWhatDecidesMakesARow) {
  for (const char* id : {"a", "b"}) registry_.Add(id);
  registry_.Activate("a");
  registry_.Canary("b", 500);
  registry_.Add("c", VersionStatus::kShadow);
  registry_.Do(RetireVersion{ModelId("c")});
  registry_.Add("x", VersionStatus::kStandby, "roses");
  EXPECT_EQ(Since(7), 4);
  EXPECT_EQ(Since(4), 4);
  EXPECT_EQ(Since(3), 3);
  EXPECT_EQ(InputAt(7), InputAt(4));
}

TEST_P(RegistryHistory, TheSaltsAreThoseOfThen) {
  for (const char* id : {"a", "b"}) registry_.Add(id);
  registry_.Activate("a");
  registry_.Canary("b", 500);
  const Route first = registry_.TheRoute();
  registry_.Do(EndCanary{kIris});
  registry_.Canary("b", 500);
  ASSERT_NE(registry_.TheRoute().canary_salt, first.canary_salt);
  const auto then = store_->ReadRouteAt(kIris, {At(4), std::nullopt});
  ASSERT_TRUE(then);
  EXPECT_EQ(then->input.route.canary_salt, first.canary_salt);
  EXPECT_EQ(then->input.route.salt, first.salt);
  EXPECT_FALSE(then->by_sql);
  const auto now = store_->ReadRouteAt(kIris, {});
  EXPECT_EQ(now->input.route.canary_salt, registry_.TheRoute().canary_salt);
  EXPECT_EQ(now->generation, At(6));
}

TEST_P(RegistryHistory, WhatIsNotThereSaysWhatIs) {
  registry_.Add("x", VersionStatus::kStandby, "roses");
  registry_.Add("a");
  const auto code = [&](const RouteName& route, const HistoryPoint& point) {
    return store_->ReadRouteAt(route, point).error().code;
  };
  EXPECT_EQ(code(RouteName("nowhere"), {}), ErrorCode::kNotFound);
  EXPECT_EQ(code(RouteName("nowhere"), {At(3), std::nullopt}), ErrorCode::kNotFound)
      << "a mistyped route is said before a generation to come";
  EXPECT_EQ(code(kIris, {At(1), std::nullopt}), ErrorCode::kNotFound);
  EXPECT_THAT(InputAt(1), HasSubstr("did not exist at generation 1: its first is 2"));
  EXPECT_EQ(code(kIris, {At(3), std::nullopt}), ErrorCode::kUnprocessable);
  EXPECT_THAT(InputAt(3), HasSubstr("still to come: the table is at 2"));
  EXPECT_EQ(code(kIris, {MakeGeneration(1, Revision(1)), std::nullopt}), ErrorCode::kUnprocessable);
}

// The limit and one past it: what 1,000 rows of history no longer hold, the audit trail still says,
// and it says the same.
TEST_P(RegistryHistory, BeyondWhatIsKeptTheTrailSaysTheSame) {
  registry_.Add("a");
  registry_.Add("b");
  registry_.Activate("a");
  constexpr int kKept = limits::kRouteHistoryGenerations;
  for (int revision = 4; revision <= kKept; ++revision) {
    registry_.Canary("b", 1 + revision % 7);
  }
  EXPECT_EQ(store_->ReadRevision(), Revision(kKept));
  const std::vector<std::string> kept = {"", InputAt(1), InputAt(2), InputAt(3), InputAt(4)};
  EXPECT_THAT(kept[1], HasSubstr("\"versions\":[]"));
  EXPECT_THAT(kept[4], HasSubstr("canary"));
  registry_.Do(EndCanary{kIris});
  EXPECT_EQ(InputAt(1), kept[1]);
  // A route that rests keeps the row that its old generations stand on.
  registry_.Add("x", VersionStatus::kStandby, "roses");
  const std::string rests = InputAt(kKept + 2);
  for (int i = 0; i < kKept + 5; ++i) {
    registry_.Add("x" + std::to_string(i), VersionStatus::kStandby, "roses");
  }
  const std::int64_t head = store_->ReadRevision()->get();
  EXPECT_EQ(InputAt(head), rests);
  EXPECT_EQ(InputAt(head - kKept + 1), rests);
  EXPECT_EQ(InputAt(head - kKept), rests) << "the trail";
  EXPECT_EQ(Since(head), kKept + 1);
  EXPECT_EQ(Since(head - kKept), kKept + 1);
  for (std::size_t i = 1; i < kept.size(); ++i) {
    EXPECT_EQ(InputAt(static_cast<std::int64_t>(i)), kept[i]);
  }
  EXPECT_EQ(Since(2), 1);
  EXPECT_THAT(InputAt(0), HasSubstr("did not exist at generation 0: its first is 1"));
}

TEST_P(RegistryHistory, AMomentIsTheGenerationCommittedByThen) {
  const WallTime start = clock_.Now();
  const auto hour = [&](int n) { return start + std::chrono::hours(n); };
  for (const char* id : {"a", "b"}) registry_.Add(id);
  clock_.SetWall(hour(1));
  registry_.Activate("a");
  clock_.SetWall(hour(2));
  registry_.Canary("b", 500);
  const auto at = [&](WallTime time) {
    const auto found = store_->ReadRouteAt(kIris, {std::nullopt, time});
    return found ? fmt::format("{}", found->generation.get()) : found.error().message;
  };
  EXPECT_EQ(at(hour(0)), "2");
  EXPECT_EQ(at(hour(2) - std::chrono::microseconds(1)), "3");
  EXPECT_EQ(at(hour(2)), "4");
  EXPECT_EQ(at(hour(99)), "4");
  EXPECT_THAT(at(hour(-1)), HasSubstr("did not exist at generation 0: its first is 1"));
  EXPECT_EQ(store_->ReadRouteAt(kIris, {At(3), std::nullopt})->since_at, hour(1));
}

}  // namespace
}  // namespace podium::store
