// Every line of the log becomes a row of the index once, whatever fails between the two.
#include "control/analytics/prediction_projector.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/rng.h"
#include "predictions/prediction_log.h"
#include "predictions/segment.h"
#include "predictions/segment_reader.h"
#include "store/memory_prediction_store.h"
#include "testing/sim_clock.h"
#include "testing/temp_dir.h"

namespace podium::control {
namespace {

namespace fs = std::filesystem;

/// Fails when a test says so: before anything happened, or after all did; takes few at a time.
class FailingIndex final : public store::PredictionStore {
 public:
  Result<store::RecordedPredictions> RecordPredictions(
      std::span<const PredictionRow> rows) override {
    if (Spend(fail_before)) return Fail(ErrorCode::kUnavailable, "down");
    auto done = inner.RecordPredictions(rows.first(std::min(rows.size(), most)));
    if (Spend(fail_after)) return Fail(ErrorCode::kUnavailable, "answer lost");
    return done;
  }
  Result<store::Page<PredictionRow>> ListPredictions(const store::PredictionQuery& q) override {
    return inner.ListPredictions(q);
  }
  Result<PredictionRow> FindPrediction(const std::string& id) override {
    return inner.FindPrediction(id);
  }
  Result<std::string> LabelledPrediction(const std::string& r, const std::string& q) override {
    return inner.LabelledPrediction(r, q);
  }
  Result<store::FactPage> ReadFacts(const store::FactQuery& q) override {
    return inner.ReadFacts(q);
  }
  Result<std::size_t> DropPredictions(WallTime at) override { return inner.DropPredictions(at); }
  Result<std::vector<store::FeedbackFate>> RecordFeedback(
      std::span<const Feedback> items) override {
    return inner.RecordFeedback(items);
  }
  Result<std::vector<Feedback>> ReadFeedback(const std::string& r, const std::string& q) override {
    return inner.ReadFeedback(r, q);
  }
  Result<std::size_t> DropFeedback(WallTime at) override { return inner.DropFeedback(at); }

  store::MemoryPredictionStore inner;
  std::size_t most = 1000;
  int fail_before = 0;
  int fail_after = 0;

 private:
  static bool Spend(int& failures) {
    if (failures == 0) return false;
    --failures;
    return true;
  }
};

class PredictionProjectorTest : public ::testing::Test {
 protected:
  PredictionProjectorTest() {
    options_.folder = folder_ / "predictions";
    options_.replica = "r1";
    options_.policy.all.log = true;
    Start();
  }
  /// As a new process would: nothing of the one before was finished.
  void Start() {
    projector_.reset();
    log_.reset();
    log_ = std::make_unique<predictions::PredictionLog>(options_, 1, clock_, rng_);
    ASSERT_TRUE(log_->Recover());
    projector_ = std::make_unique<PredictionProjector>(options_.folder, "r1", index_, clock_);
  }
  void Predict(int count) {
    for (int i = 0; i < count; ++i) {
      auto record = std::make_unique<predictions::Record>();
      record->row.route = "r";
      record->row.request_id = "q" + std::to_string(predicted_++);
      record->row.arm = "primary";
      record->row.reason = "assigned";
      clock_.Advance(std::chrono::microseconds(1));
      record->row.at = clock_.Now();
      log_->core(0)->Offer(std::move(record));
      if (i % 1000 == 999) ASSERT_TRUE(log_->Drain());
    }
    ASSERT_TRUE(log_->Drain());
  }
  void StepAll() {
    for (int i = 0; i < 1000; ++i) {
      const Result<bool> more = projector_->Step();
      if (more && !*more) return;
    }
    FAIL() << "it does not end";
  }
  void Rotate() {
    clock_.Advance(std::chrono::minutes(11));
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(log_->Drain());
  }
  /// Request ids in the order of the index, oldest first.
  void ExpectAll() {
    const auto page = index_.inner.ReadFacts(
        {"r", WallTime(), clock_.Now() + std::chrono::hours(1), "", 1'000'000});
    ASSERT_TRUE(page);
    EXPECT_EQ(page->facts.size(), static_cast<std::size_t>(predicted_));
  }

