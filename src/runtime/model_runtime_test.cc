// The life of a version in this process, step by step, with loads that do what the test says.
#include "runtime/model_runtime.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "base/digest.h"
#include "base/worker_pool.h"
#include "runtime/scripted_loader.h"

namespace podium::runtime {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ModelRuntimeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "podium-runtime-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    dir_ = fs::canonical(name);
    fs::create_directories(dir_ / "artifacts");
    Restart();
  }
  void TearDown() override {
    loader_->ReleaseAll();  // Else a failed expectation would wait for ever here.
    runtime_.reset();
    fs::remove_all(dir_);
  }

  void Restart(int threads = 2) {
    runtime_.reset();
    RuntimeOptions options;
    options.cache_dir = dir_ / "cache";
    options.artifact_roots = {dir_ / "artifacts"};
    options.load_threads = threads;
    options.retry_first = seconds(5);
    options.retry_most = seconds(20);
    runtime_ = std::make_unique<ModelRuntime>(options, clock_, loader_, changes_.Listener());
  }
  /// A version `id` whose artifact is the model `name`.
  WantedModel Want(const std::string& id, const std::string& name) {
    std::ofstream(dir_ / "artifacts" / name, std::ios::binary) << name;
    return {ModelId(id), "file:" + name, Sha256Hex(name), "onnx", ""};
  }
  LoadState StateOf(const std::string& id) {
    const auto status = runtime_->StatusOf(ModelId(id));
    return status ? status->state : LoadState::kUnloaded;
  }
  ModelStatus StatusOf(const std::string& id) {
    return runtime_->StatusOf(ModelId(id)).value_or(ModelStatus{});
  }
  bool AwaitState(const std::string& id, LoadState state) {
    return changes_.Await([&] { return StateOf(id) == state; });
  }
  bool AwaitAttempt(const std::string& id, int attempt) {
    return changes_.Await([&] {
      const ModelStatus status = StatusOf(id);
      return status.attempts == attempt && status.next_try.has_value();
    });
  }

  fs::path dir_;
  StillClock clock_;
  Changes changes_;
  const std::shared_ptr<ScriptedLoader> loader_ = std::make_shared<ScriptedLoader>();
  std::unique_ptr<ModelRuntime> runtime_;
};

TEST_F(ModelRuntimeTest, BringsAWantedVersionToReady) {
  loader_->Hold("m");
  loader_->HoldWarmUp("w");
  runtime_->SetWanted({Want("v1", "m"), Want("v2", "w")});
  EXPECT_TRUE(AwaitState("v1", LoadState::kLoading));
  EXPECT_TRUE(AwaitState("v2", LoadState::kWarming));
  EXPECT_EQ(StatusOf("v1").model, nullptr);
  loader_->Release("m");
  loader_->Release("w");
  ASSERT_TRUE(AwaitState("v1", LoadState::kReady));
  ASSERT_TRUE(AwaitState("v2", LoadState::kReady));
  const ModelStatus status = StatusOf("v1");
  EXPECT_EQ(NameOf(status.model), "m");
  EXPECT_EQ(status.sha256, Sha256Hex("m"));
  EXPECT_EQ(status.attempts, 1);
  EXPECT_EQ(status.error, "");
  EXPECT_FALSE(status.next_try);
  EXPECT_EQ(runtime_->Statuses().size(), 2U);
  EXPECT_FALSE(runtime_->StatusOf(ModelId("unknown")));
}

TEST_F(ModelRuntimeTest, StatingTheSameAgainChangesNothing) {
  const std::vector<WantedModel> wanted = {Want("v1", "m")};
  runtime_->SetWanted(wanted);
  ASSERT_TRUE(AwaitState("v1", LoadState::kReady));
  const ModelHandle model = StatusOf("v1").model;
  for (int i = 0; i < 3; ++i) runtime_->SetWanted(wanted);
  EXPECT_EQ(StatusOf("v1").model, model);
  EXPECT_EQ(loader_->loads("m"), 1);
}

TEST_F(ModelRuntimeTest, LoadsAnArtifactOnceForAllItsPlacements) {
  loader_->Hold("m");
  runtime_->SetWanted({Want("a", "m"), Want("b", "m"), Want("c", "m")});
  ASSERT_TRUE(AwaitState("a", LoadState::kLoading));
  loader_->Release("m");
  for (const char* id : {"a", "b", "c"}) ASSERT_TRUE(AwaitState(id, LoadState::kReady)) << id;
  EXPECT_EQ(StatusOf("a").model.get(), StatusOf("c").model.get());
  runtime_->SetWanted({Want("a", "m"), Want("b", "m"), Want("c", "m"), Want("later", "m")});
  ASSERT_TRUE(AwaitState("later", LoadState::kReady));
  EXPECT_EQ(loader_->loads("m"), 1);
}

