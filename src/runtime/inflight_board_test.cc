// A mark that is lost lets a model crash the next process too; one that stays too long blames it
// for another's crash.
#include "runtime/inflight_board.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <fstream>

namespace podium::runtime {
namespace {

namespace fs = std::filesystem;

const std::string kKeyA(64, 'a');
const std::string kKeyB(64, 'b');

class InflightBoardTest : public ::testing::Test {
 protected:
  void SetUp() override {
    GTEST_FLAG_SET(death_test_style, "threadsafe");  // A sanitizer has threads of its own.
    fs::create_directories(file_.parent_path());
    fs::remove(file_);
  }
  std::unique_ptr<InflightBoard> Open() {
    auto board = InflightBoard::Open(file_);
    EXPECT_TRUE(board) << board.error().message;
    return board ? std::move(*board) : nullptr;
  }
  const fs::path file_ = fs::path(::testing::TempDir()) / "board" / "inflight";
};

std::string Text(const Trace& trace) {
  return fmt::format("{} {} {} {}", trace.sha256.substr(0, 1), static_cast<int>(trace.phase),
                     trace.run, trace.signal);
}

TEST_F(InflightBoardTest, AFirstStartFindsNothing) {
  const auto board = Open();
  EXPECT_FALSE(board->found().abnormal);
  EXPECT_TRUE(board->found().traces.empty());
}

TEST_F(InflightBoardTest, WhatWasUnderWayAtTheEndIsFound) {
  {
    const auto board = Open();
    {
      const InflightBoard::Mark ended(board.get(), KeyOf(kKeyB), Phase::kLoad);
    }
    const InflightBoard::Mark mark(board.get(), KeyOf(kKeyA), Phase::kInference, 17);
    // As after a kill: another process reads while the mark stands. The lock is let go by a copy.
    fs::copy_file(file_, file_.string() + ".left", fs::copy_options::overwrite_existing);
  }
  fs::rename(file_.string() + ".left", file_);
  const auto next = Open();
  EXPECT_TRUE(next->found().abnormal);
  EXPECT_EQ(next->found().stray_signal, 0);
  ASSERT_EQ(next->found().traces.size(), 1U);
  EXPECT_EQ(Text(next->found().traces[0]), "a 3 17 0");
}

TEST_F(InflightBoardTest, AnOrderlyEndLeavesNothing) {
  {
    const auto board = Open();
    board->Close();
  }
  EXPECT_FALSE(Open()->found().abnormal);
}

TEST_F(InflightBoardTest, TwoProcessesDoNotShareOne) {
  const auto board = Open();
  const auto second = InflightBoard::Open(file_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
}

TEST_F(InflightBoardTest, AFileOfAnotherLayoutIsAnOrderlyEnd) {
  std::ofstream(file_) << std::string(300'000, 'x');
  EXPECT_FALSE(Open()->found().abnormal);
  fs::remove(file_);
  std::ofstream(file_) << "short";
  EXPECT_FALSE(Open()->found().abnormal);
}

TEST_F(InflightBoardTest, WithoutABoardAMarkIsNothing) {
  InflightBoard::Mark mark(nullptr, KeyOf(kKeyA), Phase::kLoad);
  mark.Enter(Phase::kWarmUp);
}

// The statement runs in a process of its own; the parent then reads what that one left.
class CrashedBoardTest : public InflightBoardTest, public ::testing::WithParamInterface<int> {};

TEST_P(CrashedBoardTest, ASignalIsNotedOnTheMarkOfItsThread) {
  EXPECT_EXIT(
      {
        std::signal(GetParam(), SIG_DFL);  // A sanitizer's own handler would end it otherwise.
        const auto board = Open();
        board->CatchSignals();
        InflightBoard::Mark mark(board.get(), KeyOf(kKeyA), Phase::kLoad);
        mark.Enter(Phase::kWarmUp);
        ::raise(GetParam());
      },
      ::testing::KilledBySignal(GetParam()), "");
  const auto next = Open();
  EXPECT_TRUE(next->found().abnormal);
  ASSERT_EQ(next->found().traces.size(), 1U);
  EXPECT_EQ(Text(next->found().traces[0]), fmt::format("a 2 0 {}", GetParam()));
}

TEST_P(CrashedBoardTest, ASignalOutsideAModelIsStray) {
  EXPECT_EXIT(
      {
        std::signal(GetParam(), SIG_DFL);
        const auto board = Open();
        board->CatchSignals();
        {
          const InflightBoard::Mark ended(board.get(), KeyOf(kKeyA), Phase::kLoad);
        }
        ::raise(GetParam());
      },
      ::testing::KilledBySignal(GetParam()), "");
  const auto next = Open();
  EXPECT_EQ(next->found().stray_signal, GetParam());
  EXPECT_TRUE(next->found().traces.empty());
}

INSTANTIATE_TEST_SUITE_P(Signals, CrashedBoardTest,
                         ::testing::Values(SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL));

TEST_F(InflightBoardTest, AKillLeavesTheMarkWithoutASignal) {
  EXPECT_EXIT(
      {
        const auto board = Open();
        board->CatchSignals();
        const InflightBoard::Mark mark(board.get(), KeyOf(kKeyA), Phase::kProven);
        ::raise(SIGKILL);
      },
      ::testing::KilledBySignal(SIGKILL), "");
  const auto next = Open();
  EXPECT_TRUE(next->found().abnormal);
  ASSERT_EQ(next->found().traces.size(), 1U);
  EXPECT_EQ(Text(next->found().traces[0]), "a 4 0 0");
}

}  // namespace
}  // namespace podium::runtime
