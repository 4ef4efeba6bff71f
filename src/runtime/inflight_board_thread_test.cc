#include <gtest/gtest.h>

#include <filesystem>
#include <thread>
#include <vector>

#include "runtime/inflight_board.h"

namespace podium::runtime {
namespace {

// Slots are given back, else the threads of a long life would use them up.
TEST(InflightBoard, ThreadsComeAndGo) {
  const auto file = std::filesystem::path(::testing::TempDir()) / "board-threads";
  std::filesystem::remove(file);
  auto board = InflightBoard::Open(file);
  ASSERT_TRUE(board);
  const ArtifactKey key = KeyOf(std::string(64, 'a'));
  for (std::size_t round = 0; round < kBoardSlots / 16; ++round) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 32; ++i) {
      threads.emplace_back(
          [&] { const InflightBoard::Mark mark(board->get(), key, Phase::kProven); });
    }
    for (std::thread& thread : threads) thread.join();
  }
  std::thread([&] {
    const InflightBoard::Mark mark(board->get(), key, Phase::kLoad);
    EXPECT_TRUE(mark.marked());
  }).join();
}

}  // namespace
}  // namespace podium::runtime
