// INV-11: every attempt's cost event is stored once, whatever fails between journal and store.
#include "control/costs/cost_projector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "base/rng.h"
#include "store/memory_cost_store.h"
#include "testing/sim_clock.h"
#include "testing/temp_dir.h"

namespace podium::control {
namespace {

/// Fails when a test says so: before anything happened, or after all did.
class FailingCosts final : public store::CostStore {
 public:
  explicit FailingCosts(const Clock& clock) : inner(clock) {}

  Result<store::RecordedCosts> RecordCosts(std::span<const CostEvent> events) override {
    if (Spend(fail_before)) return Fail(ErrorCode::kUnavailable, "down");
    auto done = inner.RecordCosts(events.first(std::min(events.size(), most)));
    if (Spend(fail_after)) return Fail(ErrorCode::kUnavailable, "answer lost");
    return done;
  }
  Result<std::vector<store::ModelCost>> ReadCosts(WallTime from, WallTime to) override {
    return inner.ReadCosts(from, to);
  }
  Result<std::vector<store::DailyCost>> ReadDailyCosts() override { return inner.ReadDailyCosts(); }
  Result<std::map<RouteName, store::ShadowCost>> ReadShadowCosts(WallTime from, WallTime to,
                                                                 const std::string& own) override {
    return inner.ReadShadowCosts(from, to, own);
  }
  Result<std::vector<CostEvent>> ReadCostEvents(const std::string& after, int limit) override {
    return inner.ReadCostEvents(after, limit);
  }
  Result<Price> AddPrice(const Price& price) override { return inner.AddPrice(price); }
  Result<std::size_t> DropCostEvents(WallTime before) override {
    return inner.DropCostEvents(before);
  }
  Result<std::vector<Price>> ReadPrices() override { return inner.ReadPrices(); }

  store::MemoryCostStore inner;
  std::size_t most = 1000;
  int fail_before = 0;
  int fail_after = 0;

 private:
  /// Whether one of `failures` was left; it is not any more.
  static bool Spend(int& failures) {
    if (failures == 0) return false;
    --failures;
    return true;
  }
};

class CostProjectorTest : public ::testing::Test {
 protected:
  /// As a new process would: another incarnation over the same folder.
  void Start() {
    projector_.reset();
    journal_.reset();
    journal::JournalOptions options;
    options.root = root_;
    options.incarnation = ++incarnation_;
    options.segment_bytes = 4 * journal::kMaxFrameBytes;
    options.disk_reserve = 0;
    auto opened = journal::Journal::Open(options);
    ASSERT_TRUE(opened) << Describe(opened.error());
    journal_ = std::move(*opened);
    projector_ = std::make_unique<CostProjector>(*journal_, root_, store_, clock_);
  }

  journal::OpenAttempt Begin(std::string_view request) {
    EXPECT_TRUE(journal_->Prepare());
    journal::IntentView intent;
    intent.at = clock_.Now();
    intent.model = "mini";
    intent.request_id = request;
    intent.estimate.uncached_input = 1000;
    intent.estimated_cost = NanoUsd{5000};
    const auto open = journal::WriteIntent(journal_->writer(0), intent);
    EXPECT_TRUE(open);
    return *open;
  }
  void End(journal::OpenAttempt attempt, std::optional<NanoUsd> cost = NanoUsd{100}) {
    journal::Outcome outcome;
    outcome.ended = clock_.Now();
    outcome.usage.uncached_input = 10;
    outcome.cost = cost;
    journal::WriteOutcome(journal_->writer(0), attempt, outcome);
  }

