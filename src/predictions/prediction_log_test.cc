// The writer: what the cores offered is in segments, closed by size, age and day, and nothing waits
// behind a disk that refuses.
#include "predictions/prediction_log.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/rng.h"
#include "predictions/segment_reader.h"
#include "testing/sim_clock.h"
#include "testing/temp_dir.h"

namespace podium::predictions {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;
using std::chrono::minutes;

class PredictionLogTest : public ::testing::Test {
 protected:
  PredictionLogTest() {
    options_.folder = folder_ / "predictions";
    options_.replica = "r1";
    options_.policy.all.log = true;
    Start();
  }
  void Start() {
    log_.reset();
    log_ = std::make_unique<PredictionLog>(options_, 2, clock_, rng_);
    ASSERT_TRUE(log_->Recover());
  }
  void Predict(std::size_t core, const std::string& request) {
    auto record = std::make_unique<Record>();
    record->row.route = "r";
    record->row.request_id = request;
    record->row.arm = "primary";
    record->row.reason = "assigned";
    record->row.at = clock_.Now();
    log_->core(core)->Offer(std::move(record));
  }
  std::vector<std::string> Requests() {
    std::vector<std::string> found;
    for (const SegmentFile& file : ListSegments(options_.folder)) {
      const Status read = ReadLines(options_.folder, file.name, 0, [&](const SegmentLine& line) {
        const Result<PredictionRow> row = RowOfLine(line.text);
        EXPECT_TRUE(row) << line.text;
        if (row) found.push_back(row->request_id);
        return true;
      });
      EXPECT_TRUE(read) << Describe(read.error());
    }
    return found;
  }
  /// How many are open, how many closed.
  std::pair<int, int> Files() {
    std::pair<int, int> counts;
    for (const SegmentFile& file : ListSegments(options_.folder)) {
      ++(file.open ? counts.first : counts.second);
    }
    return counts;
  }
  std::string Metrics() {
    Exposition out;
    log_->WriteMetrics(out);
    return out.Take();
  }

