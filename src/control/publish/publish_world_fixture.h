// For tests: a registry in memory, models that load at once, and cells that a test can look into.
#pragma once

#include <condition_variable>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/rng.h"
#include "control/publish/publisher.h"
#include "runtime/model_runtime.h"
#include "store/memory_store.h"
#include "testing/faulty_store.h"
#include "testing/sim_clock.h"
#include "testing/temp_dir.h"

namespace podium::control {

/// Gives its input back. Every artifact whose text is not "broken" is one.
class EchoModel final : public LoadedModel {
 public:
  const Signature& signature() const override { return signature_; }
  Result<std::vector<Tensor>> Run(std::span<const Tensor> inputs) const override {
    return std::vector<Tensor>(inputs.begin(), inputs.end());
  }
  std::chrono::nanoseconds time_per_row() const override { return std::chrono::nanoseconds(1); }

 private:
  const Signature signature_;
};

class EchoLoader final : public runtime::ModelLoader {
 public:
  Result<ModelHandle> Load(const std::filesystem::path& file, const std::string&) override {
    std::ifstream in(file);
    std::string text;
    in >> text;
    if (text == "broken") return Fail(ErrorCode::kUnprocessable, "this artifact is broken");
    return ModelHandle(std::make_shared<EchoModel>());
  }
};

/// Threads: as the parts; the helpers below from the test's thread.
struct PublishWorld {
  explicit PublishWorld(std::size_t core_count, PostToCore post)
      : stats(core_count),
        tallies(core_count),
        cells(core_count),
        runtime({directory / "cache",
                 {directory.path()},
                 1,
                 std::chrono::seconds(5),
                 std::chrono::seconds(300)},
                clock, std::make_shared<EchoLoader>(), [this] { Changed(); }),
        publisher(store, runtime, stats, clock, std::move(post), cells, Counting(tallies)) {}

  static PublisherOptions Counting(view::RolloutTallies& tallies) {
    PublisherOptions options;
    options.tallies = &tallies;
    return options;
  }
  // Registers a version whose artifact holds `text`.
  store::Committed Register(const std::string& route, const std::string& version,
                            const std::string& text, LoadPolicy load = LoadPolicy::kEager) {
    const std::string file = route + "-" + version + ".onnx";
    std::ofstream(directory / file) << text;
    ModelVersion row;
    row.model_id = ModelId(route + "-" + version);
    row.route = RouteName(route);
    row.version = version;
    row.artifact_uri = "file:" + file;
    row.format = "onnx";
    row.load = load;
    return Apply(store::RegisterVersion{row});
  }
  store::Committed Apply(const store::Mutation& mutation) {
    Result<store::Committed> done = memory.Apply(mutation, {});
    PODIUM_ASSERT(done.has_value());
    return std::move(*done);
  }
  // Until the runtime has said so, for as long as it takes.
  template <typename Predicate>
  void Await(Predicate predicate) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return predicate(); });
  }
  void Changed() {
    const std::lock_guard lock(mutex);
    changed.notify_all();
  }
  bool Settled(const std::string& id, LoadState state) const {
    const auto status = runtime.StatusOf(ModelId(id));
    return status && status->state == state;
  }

  testing::TempDir directory;
  testing::SimClock clock;
  SeededRng rng{1};
  store::MemoryStore memory{clock, rng};
  testing::FaultyStore store{memory};
  std::mutex mutex;
  std::condition_variable changed;
  view::StatsRegistry stats;
  view::RolloutTallies tallies;
  std::vector<view::ViewCell> cells;
  runtime::ModelRuntime runtime;
  Publisher publisher;
};

inline PostToCore Inline() {
  return [](std::size_t, const std::function<void()>& job) { job(); };
}

}  // namespace podium::control