// The signature decides how rows are read: placements that declare another are not the same model.
TEST_F(ModelRuntimeTest, DoesNotShareBetweenDeclaredSignatures) {
  WantedModel declared = Want("b", "m");
  declared.signature = R"({"columns": ["x"]})";
  runtime_->SetWanted({Want("a", "m"), declared});
  ASSERT_TRUE(AwaitState("a", LoadState::kReady));
  ASSERT_TRUE(AwaitState("b", LoadState::kReady));
  EXPECT_EQ(loader_->loads("m"), 2);
}

// INV-7: a failed load never changes what is served.
TEST_F(ModelRuntimeTest, Inv7FailedLoadKeepsWhatIsReady) {
  runtime_->SetWanted({Want("v1", "good")});
  ASSERT_TRUE(AwaitState("v1", LoadState::kReady));
  const ModelHandle before = StatusOf("v1").model;

  loader_->Break("bad", "no such operator");
  runtime_->SetWanted({Want("v1", "good"), Want("v2", "bad")});
  ASSERT_TRUE(AwaitState("v2", LoadState::kFailed));
  EXPECT_EQ(StatusOf("v2").model, nullptr);
  EXPECT_THAT(StatusOf("v2").error, HasSubstr("no such operator"));
  EXPECT_EQ(StatusOf("v1").model, before);

  // Even the same version with another artifact.
  runtime_->SetWanted({Want("v1", "bad")});
  ASSERT_TRUE(AwaitAttempt("v1", 1));
  EXPECT_EQ(StateOf("v1"), LoadState::kReady);
  EXPECT_EQ(StatusOf("v1").model, before);
  EXPECT_THAT(StatusOf("v1").error, HasSubstr("no such operator"));
}

TEST_F(ModelRuntimeTest, ReplacesAnArtifactWithoutAGap) {
  runtime_->SetWanted({Want("v1", "old")});
  ASSERT_TRUE(AwaitState("v1", LoadState::kReady));
  loader_->Hold("new");
  runtime_->SetWanted({Want("v1", "new")});
  loader_->AwaitLoads("new", 1);
  EXPECT_EQ(StateOf("v1"), LoadState::kReady);
  EXPECT_EQ(NameOf(StatusOf("v1").model), "old");
  loader_->Release("new");
  EXPECT_TRUE(changes_.Await([&] { return NameOf(StatusOf("v1").model) == "new"; }));
}

TEST_F(ModelRuntimeTest, TriesAgainWithDoublingPauses) {
  loader_->Break("m", "broken");
  runtime_->SetWanted({Want("v1", "m")});
  const int pauses[] = {5, 10, 20, 20};  // Up to retry_most.
  for (int attempt = 1; attempt <= 4; ++attempt) {
    SCOPED_TRACE(attempt);
    ASSERT_TRUE(AwaitAttempt("v1", attempt));
    const seconds pause(pauses[attempt - 1]);
    EXPECT_EQ(*StatusOf("v1").next_try, clock_.SteadyNow() + pause);
    clock_.Move(pause - seconds(1));
    runtime_->RetryDue();
    runtime_->SetWanted({Want("v1", "m")});
    EXPECT_EQ(StatusOf("v1").attempts, attempt);
    clock_.Move(seconds(1));
    if (attempt == 4) loader_->Mend("m");
    runtime_->RetryDue();
  }
  ASSERT_TRUE(AwaitState("v1", LoadState::kReady));
  EXPECT_EQ(StatusOf("v1").error, "");
  EXPECT_FALSE(StatusOf("v1").next_try);
}

TEST_F(ModelRuntimeTest, TriesAgainInTimeWhateverTheWallClockSays) {
  loader_->Break("m", "broken");
  runtime_->SetWanted({Want("v1", "m")});
  ASSERT_TRUE(AwaitAttempt("v1", 1));
  clock_.StepWall(seconds(7200));
  runtime_->RetryDue();
  EXPECT_EQ(StatusOf("v1").attempts, 1);
  clock_.StepWall(seconds(-14400));
  clock_.Move(seconds(5));
  runtime_->RetryDue();
  EXPECT_TRUE(AwaitAttempt("v1", 2));
}