  testing::TempDir folder_;
  testing::SimClock clock_;
  SeededRng rng_{1};
  LogOptions options_;
  std::unique_ptr<PredictionLog> log_;
};

TEST_F(PredictionLogTest, WhatAllCoresOfferIsWritten) {
  Predict(0, "a");
  Predict(1, "b");
  Predict(0, "c");
  ASSERT_TRUE(log_->Drain());
  EXPECT_EQ(Requests(), (std::vector<std::string>{"a", "c", "b"}));
  EXPECT_EQ(Files(), std::pair(1, 0));
  EXPECT_NE(Metrics().find("podium_predictions_written_total 3"), std::string::npos) << Metrics();
  EXPECT_NE(Metrics().find("fate=\"logged\"} 3"), std::string::npos) << Metrics();
}

TEST_F(PredictionLogTest, NothingIsOpenedWhereNothingIsLogged) {
  ASSERT_TRUE(log_->Drain());
  ASSERT_TRUE(log_->Finish());
  EXPECT_FALSE(fs::exists(options_.folder));
}

TEST_F(PredictionLogTest, ASegmentIsClosedByAgeSizeAndDay) {
  const auto drain_all = [&] {
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(log_->Drain());
  };
  Predict(0, "a");
  drain_all();
  EXPECT_EQ(Files(), std::pair(1, 0));
  clock_.Advance(minutes(10));
  drain_all();
  EXPECT_EQ(Files(), std::pair(0, 1));
  Predict(0, "b");
  drain_all();
  clock_.SetWall(clock_.Now() + hours(10));  // 14:10 and ten hours: the next day.
  drain_all();
  EXPECT_EQ(Files(), std::pair(0, 2));
  options_.segment_bytes = 1;
  Start();
  Predict(0, "c");
  drain_all();
  EXPECT_EQ(Files(), std::pair(0, 3));
  EXPECT_EQ(Requests(), (std::vector<std::string>{"a", "b", "c"}));
}

TEST_F(PredictionLogTest, AFinishClosesEverything) {
  for (int i = 0; i < 5'000; ++i) Predict(static_cast<std::size_t>(i % 2), "q");
  ASSERT_TRUE(log_->Finish());
  EXPECT_EQ(Files(), std::pair(0, 1));
  EXPECT_EQ(Requests().size(), 5'000U);
}

TEST_F(PredictionLogTest, WhatACrashLeftOpenIsClosedAtTheNextStart) {
  Predict(0, "a");
  ASSERT_TRUE(log_->Drain());
  const std::string name = ListSegments(options_.folder).at(0).name;
  log_.reset();  // As a crash does: nothing is finished.
  std::ofstream(options_.folder + "/" + name + std::string(kOpenSuffix), std::ios::app)
      << "{\"half";
  Start();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(log_->Drain());
  EXPECT_EQ(Files(), std::pair(0, 1));
  EXPECT_EQ(Requests(), std::vector<std::string>{"a"});
  EXPECT_NE(Metrics().find("podium_predictions_damaged_total 1"), std::string::npos);
}

// The index reads segments by name: one that is opened later must not come before.
TEST_F(PredictionLogTest, AClockThatIsSetBackDoesNotReorderSegments) {
  Predict(0, "a");
  ASSERT_TRUE(log_->Finish());
  clock_.SetWall(clock_.Now() - hours(30));
  Predict(0, "b");
  ASSERT_TRUE(log_->Finish());
  Start();
  Predict(0, "c");
  ASSERT_TRUE(log_->Finish());
  EXPECT_EQ(Requests(), (std::vector<std::string>{"a", "b", "c"}));
}

// A day that comes twice is no other day: else each drain would leave a segment of its own.
TEST_F(PredictionLogTest, AClockThatIsSetBackOverMidnightClosesNothing) {
  Predict(0, "a");
  ASSERT_TRUE(log_->Drain());
  clock_.SetWall(clock_.Now() - hours(20));
  for (const char* request : {"b", "c", "d"}) {
    Predict(0, request);
    ASSERT_TRUE(log_->Drain());
  }
  ASSERT_TRUE(log_->Drain());
  EXPECT_EQ(Files(), std::pair(1, 0));
}

TEST_F(PredictionLogTest, SegmentsThatWaitArePackedInOneTurn) {
  options_.segment_bytes = 1;
  Start();
  for (int i = 0; i < 4; ++i) {
    Predict(0, "q" + std::to_string(i));
    ASSERT_TRUE(log_->Drain());
  }
  EXPECT_LE(Files().first, 1);
}

// Beyond what the disk may hold new predictions are lost, and told; packing makes room again.
TEST_F(PredictionLogTest, WhatIsNotPackedCountsAgainstTheDisk) {
  options_.most_bytes = 1;
  Start();
  Predict(0, "a");
  ASSERT_TRUE(log_->Drain());
  Predict(0, "b");
  EXPECT_FALSE(log_->Drain());
  EXPECT_NE(Metrics().find("podium_predictions_lost_total 1"), std::string::npos) << Metrics();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(log_->Drain());
  Predict(0, "c");
  ASSERT_TRUE(log_->Drain());
  EXPECT_EQ(Requests(), (std::vector<std::string>{"a", "c"}));
}

TEST_F(PredictionLogTest, ADiskThatRefusesCostsLinesAndNothingElse) {
  std::ofstream(options_.folder) << "not a folder";
  Predict(0, "a");
  EXPECT_FALSE(log_->Drain());
  EXPECT_EQ(log_->core(0)->waiting(), 0U);
  EXPECT_NE(Metrics().find("podium_predictions_lost_total 1"), std::string::npos);
  fs::remove(options_.folder);
  Predict(0, "b");
  ASSERT_TRUE(log_->Drain());
  EXPECT_EQ(Requests(), std::vector<std::string>{"b"});
}

}  // namespace
}  // namespace podium::predictions
