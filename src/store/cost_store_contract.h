// What the contract tests of CostStore share: a store of each kind, events and prices in few words.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "base/rng.h"
#include "store/cost_store.h"
#include "store/memory_cost_store.h"
#include "store/postgres/postgres_fixture.h"
#include "store/sqlite_store.h"
#include "testing/sim_clock.h"
#include "testing/temp_dir.h"

namespace podium::store {

struct CostBackend {
  std::string name;
  std::function<std::unique_ptr<CostStore>(Clock&, Rng&, const testing::TempDir&)> open;
};
inline void PrintTo(const CostBackend& backend, std::ostream* out) { *out << backend.name; }

inline std::vector<CostBackend> CostBackends() {
  return {
      {"Memory", [](Clock& clock, Rng&,
                    const testing::TempDir&) { return std::make_unique<MemoryCostStore>(clock); }},
      {"Sqlite",
       [](Clock& clock, Rng& rng, const testing::TempDir& folder) {
         auto opened = SqliteStore::Open(folder / "registry.db", clock, rng);
         EXPECT_TRUE(opened) << Describe(opened.error());
         return opened ? std::move(*opened) : nullptr;
       }},
      {"Postgres", OpenPostgres}};
}

inline CostEvent EventOf(const std::string& id, const std::string& model = "mini",
                         std::optional<NanoUsd> cost = NanoUsd{100}) {
  CostEvent event;
  event.event_id = id;
  event.model_id = model;
  event.version_id = "v1";
  event.route = "chat";
  event.provider = "openai";
  event.upstream_model = "gpt-mini";
  event.usage.uncached_input = 10;
  event.usage.output_text = 5;
  event.cost = cost;
  event.at = testing::SimClock::kStart;
  return event;
}

inline Price PriceOf(const std::string& model) {
  Price price;
  price.provider = "openai";
  price.upstream_model = model;
  price.effective_from = testing::SimClock::kStart;
  price.input = {150'000'000};
  price.output = {600'000'000};
  price.actor = "ann";
  return price;
}

class CostContract : public ::testing::TestWithParam<CostBackend> {
 protected:
  CostContract() : store_(GetParam().open(clock_, rng_, folder_)) {}

  RecordedCosts Record(const std::vector<CostEvent>& events) {
    const Result<RecordedCosts> done = store_->RecordCosts(events);
    EXPECT_TRUE(done) << Describe(done.error());
    return done ? *done : RecordedCosts();
  }
  std::vector<ModelCost> Costs(WallTime from, WallTime to) {
    const Result<std::vector<ModelCost>> read = store_->ReadCosts(from, to);
    EXPECT_TRUE(read) << Describe(read.error());
    return read ? *read : std::vector<ModelCost>();
  }
  std::vector<DailyCost> Days() {
    const Result<std::vector<DailyCost>> read = store_->ReadDailyCosts();
    EXPECT_TRUE(read) << Describe(read.error());
    return read ? *read : std::vector<DailyCost>();
  }

  testing::TempDir folder_;
  testing::SimClock clock_;
  SeededRng rng_{1};
  std::unique_ptr<CostStore> store_;
};

}  // namespace podium::store