TEST_F(ModelRuntimeTest, DrainsUntilTheLastHandleIsGone) {
  runtime_->SetWanted({Want("v1", "m")});
  ASSERT_TRUE(AwaitState("v1", LoadState::kReady));
  ModelHandle in_use = StatusOf("v1").model;
  runtime_->SetWanted({});
  EXPECT_EQ(StateOf("v1"), LoadState::kDraining);
  EXPECT_EQ(StatusOf("v1").model, nullptr);
  EXPECT_EQ(NameOf(in_use), "m");  // Who holds it is still served.
  in_use.reset();
  EXPECT_EQ(StateOf("v1"), LoadState::kUnloaded);
  // The memory is freed on a load thread: whoever dropped the handle does not wait for it.
  runtime_->RetryDue();
  ASSERT_TRUE(changes_.Await([&] { return !loader_->ends().empty(); }));
  EXPECT_NE(loader_->ends().front(), std::this_thread::get_id());
}

TEST_F(ModelRuntimeTest, DrainsOnePlacementWhileAnotherStays) {
  runtime_->SetWanted({Want("a", "m"), Want("b", "m")});
  ASSERT_TRUE(AwaitState("a", LoadState::kReady));
  ASSERT_TRUE(AwaitState("b", LoadState::kReady));
  runtime_->SetWanted({Want("b", "m")});
  EXPECT_EQ(StateOf("a"), LoadState::kUnloaded);
  EXPECT_EQ(StateOf("b"), LoadState::kReady);
  EXPECT_TRUE(loader_->ends().empty());
}

TEST_F(ModelRuntimeTest, TakesBackWhatIsOnlyDraining) {
  runtime_->SetWanted({Want("v1", "m")});
  ASSERT_TRUE(AwaitState("v1", LoadState::kReady));
  const ModelHandle in_use = StatusOf("v1").model;
  runtime_->SetWanted({});
  runtime_->SetWanted({Want("v1", "m")});
  EXPECT_EQ(StateOf("v1"), LoadState::kReady);
  EXPECT_EQ(StatusOf("v1").model, in_use);
  EXPECT_EQ(loader_->loads("m"), 1);
}

TEST_F(ModelRuntimeTest, ForgetsALoadThatIsNoLongerWanted) {
  loader_->Hold("m");
  runtime_->SetWanted({Want("v1", "m")});
  ASSERT_TRUE(AwaitState("v1", LoadState::kLoading));
  runtime_->SetWanted({});
  EXPECT_EQ(StateOf("v1"), LoadState::kUnloaded);
  loader_->Release("m");
  runtime_->Stop();  // The load has ended.
  EXPECT_EQ(StateOf("v1"), LoadState::kUnloaded);
  EXPECT_EQ(loader_->ends().size(), 1U);
}

TEST_F(ModelRuntimeTest, ShowsOnlyTheLastUnloadedVersions) {
  std::vector<WantedModel> wanted;
  for (int i = 0; i < 300; ++i) wanted.push_back(Want(fmt::format("v{}", i), "m"));
  runtime_->SetWanted(wanted);
  for (const WantedModel& model : wanted)
    ASSERT_TRUE(AwaitState(model.id.get(), LoadState::kReady));
  runtime_->SetWanted({});
  runtime_->SetWanted({});
  EXPECT_EQ(runtime_->Statuses().size(), 256U);
}

TEST_F(ModelRuntimeTest, EnsureReadyLoadsWhatNobodyWantsYet) {
  auto model = runtime_->EnsureReady(Want("v1", "m"), seconds(30));
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(NameOf(*model), "m");
  // Until the wanted set has it, the caller's handle is what keeps it.
  EXPECT_EQ(StateOf("v1"), LoadState::kDraining);
  runtime_->SetWanted({Want("v1", "m")});
  EXPECT_EQ(StateOf("v1"), LoadState::kReady);
  model->reset();
  EXPECT_EQ(StateOf("v1"), LoadState::kReady);
  EXPECT_EQ(loader_->loads("m"), 1);
}

TEST_F(ModelRuntimeTest, EnsureReadyJoinsTheLoadUnderWay) {
  loader_->Hold("m");
  runtime_->SetWanted({Want("v1", "m")});
  ASSERT_TRUE(AwaitState("v1", LoadState::kLoading));
  bool ready = false;
  WorkerPool verb("verb", 1, 1);
  ASSERT_TRUE(verb.Submit(
      [&] { ready = runtime_->EnsureReady(Want("v1", "m"), seconds(30)).has_value(); }));
  loader_->Release("m");
  verb.Stop();
  EXPECT_TRUE(ready);
  EXPECT_EQ(loader_->loads("m"), 1);
  EXPECT_EQ(StatusOf("v1").attempts, 1);
}

