// A run that nobody notices to be late holds its thread, or its core, for ever.
#include "runtime/run_watch.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <vector>

namespace podium::runtime {
namespace {

struct Count final : RunWatch::Late {
  void Overdue(int periods) override { told.push_back(periods); }
  std::vector<int> told;
};

constexpr int kTimeoutTicks = 5;

class RunWatchTest : public ::testing::Test {
 protected:
  int Ticks(int count) {
    int overdue = 0;
    for (int i = 0; i < count; ++i) overdue += watch_->Tick();
    return overdue;
  }
  const std::unique_ptr<RunWatch> watch_ = std::make_unique<RunWatch>(kTimeoutTicks * kWatchTick);
  Count run_;
};

TEST_F(RunWatchTest, ARunIsOverdueOneTickAfterItsTimeout) {
  const RunWatch::Watched watched(*watch_, run_);
  EXPECT_EQ(Ticks(kTimeoutTicks), 0);
  EXPECT_EQ(Ticks(1), 1);
  EXPECT_EQ(run_.told, std::vector<int>{1});
  EXPECT_EQ(watch_->stuck(), 0);
}

TEST_F(RunWatchTest, ItIsSaidAgainForEachTimeoutThatPasses) {
  std::optional<RunWatch::Watched> watched(std::in_place, *watch_, run_);
  Ticks(3 * (kTimeoutTicks + 1));
  EXPECT_EQ(run_.told, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(watch_->stuck(), 1);
  watched.reset();
  EXPECT_EQ(watch_->stuck(), 0);
}

TEST_F(RunWatchTest, ARunThatHasEndedIsLeftAlone) {
  Ticks(3);
  {
    const RunWatch::Watched watched(*watch_, run_);
  }
  EXPECT_EQ(Ticks(3 * kTimeoutTicks), 0);
  // The same place again: its time begins anew.
  const RunWatch::Watched watched(*watch_, run_);
  EXPECT_EQ(Ticks(kTimeoutTicks), 0);
  EXPECT_TRUE(run_.told.empty());
}

TEST_F(RunWatchTest, MoreRunsThanPlacesGoUnwatched) {
  std::vector<std::unique_ptr<Count>> runs;
  std::vector<std::unique_ptr<RunWatch::Watched>> watched;
  for (std::size_t i = 0; i < kWatchedRuns + 1; ++i) {
    runs.push_back(std::make_unique<Count>());
    watched.push_back(std::make_unique<RunWatch::Watched>(*watch_, *runs.back()));
  }
  EXPECT_EQ(Ticks(kTimeoutTicks + 1), static_cast<int>(kWatchedRuns));
  EXPECT_EQ(runs[kWatchedRuns - 1]->told.size(), 1U);
  EXPECT_TRUE(runs[kWatchedRuns]->told.empty());
}

TEST(RunWatch, ATimeoutBelowOneTickIsOneTick) {
  const auto watch = std::make_unique<RunWatch>(std::chrono::milliseconds(1));
  Count run;
  const RunWatch::Watched watched(*watch, run);
  EXPECT_EQ(watch->Tick(), 0);
  EXPECT_EQ(watch->Tick(), 1);
}

}  // namespace
}  // namespace podium::runtime