  std::vector<std::string> Stored() {
    std::vector<std::string> texts;
    const auto events = store_.ReadCostEvents("", 10'000);
    for (const CostEvent& event : *events) {
      texts.push_back(fmt::format("{} {} {}", event.request_id, NameOf(event.status),
                                  event.cost.value_or(NanoUsd{-1}).value));
    }
    return texts;
  }
  std::int64_t CallsOfDays() {
    std::int64_t calls = 0;
    const auto days = store_.ReadDailyCosts();
    for (const store::DailyCost& day : *days) calls += day.calls;
    return calls;
  }
  std::string Metrics() {
    Exposition out;
    projector_->WriteMetrics(out);
    return out.Take();
  }

  const testing::TempDir folder_;
  const std::string root_ = folder_ / "journal";
  testing::SimClock clock_;
  FailingCosts store_{clock_};
  std::uint64_t incarnation_ = 0;
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<CostProjector> projector_;
};

using Texts = std::vector<std::string>;

TEST_F(CostProjectorTest, AnAttemptBecomesOneEvent) {
  Start();
  const journal::OpenAttempt slow = Begin("slow");
  End(Begin("quick"));
  EXPECT_TRUE(projector_->Drain());
  EXPECT_EQ(Stored(), Texts{"quick ok 100"});
  End(slow, std::nullopt);
  EXPECT_TRUE(projector_->Drain());
  EXPECT_EQ(Stored(), (Texts{"slow ok -1", "quick ok 100"}));
  EXPECT_EQ(CallsOfDays(), 2);
  EXPECT_NE(Metrics().find("podium_unpriced_requests_total 1\n"), std::string::npos);
  EXPECT_NE(Metrics().find("podium_cost_events_total 2\n"), std::string::npos);
}

TEST_F(CostProjectorTest, WhatTheStoreDidNotTakeIsBroughtAgain) {
  Start();
  for (int i = 0; i < 5; ++i) End(Begin("r"));
  store_.most = 2;
  store_.fail_before = 1;
  store_.fail_after = 1;
  EXPECT_FALSE(projector_->Drain());
  EXPECT_EQ(Stored().size(), 0U);
  EXPECT_FALSE(projector_->Drain());
  EXPECT_EQ(Stored().size(), 2U) << "in, though the answer was lost";
  EXPECT_TRUE(projector_->Drain());
  EXPECT_EQ(Stored().size(), 5U);
  EXPECT_EQ(CallsOfDays(), 5);
  EXPECT_NE(Metrics().find("podium_cost_events_known_total 2\n"), std::string::npos);
}

// The position is saved behind the store, never before it.
TEST_F(CostProjectorTest, AProcessThatEndsWhileTheStoreIsDownLosesNothing) {
  Start();
  End(Begin("a"));
  store_.fail_before = 1;
  EXPECT_FALSE(projector_->Step());
  Begin("open");
  Start();  // The next process.
  EXPECT_TRUE(projector_->Drain());
  EXPECT_EQ(Stored(), (Texts{"a ok 100", "open unknown 5000"}));
  EXPECT_EQ(journal::LogFolders(root_).size(), 1U) << "what was left is read and gone";
  EXPECT_NE(Metrics().find("podium_cost_events_unknown_total 1\n"), std::string::npos);
}

TEST_F(CostProjectorTest, EventsThatWereStoredBeforeACrashStayAsTheyAre) {
  Start();
  End(Begin("a"));
  End(Begin("b"));
  EXPECT_TRUE(projector_->Step());  // Stored; the position is not saved.
  Start();
  EXPECT_TRUE(projector_->Drain());
  EXPECT_EQ(Stored(), (Texts{"a ok 100", "b ok 100"}));
  EXPECT_EQ(CallsOfDays(), 2);
}

// A process may end at any time, long after this one has started.
TEST_F(CostProjectorTest, AProcessThatEndsLaterIsNoticed) {
  Start();
  journal::JournalOptions options;
  options.root = root_;
  options.incarnation = 99;
  auto other = journal::Journal::Open(options);
  ASSERT_TRUE(other);
  EXPECT_TRUE(projector_->Drain());
  journal::IntentView intent;
  intent.request_id = "of the other";
  EXPECT_TRUE(journal::WriteIntent((*other)->writer(0), intent));
  other->reset();
  clock_.Advance(std::chrono::seconds(5));
  EXPECT_TRUE(projector_->Drain());
  EXPECT_EQ(Stored(), Texts{"of the other unknown -1"});
}

// One file that cannot be read must neither stop what comes after it nor be thrown away.
TEST_F(CostProjectorTest, ALogThatCannotBeReadIsSetAside) {
  Start();
  Begin("open");
  const std::string left = journal_->folder();
  journal_.reset();
  const std::string segment = left + "/" + journal::SegmentFileName(0, 1);
  std::filesystem::rename(segment, left + "/kept");
  std::filesystem::create_directory(segment);  // Reading it fails, as on a bad disk.
  Start();
  End(Begin("a"));
  EXPECT_TRUE(projector_->Drain());
  EXPECT_EQ(Stored(), Texts{"a ok 100"});
  EXPECT_NE(Metrics().find("podium_journal_damaged_total 1\n"), std::string::npos);
  std::filesystem::remove(segment);
  std::filesystem::rename(left + "/kept", segment);
  Start();
  EXPECT_TRUE(projector_->Drain());
  EXPECT_EQ(Stored().size(), 2U);
}

TEST_F(CostProjectorTest, SegmentsAreGivenBackAsTheyAreStored) {
  Start();
  for (int i = 0; i < 500; ++i) {
    End(Begin("r"));
    EXPECT_TRUE(projector_->Step());
    if (projector_->save_due()) EXPECT_TRUE(projector_->Save());
    clock_.Advance(std::chrono::milliseconds(100));
  }
  EXPECT_LT(journal_->figures().segments, 5U);
  EXPECT_EQ(CallsOfDays(), 500);
}

// A store that was away is behind for a while: the journal must have room again long before it has
// caught up, and not only then.
TEST_F(CostProjectorTest, SegmentsAreGivenBackWhileThereIsABacklog) {
  Start();
  constexpr int kBehind = 5 * static_cast<int>(limits::kCostBatch);
  for (int i = 0; i < kBehind; ++i) End(Begin("r"));
  const std::size_t full = journal_->figures().segments;
  ASSERT_GT(full, 20U);
  // Each batch is more than one transaction takes in its time.
  store_.most = limits::kCostBatch - 1;
  for (int i = 0; CallsOfDays() < kBehind / 2; ++i) {
    ASSERT_LT(i, 100);
    ASSERT_TRUE(projector_->Step());
    clock_.Advance(std::chrono::milliseconds(500));
    if (projector_->save_due()) ASSERT_TRUE(projector_->Save());
  }
  EXPECT_LT(journal_->figures().segments, full * 2 / 3);
}

// What a process reads again after a crash was stored: the position never runs ahead.
TEST_F(CostProjectorTest, NothingIsSavedWhileSomeIsNotStored) {
  Start();
  for (int i = 0; i < 5; ++i) End(Begin("r"));
  store_.most = 2;
  EXPECT_TRUE(projector_->Step());
  clock_.Advance(std::chrono::seconds(5));
  EXPECT_FALSE(projector_->save_due());
  EXPECT_TRUE(projector_->Step());
  EXPECT_FALSE(projector_->save_due());
  EXPECT_TRUE(projector_->Step());
  EXPECT_TRUE(projector_->save_due());
  EXPECT_TRUE(projector_->Save());
  EXPECT_FALSE(projector_->save_due()) << "until a second has passed";
}

// A step that finds nothing costs a thread its sleep: at every tick, for ever.
TEST_F(CostProjectorTest, AStepIsDueWhileItMayFindSomething) {
  Start();
  EXPECT_TRUE(projector_->due()) << "what earlier processes have left is not known yet";
  ASSERT_TRUE(projector_->Drain());
  EXPECT_FALSE(projector_->due());
  const journal::OpenAttempt open = Begin("r");
  EXPECT_TRUE(projector_->due());
  ASSERT_TRUE(projector_->Drain());
  EXPECT_FALSE(projector_->due()) << "an attempt under way is waited for";
  End(open);
  store_.fail_before = 1;
  EXPECT_FALSE(projector_->Drain());
  EXPECT_TRUE(projector_->due()) << "what the store did not take is brought again";
  ASSERT_TRUE(projector_->Drain());
  EXPECT_FALSE(projector_->due());
  clock_.Advance(std::chrono::seconds(5));
  EXPECT_TRUE(projector_->due()) << "another process may have ended";
}

// Steps run where changes of the registry do, which must not wait for the journal's disk.
TEST_F(CostProjectorTest, StepsWriteAndRemoveNoFiles) {
  Start();
  Begin("open");
  const std::string left = journal_->folder();
  Start();
  End(Begin("a"));
  const auto files = [&] {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root_)) {
      paths.push_back(entry.path());
    }
    std::ranges::sort(paths);
    return paths;
  };
  const std::vector<std::string> before = files();
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(projector_->Step());
    clock_.Advance(std::chrono::seconds(1));
  }
  EXPECT_EQ(Stored().size(), 2U);
  EXPECT_EQ(files(), before);
  ASSERT_TRUE(projector_->save_due());
  EXPECT_TRUE(projector_->Save());
  EXPECT_FALSE(std::filesystem::exists(left));
}

}  // namespace
}  // namespace podium::control
