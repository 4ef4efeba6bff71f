// For tests: a loader whose loads do what the test says, and models that say who they are.
#pragma once

#include <atomic>
#include <condition_variable>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "runtime/model_runtime.h"

namespace podium::runtime {

/// Time that stands still until it is moved. Threads: any.
class StillClock final : public Clock {
 public:
  WallTime Now() const override { return WallTime(std::chrono::microseconds(now_us_ + step_us_)); }
  SteadyTime SteadyNow() const override { return SteadyTime(std::chrono::microseconds(now_us_)); }
  void Move(std::chrono::seconds by) { now_us_ += std::chrono::microseconds(by).count(); }
  /// Somebody sets the wall clock; time itself goes on as it did.
  void StepWall(std::chrono::seconds by) { step_us_ += std::chrono::microseconds(by).count(); }

 private:
  std::atomic<std::int64_t> now_us_{1'700'000'000'000'000};
  std::atomic<std::int64_t> step_us_{0};
};

/// Answers nothing; knows which file it was loaded from and on which thread it ended.
class NamedModel final : public LoadedModel {
 public:
  struct Ends {
    std::mutex mutex;
    std::vector<std::thread::id> threads;
  };
  NamedModel(std::string name, std::shared_ptr<Ends> ends)
      : name_(std::move(name)), ends_(std::move(ends)) {}
  ~NamedModel() override {
    const std::lock_guard lock(ends_->mutex);
    ends_->threads.push_back(std::this_thread::get_id());
  }
  NamedModel(const NamedModel&) = delete;
  NamedModel& operator=(const NamedModel&) = delete;

  const std::string& name() const { return name_; }
  const Signature& signature() const override { return signature_; }
  Result<std::vector<Tensor>> Run(std::span<const Tensor> inputs) const override {
    return std::vector<Tensor>(inputs.begin(), inputs.end());
  }
  std::chrono::nanoseconds time_per_row() const override { return std::chrono::nanoseconds(1); }

 private:
  const std::string name_;
  const std::shared_ptr<Ends> ends_;
  const Signature signature_;
};

inline const std::string& NameOf(const ModelHandle& model) {
  return dynamic_cast<const NamedModel&>(*model).name();
}

/// The text of the file is the model's name, and the key of its script. Threads: any.
class ScriptedLoader final : public ModelLoader {
 public:
  /// Loads of `name` wait (before reading, or in their warm-up) until Release.
  void Hold(const std::string& name) {
    Change([&] { held_.insert(name); });
  }
  void HoldWarmUp(const std::string& name) {
    Change([&] { held_warm_.insert(name); });
  }
  void Release(const std::string& name) {
    Change([&] {
      held_.erase(name);
      held_warm_.erase(name);
    });
  }
  void ReleaseAll() {
    Change([&] {
      held_.clear();
      held_warm_.clear();
    });
  }
  void Break(const std::string& name, const std::string& reason) {
    Change([&] { broken_[name] = reason; });
  }
  void Mend(const std::string& name) {
    Change([&] { broken_.erase(name); });
  }

  int loads(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = loads_.find(name);
    return found == loads_.end() ? 0 : found->second;
  }
  /// Waits until the `count`-th load of `name` has begun.
  void AwaitLoads(const std::string& name, int count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return loads_[name] >= count; });
  }
  std::vector<std::string> order() const {
    const std::lock_guard lock(mutex_);
    return order_;
  }
  /// Where each model was destroyed.
  std::vector<std::thread::id> ends() const {
    const std::lock_guard lock(ends_->mutex);
    return ends_->threads;
  }

  Result<ModelHandle> Load(const std::filesystem::path& file,
                           const std::string& declared) override {
    return LoadTelling(file, declared, [] {});
  }
  Result<ModelHandle> LoadTelling(const std::filesystem::path& file, const std::string& declared,
                                  const std::function<void()>& warming) override {
    (void)declared;
    std::ifstream bytes(file, std::ios::binary);
    const std::string name(std::istreambuf_iterator<char>(bytes), {});
    std::unique_lock lock(mutex_);
    ++loads_[name];
    order_.push_back(name);
    changed_.notify_all();
    changed_.wait(lock, [&] { return !held_.contains(name); });
    lock.unlock();
    warming();
    lock.lock();
    changed_.wait(lock, [&] { return !held_warm_.contains(name); });
    if (const auto found = broken_.find(name); found != broken_.end()) {
      return Fail(ErrorCode::kUnprocessable, "{}", found->second);
    }
    return ModelHandle(std::make_shared<NamedModel>(name, ends_));
  }

 private:
  template <typename Edit>
  void Change(Edit edit) {
    {
      const std::lock_guard lock(mutex_);
      edit();
    }
    changed_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> held_;
  std::set<std::string> held_warm_;
  std::map<std::string, std::string> broken_;
  std::map<std::string, int> loads_;
  std::vector<std::string> order_;
  const std::shared_ptr<NamedModel::Ends> ends_ = std::make_shared<NamedModel::Ends>();
};

/// What a ModelRuntime tells of its changes, for a test to wait on. Threads: any.
class Changes {
 public:
  std::function<void()> Listener() {
    return [this] {
      const std::lock_guard lock(mutex_);
      ++count_;
      changed_.notify_all();
    };
  }
  /// Waits until `holds`, which is asked after each change. False when it takes absurdly long.
  template <typename Predicate>
  bool Await(Predicate holds) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), std::move(holds));
  }
  int count() const {
    const std::lock_guard lock(mutex_);
    return count_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

}  // namespace podium::runtime
