#include "net/loop_turn.h"

#include <gtest/gtest.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace podium::net {
namespace {

namespace asio = boost::asio;

class LoopTurnTest : public ::testing::Test {
 protected:
  /// Posts one who waits for the ends of so many turns, and notes each.
  void Begin(char name, int turns = 1) {
    asio::post(*loop_, [this, name, turns] {
      waiters_.push_back(std::make_unique<LoopTurn::Waiter>());
      Wait(*waiters_.back(), name, turns);
    });
  }
  void Wait(LoopTurn::Waiter& waiter, char name, int turns) {
    turn_.End(loop_->get_executor(), waiter)([this, &waiter, name, turns] {
      order_ += name;
      if (turns > 1) Wait(waiter, name, turns - 1);
    });
  }
  void Note(char name) {
    asio::post(*loop_, [this, name] { order_ += name; });
  }

  LoopTurn turn_;
  std::vector<std::unique_ptr<LoopTurn::Waiter>> waiters_;
  std::optional<asio::io_context> loop_{std::in_place, 1};
  std::string order_;
};

TEST_F(LoopTurnTest, EndsAfterWhatIsReadyInTheOrderOfThoseWhoWait) {
  Begin('a');
  Note('1');
  Begin('b');
  Begin('c');
  Note('2');
  loop_->run();
  EXPECT_EQ(order_, "12abc");
}

TEST_F(LoopTurnTest, WhoWaitsAgainWaitsForTheNextOne) {
  Begin('a', 2);
  Begin('b', 2);
  Begin('c', 1);
  loop_->run();
  EXPECT_EQ(order_, "abcab");
}

TEST_F(LoopTurnTest, AllOfThemTakeOnePost) {
  constexpr int kMany = 100;
  for (int i = 0; i < kMany; ++i) Begin('a');
  for (int i = 0; i < kMany; ++i) ASSERT_EQ(loop_->poll_one(), 1U);
  ASSERT_EQ(order_, "") << "all have begun, none has ended";
  EXPECT_EQ(loop_->poll_one(), 1U);
  EXPECT_EQ(order_, std::string(kMany, 'a'));
}

TEST_F(LoopTurnTest, ALoopThatEndsBeforeDropsWhoWaits) {
  const auto alive = std::make_shared<int>(0);
  std::array<LoopTurn::Waiter, 2> waiters;
  for (LoopTurn::Waiter& waiter : waiters) {
    turn_.End(loop_->get_executor(), waiter)([this, alive] { order_ += 'a'; });
  }
  ASSERT_EQ(alive.use_count(), 3) << "both wait";
  loop_.reset();
  EXPECT_EQ(order_, "");
  EXPECT_EQ(alive.use_count(), 1);
}

}  // namespace
}  // namespace podium::net
