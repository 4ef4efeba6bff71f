// For tests: models that crash, hang, eat memory or answer NaN. A model is a text file:
//
//   DEED PHASE [RUN] [PLACE]
//
//   DEED    fine, segv, abort, overflow (of the stack), hang, deaf (a hang that cannot be stopped),
//           eat, feast (on 128 MiB, and give them back), nan, exit, refuse, babble (to refuse in
//           bytes that are no text), kill (itself, as the system does when memory runs out)
//   PHASE   load, warm-up, run
//   RUN     the inference that does it, counted per process from 1 (default 1)
//   PLACE   anywhere (default), or `server`: only where it would take the server down
#pragma once

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "runtime/model_runtime.h"

namespace podium::runtime {

struct Script {
  std::string deed = "fine";
  std::string phase;
  int run = 1;
  std::string place = "anywhere";
};

/// Whether there is a process `pid`, or one that nobody has reaped yet.
inline bool Lives(int pid) { return ::kill(pid, 0) == 0 || errno != ESRCH; }

inline volatile std::uint64_t g_sink = 0;

[[gnu::noinline]] inline std::uint64_t Overflow(std::uint64_t depth) {
  volatile std::byte frame[4096] = {};
  frame[depth % sizeof(frame)] = std::byte{1};
  if (depth == std::numeric_limits<std::uint64_t>::max()) return 0;
  const std::uint64_t below = Overflow(depth + 1);
  g_sink = g_sink + below + std::to_integer<std::uint64_t>(frame[0]);
  return g_sink;
}

/// Memory is touched, so that it is really there. Ends in an error when there is no more.
inline Status Eat() {
  constexpr std::size_t kBite = 16 * 1024 * 1024;
  std::vector<std::unique_ptr<char[]>> eaten;
  try {
    for (;;) {
      eaten.push_back(std::make_unique_for_overwrite<char[]>(kBite));
      std::memset(eaten.back().get(), 1, kBite);
    }
  } catch (const std::bad_alloc& error) {
    return Fail(ErrorCode::kUnprocessable, "{}", error.what());
  }
}

/// More than a small limit of the load, and less than one of a call.
inline Status Feast() {
  constexpr std::size_t kMeal = 128 * 1024 * 1024;
  try {
    const auto meal = std::make_unique_for_overwrite<char[]>(kMeal);
    std::memset(meal.get(), 1, kMeal);
    g_sink = g_sink + static_cast<unsigned char>(meal[kMeal - 1]);
    return {};
  } catch (const std::bad_alloc& error) {
    return Fail(ErrorCode::kUnprocessable, "{}", error.what());
  }
}

/// Waits until somebody says stop; for ever when nobody can.
class Hang {
 public:
  Status Wait() {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return stopped_; });
    return Fail(ErrorCode::kDeadline, "stopped");
  }
  void Stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    wake_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopped_ = false;
};

inline Status Do(const std::string& deed, Hang& hang) {
  if (deed == "segv") ::raise(SIGSEGV);
  if (deed == "abort") std::abort();
  if (deed == "exit") std::_Exit(7);
  if (deed == "overflow") g_sink = Overflow(0);
  if (deed == "kill") ::raise(SIGKILL);
  if (deed == "eat") return Eat();
  if (deed == "feast") return Feast();
  if (deed == "refuse") return Fail(ErrorCode::kUnprocessable, "it is refused");
  if (deed == "babble") {
    return Fail(ErrorCode::kUnprocessable, "{}", "\x1b[31mred\xff" + std::string(1000, 'a'));
  }
  if (deed == "hang") return hang.Wait();
  if (deed == "deaf") return Hang().Wait();
  return {};
}

class MisbehavingModel final : public LoadedModel {
 public:
  MisbehavingModel(Script script, bool here) : script_(std::move(script)), here_(here) {
    signature_.inputs = {{"x", DataType::kFp32, {-1, 1}}};
    signature_.outputs = {{"y", DataType::kFp32, {-1, 1}}};
  }

  const Signature& signature() const override { return signature_; }
  Result<std::vector<Tensor>> Run(std::span<const Tensor> inputs) const override {
    Hang hang;
    return RunWith(inputs, hang);
  }
  std::chrono::nanoseconds time_per_row() const override { return std::chrono::microseconds(1); }
  std::unique_ptr<ModelRun> NewRun() const override {
    return std::make_unique<StoppableRun>(*this);
  }

 private:
  class StoppableRun final : public ModelRun {
   public:
    explicit StoppableRun(const MisbehavingModel& model) : model_(model) {}
    Result<std::vector<Tensor>> Run(std::span<const Tensor> inputs) override {
      return model_.RunWith(inputs, hang_);
    }
    void Stop() override { hang_.Stop(); }

   private:
    const MisbehavingModel& model_;
    Hang hang_;
  };

  Result<std::vector<Tensor>> RunWith(std::span<const Tensor> inputs, Hang& hang) const {
    Tensor answer = inputs.front();
    answer.name = "y";
    const bool now = here_ && script_.phase == "run" && ++runs_ >= script_.run;
    if (now) PODIUM_TRY(Do(script_.deed, hang));
    if (now && script_.deed == "nan") {
      const float nan = std::numeric_limits<float>::quiet_NaN();
      for (std::size_t at = 0; at < answer.data.size(); at += sizeof(nan)) {
        std::memcpy(answer.data.data() + at, &nan, sizeof(nan));
      }
    }
    return std::vector<Tensor>{std::move(answer)};
  }

  const Script script_;
  const bool here_;
  Signature signature_;
  mutable std::atomic<int> runs_{0};
};

class MisbehavingLoader final : public ModelLoader {
 public:
  /// `in_server`: this process is the server, not one of a model.
  explicit MisbehavingLoader(bool in_server) : in_server_(in_server) {}

  Result<ModelHandle> Load(const std::filesystem::path& file,
                           const std::string& declared) override {
    return LoadTelling(file, declared, [] {});
  }
  Result<ModelHandle> LoadTelling(const std::filesystem::path& file, const std::string&,
                                  const std::function<void()>& warming) override {
    Script script;
    std::ifstream in(file);
    in >> script.deed >> script.phase;
    if (std::string word; in >> word) script.run = std::stoi(word);
    in >> script.place;
    const bool here = in_server_ || script.place != "server";
    Hang hang;
    if (here && script.phase == "load") PODIUM_TRY(Do(script.deed, hang));
    warming();
    if (here && script.phase == "warm-up") PODIUM_TRY(Do(script.deed, hang));
    return ModelHandle(std::make_shared<MisbehavingModel>(std::move(script), here));
  }

 private:
  const bool in_server_;
};

}  // namespace podium::runtime