  testing::TempDir folder_;
  testing::SimClock clock_;
  SeededRng rng_{1};
  predictions::LogOptions options_;
  FailingIndex index_;
  int predicted_ = 0;
  std::unique_ptr<predictions::PredictionLog> log_;
  std::unique_ptr<PredictionProjector> projector_;
};

TEST_F(PredictionProjectorTest, LinesBecomeRowsThatFindTheirLines) {
  Predict(3);
  StepAll();
  ExpectAll();
  const auto page = index_.inner.ListPredictions({});
  for (const PredictionRow& row : page->items) {
    EXPECT_EQ(row.replica, "r1");
    EXPECT_TRUE(predictions::FindLine(options_.folder, row.segment, row.offset, row.id)) << row.id;
  }
  Rotate();  // Packed, the offsets still hold.
  for (const PredictionRow& row : page->items) {
    EXPECT_TRUE(predictions::FindLine(options_.folder, row.segment, row.offset, row.id)) << row.id;
  }
}

TEST_F(PredictionProjectorTest, ItGoesOnFromSegmentToSegment) {
  for (int segment = 0; segment < 4; ++segment) {
    Predict(10);
    if (segment % 2 == 0) StepAll();
    Rotate();
  }
  StepAll();
  ExpectAll();
  Predict(5);
  StepAll();
  ExpectAll();
}

TEST_F(PredictionProjectorTest, MoreThanOneReadHoldsComesAll) {
  Predict(static_cast<int>(limits::kPredictionsRead) + 10);
  StepAll();
  ExpectAll();
}

TEST_F(PredictionProjectorTest, AStoreThatFailsIsAskedAgain) {
  Predict(20);
  index_.most = 7;
  index_.fail_before = 2;
  index_.fail_after = 1;
  StepAll();
  ExpectAll();
}

// Wherever the process ends, rows are there once.
TEST_F(PredictionProjectorTest, ACrashAnywhereLosesAndDoublesNothing) {
  index_.most = 3;
  for (int life = 0; life < 12; ++life) {
    Predict(7);
    for (int step = 0; step < life % 5; ++step) (void)projector_->Step();
    if (life % 3 == 0 && projector_->save_due()) ASSERT_TRUE(projector_->Save());
    if (life % 4 == 1) Rotate();
    Start();
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(log_->Drain());
  }
  StepAll();
  ExpectAll();
}

// The lines behind a damaged one move up: a position from before would pass over some of them.
TEST_F(PredictionProjectorTest, ARepairThatMovesLinesLosesNone) {
  Predict(6);
  const std::string open = options_.folder + "/" +
                           predictions::ListSegments(options_.folder).at(0).name +
                           std::string(predictions::kOpenSuffix);
  index_.most = 3;
  ASSERT_TRUE(projector_->Step());
  ASSERT_TRUE(projector_->Save());
  std::fstream(open, std::ios::in | std::ios::out).put('\0');  // The first line, stored already.
  Start();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(log_->Drain());
  StepAll();
  ExpectAll();
}

// Packing may be behind: the index is not.
TEST_F(PredictionProjectorTest, ASegmentThatIsStillOpenEndsWhereALaterOneBegins) {
  Predict(2);
  StepAll();
  const std::string first = predictions::ListSegments(options_.folder).at(0).name;
  const std::string path = options_.folder + "/" + first + std::string(predictions::kOpenSuffix);
  Rotate();
  std::ofstream(path) << "";  // As if it were not packed yet.
  Predict(2);
  StepAll();
  ExpectAll();
}

TEST_F(PredictionProjectorTest, APositionThatCannotBeReadCostsTimeOnly) {
  Predict(5);
  ASSERT_TRUE(projector_->Drain());
  std::ofstream(options_.folder + "/r1.indexed.json") << "{";
  Start();
  Predict(5);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(log_->Drain());  // The first life's segment is closed.
  StepAll();
  ExpectAll();
}

TEST_F(PredictionProjectorTest, WhatRetentionTookIsPassedOver) {
  Predict(5);
  StepAll();
  Rotate();
  Predict(5);
  Rotate();
  EXPECT_EQ(predictions::DropSegments(options_.folder, clock_.Now(), 0), 2U);
  Predict(5);
  StepAll();
  const auto page = index_.inner.ListPredictions({});
  EXPECT_EQ(page->items.size(), 10U);  // The second five were never indexed, and are gone.
}

TEST_F(PredictionProjectorTest, OtherReplicasSegmentsAreTheirs) {
  predictions::LogOptions other = options_;
  other.replica = "r2";
  predictions::PredictionLog log(other, 1, clock_, rng_);
  auto record = std::make_unique<predictions::Record>();
  record->row.route = "r";
  record->row.request_id = "theirs";
  log.core(0)->Offer(std::move(record));
  ASSERT_TRUE(log.Finish());
  Predict(1);
  StepAll();
  ExpectAll();
}

TEST_F(PredictionProjectorTest, WithoutALogThereIsNothingToDo) {
  EXPECT_EQ(projector_->Step().value_or(true), false);
  EXPECT_FALSE(projector_->save_due());
  EXPECT_TRUE(projector_->Drain());
  EXPECT_FALSE(fs::exists(options_.folder));
}

}  // namespace
}  // namespace podium::control
