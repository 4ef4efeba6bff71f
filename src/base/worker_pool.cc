#include "base/worker_pool.h"

#include <utility>

namespace podium {

WorkerPool::WorkerPool(std::string name, int threads, std::size_t queue_limit,
                       ThreadPriority priority)
    : name_(std::move(name)), queue_limit_(queue_limit), priority_(priority) {
  threads_.reserve(static_cast<std::size_t>(threads));
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
}

WorkerPool::~WorkerPool() { Stop(); }

Status WorkerPool::Submit(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return Fail(ErrorCode::kUnavailable, "the {} pool is shutting down", name_);
    if (queue_.size() >= queue_limit_) {
      return Fail(ErrorCode::kLimited, "{} jobs wait for the {} pool already: try again shortly",
                  queue_.size(), name_);
    }
    queue_.push_back(std::move(job));
  }
  wake_.notify_one();
  return {};
}

void WorkerPool::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  while (RunNext()) {
  }
}

bool WorkerPool::RunNext(std::size_t position) {
  std::function<void()> job;
  {
    const std::lock_guard lock(mutex_);
    if (position >= queue_.size()) return false;
    const auto place = queue_.begin() + static_cast<std::ptrdiff_t>(position);
    job = std::move(*place);
    queue_.erase(place);
  }
  job();
  return true;
}

std::size_t WorkerPool::queued() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

void WorkerPool::Work() {
  EnterThread(name_, priority_);
  for (;;) {
    std::function<void()> job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    job();
  }
}

}  // namespace podium
