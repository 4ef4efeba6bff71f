// The reconciler, verbs, readers and cores that drop handles meet in one ModelRuntime: under TSan.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <future>

#include "base/digest.h"
#include "runtime/model_runtime.h"
#include "runtime/scripted_loader.h"

namespace podium::runtime {
namespace {

namespace fs = std::filesystem;

constexpr int kVersions = 6;

class ModelRuntimeThreadTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "podium-runtime-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    dir_ = fs::canonical(name);
    fs::create_directories(dir_ / "artifacts");
    for (int i = 0; i < kVersions; ++i) {
      const std::string model = ModelOf(i);
      std::ofstream(dir_ / "artifacts" / model, std::ios::binary) << model;
    }
    RuntimeOptions options;
    options.cache_dir = dir_ / "cache";
    options.artifact_roots = {dir_ / "artifacts"};
    runtime_ = std::make_unique<ModelRuntime>(options, clock_, loader_, changes_.Listener());
  }
  void TearDown() override {
    runtime_.reset();
    fs::remove_all(dir_);
  }
  /// Two versions share each artifact.
  static std::string ModelOf(int version) { return "m" + std::to_string(version / 2); }
  static WantedModel Version(int i) {
    const std::string model = ModelOf(i);
    return {ModelId("v" + std::to_string(i)), model, Sha256Hex(model), "onnx", ""};
  }

  fs::path dir_;
  StillClock clock_;
  Changes changes_;
  const std::shared_ptr<ScriptedLoader> loader_ = std::make_shared<ScriptedLoader>();
  std::unique_ptr<ModelRuntime> runtime_;
};

/// Says how the thread of its first load stands.
class StandingLoader final : public ModelLoader {
 public:
  Result<ModelHandle> Load(const fs::path&, const std::string&) override {
    if (!told_.test_and_set()) {
      standing_.set_value(getpriority(PRIO_PROCESS, static_cast<id_t>(gettid())));
    }
    return Fail(ErrorCode::kUnprocessable, "it has told");
  }
  int Standing() { return standing_.get_future().get(); }

 private:
  std::atomic_flag told_;
  std::promise<int> standing_;
};

// A process on probation is started by such a thread, stands where it stands, and answers callers.
TEST_F(ModelRuntimeThreadTest, LoadsStandWhereCallersDo) {
  const auto loader = std::make_shared<StandingLoader>();
  RuntimeOptions options;
  options.cache_dir = dir_ / "another";
  options.artifact_roots = {dir_ / "artifacts"};
  ModelRuntime runtime(options, clock_, loader, [] {});
  runtime.SetWanted({Version(0)});
  EXPECT_EQ(loader->Standing(), getpriority(PRIO_PROCESS, static_cast<id_t>(gettid())));
}

TEST_F(ModelRuntimeThreadTest, EveryoneAtOnce) {
  constexpr int kRounds = 60;
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  threads.emplace_back([&] {  // The reconciler.
    for (int round = 0; round < kRounds; ++round) {
      std::vector<WantedModel> wanted;
      for (int i = 0; i < kVersions; ++i) {
        if ((round + i) % 3 != 0) wanted.push_back(Version(i));
      }
      runtime_->SetWanted(std::move(wanted));
      runtime_->RetryDue();
    }
  });
  threads.emplace_back([&] {  // A loader that fails now and then.
    for (int round = 0; round < kRounds; ++round) {
      loader_->Break("m0", "broken");
      clock_.Move(std::chrono::seconds(1));
      loader_->Mend("m0");
    }
  });
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {  // Verbs: the handle is the right model, or the error is said.
      for (int round = 0; round < kRounds; ++round) {
        const int i = (round + t) % kVersions;
        const auto model = runtime_->EnsureReady(Version(i), std::chrono::seconds(60));
        const bool right =
            model ? NameOf(*model) == ModelOf(i) : model.error().code == ErrorCode::kUnprocessable;
        if (!right) ++wrong;
      }
    });
  }
  threads.emplace_back([&] {  // The admin pages: a ready version has a model, another has none.
    for (int round = 0; round < kRounds * 4; ++round) {
      for (const ModelStatus& status : runtime_->Statuses()) {
        if ((status.state == LoadState::kReady) != (status.model != nullptr)) ++wrong;
      }
    }
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);

  // Whatever came before, the last stated set is reached.
  std::vector<WantedModel> all;
  for (int i = 0; i < kVersions; ++i) all.push_back(Version(i));
  runtime_->SetWanted(all);
  for (int i = 0; i < kVersions; ++i) {
    EXPECT_TRUE(runtime_->EnsureReady(Version(i), std::chrono::seconds(60))) << i;
  }
}

TEST_F(ModelRuntimeThreadTest, HandlesDroppedElsewhereAreFreedOnce) {
  constexpr int kThreads = 4;
  std::vector<ModelHandle> handles;
  for (int i = 0; i < kVersions; ++i) {
    handles.push_back(*runtime_->EnsureReady(Version(i), std::chrono::seconds(60)));
  }
  const std::size_t ended_before = loader_->ends().size();
  std::vector<std::vector<ModelHandle>> cores(kThreads, handles);
  handles.clear();
  std::vector<std::thread> threads;
  for (auto& core : cores) {
    threads.emplace_back([&core, this] {
      core.clear();
      runtime_->RetryDue();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < kVersions; ++i) {
    EXPECT_EQ(runtime_->StatusOf(Version(i).id)->state, LoadState::kUnloaded);
  }
  runtime_->Stop();
  runtime_.reset();
  EXPECT_EQ(loader_->ends().size() - ended_before, static_cast<std::size_t>(kVersions) / 2);
}

}  // namespace
}  // namespace podium::runtime
