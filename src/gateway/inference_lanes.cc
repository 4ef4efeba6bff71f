#include "gateway/inference_lanes.h"

#include <memory>
#include <utility>

namespace podium::gateway {

Status InferenceLanes::Submit(const void* model, Job job) {
  const std::lock_guard lock(mutex_);
  Queue& lane = lanes_[model];
  if (lane.waiting.size() >= options_.waiting) {
    return Fail(ErrorCode::kLimited, "{} calls of this model wait already: try again shortly",
                lane.waiting.size());
  }
  if (stopped_) return Fail(ErrorCode::kUnavailable, "the server is stopping");
  lane.waiting.push_back(std::move(job));
  waiting_now_.fetch_add(1, std::memory_order_relaxed);
  Start();
  if (!stopped_ || !running_.empty()) return {};
  // Nobody is left who would run it.
  lanes_.clear();
  waiting_now_.store(0, std::memory_order_relaxed);
  return Fail(ErrorCode::kUnavailable, "the server is stopping");
}

void InferenceLanes::Relieve() {
  const std::lock_guard lock(mutex_);
  const SteadyTime long_ago = clock_.SteadyNow() - kLongRun;
  for (auto& [number, run] : running_) {
    if (!run.counted || run.since > long_ago) continue;
    run.counted = false;
    --counted_;
  }
  Start();
}

/// The lane after the one that was last served, which has a call that may start.
InferenceLanes::Lanes::iterator InferenceLanes::NextLane() {
  const auto may_start = [this](const Queue& lane) {
    return !lane.waiting.empty() && lane.running < options_.at_once;
  };
  auto at = lanes_.upper_bound(last_lane_);  // By address: any order that is an order will do.
  for (std::size_t i = 0; i < lanes_.size(); ++i, ++at) {
    if (at == lanes_.end()) at = lanes_.begin();
    if (may_start(at->second)) return at;
  }
  return lanes_.end();
}

void InferenceLanes::Start() {
  const auto most =
      static_cast<std::size_t>(options_.at_once) + static_cast<std::size_t>(options_.spare);
  while (!stopped_ && counted_ < options_.at_once && running_.size() < most) {
    const auto next = NextLane();
    if (next == lanes_.end()) return;
    auto& [model, lane] = *next;
    const std::uint64_t number = ++last_number_;
    // Shared, since std::function copies.
    auto job = std::make_shared<Job>(std::move(lane.waiting.front()));
    if (!pool_.Submit([this, number, job] { Run(number, std::move(*job)); })) {
      lane.waiting.front() = std::move(*job);
      stopped_ = true;
      return;
    }
    lane.waiting.pop_front();
    waiting_now_.fetch_sub(1, std::memory_order_relaxed);
    ++lane.running;
    ++counted_;
    running_[number] = {model, clock_.SteadyNow(), /*counted=*/true};
    last_lane_ = model;
  }
}

/// A call that waited when the pool stopped; null when there is none, or others will see to it.
InferenceLanes::Job InferenceLanes::TakeLeftOver() {
  if (!stopped_) return nullptr;
  for (auto& [model, lane] : lanes_) {
    if (lane.waiting.empty()) continue;
    Job job = std::move(lane.waiting.front());
    lane.waiting.pop_front();
    waiting_now_.fetch_sub(1, std::memory_order_relaxed);
    return job;
  }
  return nullptr;
}

void InferenceLanes::Run(std::uint64_t number, Job job) {
  job();
  job = nullptr;  // What it holds goes before the next starts.
  {
    const std::lock_guard lock(mutex_);
    const auto done = running_.find(number);
    if (done->second.counted) --counted_;
    const auto lane = lanes_.find(done->second.model);
    if (--lane->second.running == 0 && lane->second.waiting.empty()) lanes_.erase(lane);
    running_.erase(done);
    Start();
    job = TakeLeftOver();
  }
  while (job) {
    job();
    const std::lock_guard lock(mutex_);
    job = TakeLeftOver();
  }
}

}  // namespace podium::gateway
