// What the contract tests of PredictionStore share: a store of each kind, and rows in few words.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "base/rng.h"
#include "store/memory_prediction_store.h"
#include "store/postgres/postgres_fixture.h"
#include "store/prediction_store.h"
#include "store/sqlite_store.h"
#include "testing/sim_clock.h"
#include "testing/temp_dir.h"

namespace podium::store {

struct PredictionBackend {
  std::string name;
  std::function<std::unique_ptr<PredictionStore>(Clock&, Rng&, const testing::TempDir&)> open;
};
inline void PrintTo(const PredictionBackend& backend, std::ostream* out) { *out << backend.name; }

inline std::vector<PredictionBackend> PredictionBackends() {
  return {
      {"Memory", [](Clock&, Rng&,
                    const testing::TempDir&) { return std::make_unique<MemoryPredictionStore>(); }},
      {"Sqlite",
       [](Clock& clock, Rng& rng, const testing::TempDir& folder) {
         auto opened = SqliteStore::Open(folder / "registry.db", clock, rng);
         EXPECT_TRUE(opened) << Describe(opened.error());
         return opened ? std::move(*opened) : nullptr;
       }},
      {"Postgres", OpenPostgres}};
}

/// Answered `second` seconds after the start, as request "q<second>".
inline PredictionRow RowAt(int second, const std::string& route = "r") {
  PredictionRow row;
  row.at = testing::SimClock::kStart + std::chrono::seconds(second);
  row.id = PredictionId(row.at, route);
  row.request_id = "q" + std::to_string(second);
  row.route = route;
  row.unit = "alice";
  row.unit_kind = UnitKind::kSession;
  row.assigned = "v1";
  row.served = "v1";
  row.arm = "primary";
  row.reason = "assigned";
  row.status = 200;
  row.latency = std::chrono::microseconds(100 + second);
  row.scores = {0.25};
  row.replica = "r1";
  row.segment = "date=2026-03-09/r1-00000000000000";
  row.offset = second;
  row.generation = Generation(static_cast<std::uint64_t>(second) + 7);
  return row;
}

inline Feedback LabelOf(const std::string& request, double label, const std::string& route = "r") {
  Feedback feedback;
  feedback.route = route;
  feedback.request_id = request;
  feedback.label = label;
  feedback.actor = "ann";
  feedback.at = testing::SimClock::kStart;
  return feedback;
}

class PredictionContract : public ::testing::TestWithParam<PredictionBackend> {
 protected:
  PredictionContract() : store_(GetParam().open(clock_, rng_, folder_)) {}

  void Record(const std::vector<PredictionRow>& rows) {
    std::span<const PredictionRow> left = rows;
    while (!left.empty()) {
      const Result<RecordedPredictions> done = store_->RecordPredictions(left);
      ASSERT_TRUE(done) << Describe(done.error());
      ASSERT_GT(done->taken, 0U);
      left = left.subspan(done->taken);
    }
  }
  std::vector<std::string> Requests(const PredictionQuery& query) {
    const Result<Page<PredictionRow>> page = store_->ListPredictions(query);
    EXPECT_TRUE(page) << Describe(page.error());
    std::vector<std::string> found;
    if (!page) return found;
    for (const PredictionRow& row : page->items) found.push_back(row.request_id);
    return found;
  }
  FactPage Facts(const std::string& route, int limit = limits::kFactPage,
                 const std::string& after = "") {
    const Result<FactPage> page =
        store_->ReadFacts({route, testing::SimClock::kStart,
                           testing::SimClock::kStart + std::chrono::hours(1), after, limit});
    EXPECT_TRUE(page) << Describe(page.error());
    return page ? *page : FactPage();
  }
  std::vector<FeedbackFate> Say(const std::vector<Feedback>& items) {
    const Result<std::vector<FeedbackFate>> fates = store_->RecordFeedback(items);
    EXPECT_TRUE(fates) << Describe(fates.error());
    return fates ? *fates : std::vector<FeedbackFate>();
  }

  testing::TempDir folder_;
  testing::SimClock clock_;
  SeededRng rng_{1};
  std::unique_ptr<PredictionStore> store_;
};

}  // namespace podium::store