TEST_F(ModelRuntimeTest, EnsureReadyTriesAFailedOneAtOnce) {
  loader_->Break("m", "broken");
  runtime_->SetWanted({Want("v1", "m")});
  ASSERT_TRUE(AwaitState("v1", LoadState::kFailed));
  const auto failed = runtime_->EnsureReady(Want("v1", "m"), seconds(30));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kUnprocessable);
  EXPECT_THAT(failed.error().message, HasSubstr("broken"));
  EXPECT_EQ(StatusOf("v1").attempts, 2);
  loader_->Mend("m");
  EXPECT_TRUE(runtime_->EnsureReady(Want("v1", "m"), seconds(30)));
}

TEST_F(ModelRuntimeTest, EnsureReadyGivesUpInTime) {
  loader_->Hold("m");
  const auto late = runtime_->EnsureReady(Want("v1", "m"), std::chrono::milliseconds(1));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kDeadline);
  loader_->Release("m");
}

TEST_F(ModelRuntimeTest, EnsureReadyGoesBeforeWhatWaitsInLine) {
  Restart(/*threads=*/1);
  loader_->Hold("first");
  runtime_->SetWanted({Want("v1", "first"), Want("v2", "second")});
  ASSERT_TRUE(AwaitState("v1", LoadState::kLoading));
  bool ready = false;
  WorkerPool verb("verb", 1, 1);
  ASSERT_TRUE(verb.Submit(
      [&] { ready = runtime_->EnsureReady(Want("v3", "third"), seconds(30)).has_value(); }));
  while (!runtime_->StatusOf(ModelId("v3"))) std::this_thread::yield();
  loader_->Release("first");
  verb.Stop();
  EXPECT_TRUE(ready);
  ASSERT_TRUE(AwaitState("v2", LoadState::kReady));
  EXPECT_THAT(loader_->order(), ElementsAre("first", "third", "second"));
}

TEST_F(ModelRuntimeTest, StopEndsWaitingCalls) {
  loader_->Hold("m");
  runtime_->SetWanted({Want("v1", "m")});
  ASSERT_TRUE(AwaitState("v1", LoadState::kLoading));
  ErrorCode told = ErrorCode::kInternal;
  WorkerPool verb("verb", 1, 1);
  ASSERT_TRUE(verb.Submit(
      [&] { told = runtime_->EnsureReady(Want("v1", "m"), seconds(600)).error().code; }));
  WorkerPool stopper("stop", 1, 1);
  ASSERT_TRUE(stopper.Submit([&] { runtime_->Stop(); }));
  verb.Stop();  // The call has returned although the load has not.
  EXPECT_EQ(told, ErrorCode::kUnavailable);
  loader_->Release("m");
  stopper.Stop();
  EXPECT_EQ(runtime_->EnsureReady(Want("v2", "n"), seconds(1)).error().code,
            ErrorCode::kUnavailable);
}

TEST_F(ModelRuntimeTest, HandlesOutliveTheRuntime) {
  ModelHandle model = *runtime_->EnsureReady(Want("v1", "m"), seconds(30));
  runtime_.reset();
  EXPECT_EQ(NameOf(model), "m");
  model.reset();
  EXPECT_EQ(loader_->ends().size(), 1U);
}

TEST_F(ModelRuntimeTest, SaysWhyAnArtifactIsNotLoaded) {
  WantedModel other_sum = Want("sum", "m");
  other_sum.sha256 = Sha256Hex("other bytes");
  WantedModel outside = Want("outside", "m");
  outside.artifact_uri = "file:///etc/passwd";
  outside.sha256.clear();
  WantedModel gone = Want("gone", "m");
  gone.artifact_uri = "file:gone.onnx";
  gone.sha256 = Sha256Hex("gone");
  WantedModel format = Want("format", "m");
  format.format = "pickle";
  WantedModel bad_sum = Want("bad_sum", "m");
  bad_sum.sha256 = "../m";
  runtime_->SetWanted({other_sum, outside, gone, format, bad_sum});
  struct Case {
    const char* id;
    const char* want;
  };
  const Case cases[] = {{"sum", "does not have the registered checksum"},
                        {"outside", "does not lie below an artifact root"},
                        {"gone", "there is no file"},
                        {"format", "\"pickle\""},
                        {"bad_sum", "is not a SHA-256 checksum"}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.id);
    ASSERT_TRUE(AwaitState(c.id, LoadState::kFailed));
    EXPECT_THAT(StatusOf(c.id).error, HasSubstr(c.want));
  }
}

