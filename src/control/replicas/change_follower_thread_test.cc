// The thread that waits for changes: what it passes on, and how it ends.
#include "control/replicas/change_follower.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <latch>
#include <mutex>

namespace podium::control {
namespace {

/// Answers as a test says; waits when it says nothing.
class ScriptedWatch final : public store::ChangeWatch {
 public:
  explicit ScriptedWatch(std::deque<Result<bool>> answers) : answers_(std::move(answers)) {}

  Result<bool> Wait(std::chrono::milliseconds) override {
    std::unique_lock lock(mutex_);
    if (answers_.empty()) wake_.wait(lock, [this] { return stopped_; });
    if (stopped_) return false;
    Result<bool> answer = std::move(answers_.front());
    answers_.pop_front();
    return answer;
  }
  void Rest(std::chrono::milliseconds) override { ++rests; }
  void Stop() override {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    wake_.notify_all();
  }

  std::atomic<int> rests{0};

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Result<bool>> answers_;
  bool stopped_ = false;
};

TEST(ChangeFollower, PassesOnEachChangeAndRestsAfterAnError) {
  const Error away{ErrorCode::kUnavailable, "away", "", nullptr};
  std::deque<Result<bool>> answers;
  answers.emplace_back(true);
  answers.emplace_back(Failure(away));
  answers.emplace_back(false);
  answers.emplace_back(true);
  auto owned = std::make_unique<ScriptedWatch>(std::move(answers));
  ScriptedWatch& watch = *owned;
  std::latch moved(2);
  ChangeFollower follower(std::move(owned), [&] { moved.count_down(); });
  follower.Start();
  moved.wait();
  EXPECT_EQ(watch.rests, 1);
  follower.Stop();
  follower.Stop();
}

TEST(ChangeFollower, NeedNotHaveBegunToBeStopped) {
  ChangeFollower follower(std::make_unique<ScriptedWatch>(std::deque<Result<bool>>()), [] {});
  follower.Stop();
  follower.Start();
}

}  // namespace
}  // namespace podium::control
