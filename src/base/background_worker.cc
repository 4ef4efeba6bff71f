#include "base/background_worker.h"

#include <chrono>
#include <utility>

#include "base/thread_priority.h"

namespace podium {
namespace {

constexpr std::chrono::milliseconds kIdleLook{1};
constexpr int kIdleLooks = 500;

}  // namespace

BackgroundWorker::BackgroundWorker(std::string name, int threads, std::function<bool()> step)
    : name_(std::move(name)), step_(std::move(step)) {
  threads_.reserve(static_cast<std::size_t>(threads));
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
}

BackgroundWorker::~BackgroundWorker() { Stop(); }

void BackgroundWorker::Nudge() {
  // In one order with what a thread does before it sleeps: it says so, then looks a last time.
  if (asleep_.load(std::memory_order_seq_cst) == 0) return;
  {
    const std::lock_guard lock(mutex_);
    nudged_ = true;
  }
  wake_.notify_one();
}

void BackgroundWorker::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

bool BackgroundWorker::TakeSteps() {
  bool any = false;
  while (!stopping_ && step_()) any = true;
  return any;
}

void BackgroundWorker::Work() {
  EnterThread(name_, ThreadPriority::kFarBehind);
  int idle = 0;
  while (!stopping_) {
    idle = TakeSteps() ? 0 : idle + 1;
    std::unique_lock lock(mutex_);
    if (idle < kIdleLooks) {
      wake_.wait_for(lock, kIdleLook, [this] { return stopping_ || nudged_; });
    } else {
      asleep_.fetch_add(1, std::memory_order_seq_cst);
      lock.unlock();
      const bool missed = TakeSteps();
      lock.lock();
      if (!missed) wake_.wait(lock, [this] { return stopping_ || nudged_; });
      asleep_.fetch_sub(1, std::memory_order_seq_cst);
      idle = 0;
    }
    nudged_ = false;
  }
}

}  // namespace podium