TEST_F(ModelRuntimeTest, ComputesAChecksumThatIsNotRegistered) {
  WantedModel model = Want("v1", "m");
  model.sha256.clear();
  ASSERT_TRUE(runtime_->EnsureReady(model, seconds(30)));
  EXPECT_EQ(StatusOf("v1").sha256, Sha256Hex("m"));
}

// The registry outlives the place that artifacts came from.
TEST_F(ModelRuntimeTest, ARestartServesTheCopyWhenTheSourceIsGone) {
  const WantedModel model = Want("v1", "m");
  ASSERT_TRUE(runtime_->EnsureReady(model, seconds(30)));
  fs::remove(dir_ / "artifacts" / "m");
  Restart();
  const auto again = runtime_->EnsureReady(model, seconds(30));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(loader_->loads("m"), 2);
}

TEST_F(ModelRuntimeTest, AStartReplacesADamagedCopyAndSweepsUnfinishedOnes) {
  const WantedModel model = Want("v1", "m");
  runtime_.reset();
  fs::create_directories(dir_ / "cache");
  std::ofstream(dir_ / "cache" / model.sha256) << "half";
  std::ofstream(dir_ / "cache" / "incoming-abcdef") << "half";
  Restart();
  const auto ready = runtime_->EnsureReady(model, seconds(30));
  ASSERT_TRUE(ready) << ready.error().message;
  EXPECT_EQ(NameOf(*ready), "m");
  EXPECT_FALSE(fs::exists(dir_ / "cache" / "incoming-abcdef"));
}

// What a simulation stands on: without load threads nothing happens but on the caller's stack.
TEST_F(ModelRuntimeTest, WithoutThreadsLoadsRunWhenTheyAreAskedTo) {
  Restart(/*threads=*/0);
  runtime_->SetWanted({Want("v1", "m"), Want("v2", "n")});
  EXPECT_EQ(StateOf("v1"), LoadState::kRequested);
  EXPECT_TRUE(runtime_->RunNextLoad());
  EXPECT_EQ(StateOf("v1"), LoadState::kReady);
  EXPECT_EQ(StateOf("v2"), LoadState::kRequested);
  EXPECT_TRUE(runtime_->EnsureReady(Want("v2", "n"), seconds(30)));
  EXPECT_EQ(StateOf("v2"), LoadState::kReady);
  // The place in line that the wait has taken over is empty.
  while (runtime_->RunNextLoad()) {
  }
  EXPECT_EQ(loader_->loads("n"), 1);
}

/// Loads that take their time, by a clock that they move themselves, and let others in meanwhile.
class SlowLoader final : public ModelLoader {
 public:
  explicit SlowLoader(StillClock& clock) : clock_(clock) {}
  Result<ModelHandle> Load(const std::filesystem::path&, const std::string&) override {
    clock_.Move(seconds(31));
    if (auto once = std::exchange(meanwhile, nullptr)) once();
    return ModelHandle(std::make_shared<NamedModel>("m", std::make_shared<NamedModel::Ends>()));
  }
  std::function<void()> meanwhile;

 private:
  StillClock& clock_;
};

TEST_F(ModelRuntimeTest, WithoutThreadsAWaitEndsInTimeOrNotAtAll) {
  const auto slow = std::make_shared<SlowLoader>(clock_);
  RuntimeOptions options;
  options.cache_dir = dir_ / "cache";
  options.artifact_roots = {dir_ / "artifacts"};
  options.load_threads = 0;
  ModelRuntime runtime(options, clock_, slow, nullptr);
  ErrorCode joined = ErrorCode::kInternal;
  slow->meanwhile = [&] {
    joined = runtime.EnsureReady(Want("v2", "m"), seconds(60)).error().code;
  };
  const auto late = runtime.EnsureReady(Want("v1", "m"), seconds(30));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kDeadline);
  EXPECT_EQ(joined, ErrorCode::kDeadline) << "it waits for a load further up its own stack";
  runtime.SetWanted({Want("v1", "m")});
  while (runtime.RunNextLoad()) {
  }
  EXPECT_TRUE(runtime.EnsureReady(Want("v1", "m"), seconds(60)));
}

}  // namespace
}  // namespace podium::runtime
