// The contract of CostStore, on every database.
#include "store/cost_store_contract.h"

#include <chrono>

#include "base/limits.h"

namespace podium::store {
namespace {

using std::chrono::hours;
constexpr WallTime kStart = testing::SimClock::kStart;

INSTANTIATE_TEST_SUITE_P(Stores, CostContract, ::testing::ValuesIn(CostBackends()),
                         [](const auto& info) { return info.param.name; });

// INV-11: however often an event is brought, it counts once, in the sums too.
TEST_P(CostContract, AnEventCountsOnce) {
  EXPECT_EQ(Record({EventOf("a"), EventOf("b")}).inserted, 2U);
  const RecordedCosts again = Record({EventOf("b"), EventOf("c"), EventOf("c")});
  EXPECT_EQ(again.taken, 3U);
  EXPECT_EQ(again.inserted, 1U);
  const std::vector<ModelCost> costs = Costs(kStart, kStart + hours(1));
  ASSERT_EQ(costs.size(), 1U);
  EXPECT_EQ(costs[0], (ModelCost{"mini", {300}, 3, 30, 15, 45, 0, 0}));
  EXPECT_EQ(Days(), (std::vector<DailyCost>{{"mini", "2026-03-09", 3, {300}, 45, 0}}));
}

// D3: the budget of shadows is of all replicas, of the day, and of shadows alone.
TEST_P(CostContract, WhatShadowsCostIsAddedUpByRoute) {
  const auto shadow = [](const std::string& id, const std::string& route, WallTime at,
                         std::optional<NanoUsd> cost) {
    CostEvent event = EventOf(id, "mini", cost);
    event.kind = AttemptKind::kShadow;
    event.route = route;
    event.at = at;
    return event;
  };
  Record({EventOf("live"), shadow("a", "chat", kStart, NanoUsd{5}),
          shadow("b", "chat", kStart + hours(1), NanoUsd{7}),
          shadow("c", "ads", kStart, std::nullopt), shadow("b-2", "chat", kStart, NanoUsd{3}),
          shadow("early", "chat", kStart - hours(1), NanoUsd{100}),
          shadow("late", "chat", kStart + hours(2), NanoUsd{100})});
  const auto sums = store_->ReadShadowCosts(kStart, kStart + hours(2), "b");
  ASSERT_TRUE(sums) << Describe(sums.error());
  EXPECT_EQ(*sums, (std::map<RouteName, ShadowCost>{{RouteName("ads"), {{0}, {0}}},
                                                    {RouteName("chat"), {{15}, {10}}}}));
}

TEST_P(CostContract, AnEventComesBackAsItWas) {
  CostEvent full = EventOf("a");
  full.request_id = "r";
  full.user_id = "u'; DROP TABLE cost_events";
  full.key_id = "k";
  full.workflow_run_id = "w";
  full.kind = AttemptKind::kFallback;
  full.attempt = 3;
  full.status = AttemptStatus::kTimeout;
  full.usage = {1, 2, 3, 4, 5, 6, 7, 8, 9, true, true};
  full.price_id = 12;
  const CostEvent bare = EventOf("b", "mini", std::nullopt);
  Record({full, bare});
  EXPECT_EQ(*store_->ReadCostEvents("", 10), (std::vector<CostEvent>{full, bare}));
  EXPECT_EQ(*store_->ReadCostEvents("a", 10), std::vector<CostEvent>{bare});
  EXPECT_EQ(*store_->ReadCostEvents("", 1), std::vector<CostEvent>{full});
}

TEST_P(CostContract, AWindowHasItsFirstMomentAndNotItsLast) {
  CostEvent early = EventOf("early");
  early.at = kStart - std::chrono::microseconds(1);
  CostEvent late = EventOf("late");
  late.at = kStart + hours(1);
  Record({early, EventOf("at"), late});
  EXPECT_EQ(Costs(kStart, kStart + hours(1))[0].calls, 1);
  EXPECT_EQ(Costs(kStart, late.at + std::chrono::microseconds(1))[0].calls, 2);
  EXPECT_TRUE(Costs(late.at + hours(1), late.at + hours(2)).empty());
}

TEST_P(CostContract, TheMostExpensiveComesFirst) {
  Record({EventOf("1", "b"), EventOf("2", "a"), EventOf("3", "dear", NanoUsd{1'000}),
          EventOf("4", "unpriced", std::nullopt)});
  std::vector<std::string> order;
  for (const ModelCost& cost : Costs(kStart, kStart + hours(1))) order.push_back(cost.model_id);
  EXPECT_EQ(order, (std::vector<std::string>{"dear", "a", "b", "unpriced"}));
}

TEST_P(CostContract, UnknownCostsAndEstimatesAreCounted) {
  CostEvent estimated = EventOf("b");
  estimated.usage.estimated = true;
  Record({EventOf("a", "mini", std::nullopt), estimated, EventOf("c")});
  const ModelCost cost = Costs(kStart, kStart + hours(1)).at(0);
  EXPECT_EQ(cost.calls, 3);
  EXPECT_EQ(cost.unpriced_calls, 1);
  EXPECT_EQ(cost.priced_tokens, 30);
  EXPECT_EQ(cost.estimated_calls, 1);
  EXPECT_EQ(cost.cost, NanoUsd{200});
  EXPECT_EQ(Days().at(0).unpriced_calls, 1);
}

TEST_P(CostContract, DaysAreThoseOfUtc) {
  const WallTime midnight = *ParseUtc("2026-03-10T00:00:00Z");
  CostEvent before = EventOf("a");
  before.at = midnight - std::chrono::microseconds(1);
  CostEvent after = EventOf("b");
  after.at = midnight;
  Record({after, before});
  EXPECT_EQ(Days(), (std::vector<DailyCost>{{"mini", "2026-03-09", 1, {100}, 15, 0},
                                            {"mini", "2026-03-10", 1, {100}, 15, 0}}));
}

// A change of the registry never waits for more than one short transaction of records.
TEST_P(CostContract, ATransactionTakesABatchAtMost) {
  std::vector<CostEvent> events;
  for (std::size_t i = 0; i < limits::kCostBatch + 1; ++i) {
    events.push_back(EventOf(fmt::format("{:04}", i)));
  }
  EXPECT_EQ(Record(events).taken, limits::kCostBatch);
  events.resize(limits::kCostBatch);
  EXPECT_EQ(Record(events).inserted, 0U);
}

// Many go in one statement, in a few sizes: each event counts once, whatever stands beside it.
TEST_P(CostContract, EachOfABatchIsRecordedOnceWhateverItsSize) {
  std::int64_t calls = 0;
  for (const int size : {1, 7, 8, 9, 63, 64, 65, 137}) {
    SCOPED_TRACE(size);
    std::vector<CostEvent> events;
    for (int i = 0; i < size; ++i) events.push_back(EventOf(fmt::format("{}-{}", size, i)));
    events.push_back(events.front());  // A twin within the batch,
    events.push_back(EventOf("1-0"));  // and one of a batch before.
    calls += size;
    const RecordedCosts recorded = Record(events);
    EXPECT_EQ(recorded.taken, events.size());
    EXPECT_EQ(recorded.inserted, static_cast<std::size_t>(size));
    EXPECT_EQ(Days().at(0).calls, calls);
    EXPECT_EQ(Record(events).inserted, 0U);
    EXPECT_EQ(Days().at(0).calls, calls);
  }
}

// Sums are cut at the largest amount rather than lost.
TEST_P(CostContract, SumsOfADayDoNotOverflow) {
  std::vector<CostEvent> events;
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  events.push_back(EventOf("a", "mini", NanoUsd{most - 1}));
  events.push_back(EventOf("b", "mini", NanoUsd{2}));
  Record(events);
  EXPECT_EQ(Days().at(0).cost, NanoUsd{most});
}

TEST_P(CostContract, PricesAreAddedAndStay) {
  Price full = PriceOf("mini");
  full.cache_read = NanoUsd{1};
  full.cache_write_5m = NanoUsd{2};
  full.cache_write_1h = NanoUsd{3};
  full.audio_input = NanoUsd{4};
  full.output_reasoning = NanoUsd{5};
  full.image = NanoUsd{6};
  full.call = NanoUsd{7};
  full.reason = "new list";
  const Result<Price> first = store_->AddPrice(full);
  ASSERT_TRUE(first) << Describe(first.error());
  full.id = 1;
  full.created_at = kStart;
  EXPECT_EQ(*first, full);
  const Result<Price> second = store_->AddPrice(PriceOf("mini"));
  EXPECT_EQ(second->id, 2);
  EXPECT_EQ(*store_->ReadPrices(), (std::vector<Price>{full, *second}));
}

// The rest of a full table, for those who speak SQL: a synced transaction each would take minutes.
std::string FullTable(const std::string& numbers) {
  return "WITH RECURSIVE n(i) AS (" + numbers +
         ") INSERT INTO prices SELECT i, 'p', 'm', 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, "
         "NULL, '', '', 0 FROM n";
}

TEST_P(CostContract, PricesHaveALimit) {
  const std::string statement = FullTable(
      fmt::format("SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < {}", limits::kMaxPrices));
  ASSERT_TRUE(store_->AddPrice(PriceOf("mini")));
  if (GetParam().name == "Memory") {
    for (std::size_t i = 1; i < limits::kMaxPrices; ++i) {
      ASSERT_TRUE(store_->AddPrice(PriceOf("mini")));
    }
  } else if (GetParam().name == "Sqlite") {
    auto raw = SqliteConnection::Open(folder_ / "registry.db", std::chrono::seconds(5));
    ASSERT_TRUE(raw);
    ASSERT_TRUE((*raw)->Execute(statement));
  } else {
    ASSERT_EQ(testing::PostgresTestServer::Shared().Sql(PostgresUrl(folder_), statement), "");
  }
  EXPECT_EQ(store_->AddPrice(PriceOf("mini")).error().code, ErrorCode::kLimited);
}

// What is too old goes in slices, the oldest first; the days that it was added to stay.
TEST_P(CostContract, OldEventsGoAndTheirDaysStay) {
  std::vector<CostEvent> events;
  for (int i = 0; i < 120; ++i) {
    events.push_back(EventOf("e" + std::to_string(i)));
    events.back().at += std::chrono::hours(i);
  }
  Record(events);
  const std::vector<DailyCost> days = Days();
  const WallTime before = testing::SimClock::kStart + std::chrono::hours(100);
  std::size_t dropped = 0;
  while (true) {
    const Result<std::size_t> some = store_->DropCostEvents(before);
    ASSERT_TRUE(some) << Describe(some.error());
    if (*some == 0) break;
    EXPECT_LE(*some, limits::kCostBatch);
    dropped += *some;
  }
  EXPECT_EQ(dropped, 100u);
  EXPECT_EQ(Days(), days);
  const auto left = store_->ReadCostEvents("", 500);
  ASSERT_EQ(left->size(), 20u);
  for (const CostEvent& event : *left) EXPECT_GE(event.at, before);
}

}  // namespace
}  // namespace podium::store
