// From the first load to the thousandth inference: a model that does harm leaves service with a
// reason, and this process goes on.
#include "runtime/watched_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <thread>

#include "runtime/guarded_loader.h"
#include "runtime/misbehaving_loader.h"

namespace podium::runtime {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using ::testing::HasSubstr;

class WatchedModelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(dir_);
    fs::create_directories(dir_);
    Restart();
  }
  /// As a server would be started anew: what is known is what was written.
  void Restart(milliseconds inference_timeout = milliseconds(60'000),
               milliseconds load_timeout = milliseconds(60'000)) {
    loader_.reset();
    guard_.reset();
    ASSERT_TRUE(quarantine_ == nullptr || quarantine_->Save());
    quarantine_ = std::make_unique<Quarantine>(dir_ / "quarantine.json", clock_);
    GuardOptions options;
    options.program = ThisProgram();
    options.stamp = "stamp";
    options.load_timeout = load_timeout;
    options.inference_timeout = inference_timeout;
    guard_ = std::make_shared<Guard>(options, clock_, *quarantine_, nullptr);
    loader_ = std::make_unique<GuardedLoader>(guard_,
                                              std::make_shared<MisbehavingLoader>(/*server=*/true));
  }
  ModelFile Write(const std::string& script, char name = 'a') {
    const ModelFile model{dir_ / std::string(64, name), ""};
    std::ofstream(model.path, std::ios::trunc) << script;
    return model;
  }
  Result<ModelHandle> Load(const ModelFile& model) {
    return loader_->Load(model.path, model.signature);
  }
  static std::vector<Tensor> OneRow() {
    return {{"x", DataType::kFp32, {1, 1}, std::vector<std::byte>(sizeof(float)), {}}};
  }
  static void PassProbation(const LoadedModel& model) {
    for (std::uint64_t i = 0; i < kProbationRuns; ++i) ASSERT_TRUE(model.Run(OneRow()));
  }
  std::string Reason(const ModelFile& model) {
    return quarantine_->Find(model.sha256()).value_or("");
  }
  /// Runs once, while time passes until the run is overdue.
  Result<std::vector<Tensor>> RunLong(const LoadedModel& model) {
    std::atomic<bool> done{false};
    std::thread time([&] {
      while (!done && guard_->watch.Tick() == 0) {
      }
    });
    auto outputs = model.Run(OneRow());
    done = true;
    time.join();
    return outputs;
  }

  const fs::path dir_ = fs::path(::testing::TempDir()) / "watched";
  SystemClock clock_;
  std::unique_ptr<Quarantine> quarantine_;
  std::shared_ptr<Guard> guard_;
  std::unique_ptr<GuardedLoader> loader_;
};

TEST_F(WatchedModelTest, AModelThatCrashesInItsOwnProcessNeverLoadsHere) {
  const std::pair<const char*, const char*> cases[] = {
      {"segv load", "crashed with SIGSEGV while loading"},
      {"abort warm-up", "crashed with SIGABRT while warming up"},
  };
  char name = 'a';
  for (const auto& [script, reason] : cases) {
    SCOPED_TRACE(script);
    const ModelFile model = Write(script, name++);
    const auto loaded = Load(model);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ErrorCode::kUnprocessable);
    EXPECT_EQ(loaded.error().message, std::string("it ") + reason);
    EXPECT_EQ(Reason(model), reason);
    EXPECT_EQ(ReadProof(model, "stamp"), Proof::kNone);
  }
}

// What was declared may be to blame: the bytes do well elsewhere.
TEST_F(WatchedModelTest, HarmUnderAnotherSignatureCondemnsNotWhatServes) {
  const ModelFile serves = Write("fine load");
  const auto loaded = Load(serves);
  ASSERT_TRUE(loaded) << loaded.error().message;
  PassProbation(**loaded);
  const ModelFile other{Write("abort warm-up").path, R"({"inputs": [{"name": "x"}]})"};
  const auto failed = Load(other);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "it crashed with SIGABRT while warming up");
  EXPECT_EQ(Reason(serves), "");
  EXPECT_EQ(ReadProof(serves, "stamp"), Proof::kServes);
  EXPECT_TRUE((*loaded)->Run(OneRow()));
}

// A process that is made anew for a call may be slow to load because the machine is.
TEST_F(WatchedModelTest, ASlowReloadOnProbationCondemnsNobody) {
  const ModelFile model = Write("fine load");
  ASSERT_TRUE(Load(model));
  Restart(milliseconds(60'000), milliseconds(3'000));  // In which a good one loads anywhere.
  auto again = Load(model);
  ASSERT_TRUE(again) << again.error().message;
  Write("hang load");
  const auto answer = (*again)->Run(OneRow());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(answer.error().message, HasSubstr("took longer than 3 s while loading"));
  EXPECT_EQ(Reason(model), "");
  Write("fine load");
  EXPECT_TRUE((*again)->Run(OneRow()));
}

TEST_F(WatchedModelTest, AModelThatIsOnlyRefusedIsNotCondemned) {
  const ModelFile model = Write("refuse load");
  const auto loaded = Load(model);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().message, "it is refused");
  EXPECT_EQ(Reason(model), "");
}

TEST_F(WatchedModelTest, AHundredGoodInferencesEndTheProbation) {
  const ModelFile model = Write("fine load");
  auto loaded = Load(model);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(ReadProof(model, "stamp"), Proof::kLoads);
  for (std::uint64_t i = 0; i < kProbationRuns; ++i) {
    EXPECT_FALSE((*loaded)->may_run_inline()) << i;
    ASSERT_TRUE((*loaded)->Run(OneRow()));
  }
  for (int i = 0; i < kRunsOffTheCores; ++i) {
    EXPECT_FALSE((*loaded)->may_run_inline()) << i << ": it may hang here all the same";
    ASSERT_TRUE((*loaded)->Run(OneRow()));
  }
  EXPECT_TRUE((*loaded)->may_run_inline());
  EXPECT_EQ(ReadProof(model, "stamp"), Proof::kServes);
  loaded = Fail(ErrorCode::kInternal, "unloaded");
  Restart();
  loaded = Load(model);
  ASSERT_TRUE(loaded);
  Write("segv load");  // A process of its own would end with it.
  ASSERT_TRUE((*loaded)->Run(OneRow())) << "a restart does not ask again";
}

TEST_F(WatchedModelTest, ProofHoldsForOneBuildAndOneSignature) {
  const ModelFile model = Write("fine load");
  ASSERT_TRUE(WriteProof(model, "stamp", Proof::kServes));
  EXPECT_EQ(ReadProof(model, "stamp"), Proof::kServes);
  EXPECT_EQ(ReadProof(model, "newer"), Proof::kNone);
  EXPECT_EQ(ReadProof({model.path, "{}"}, "stamp"), Proof::kNone);
  guard_->Condemn(model.path, "crashed");
  EXPECT_EQ(ReadProof(model, "stamp"), Proof::kNone) << "it must prove itself from the start";
}

TEST_F(WatchedModelTest, ACrashAtTheHundredthInferenceTakesNothingDown) {
  const ModelFile model = Write("segv run 100");
  const auto loaded = Load(model);
  ASSERT_TRUE(loaded) << loaded.error().message;
  for (int i = 1; i < 100; ++i) ASSERT_TRUE((*loaded)->Run(OneRow())) << i;
  for (int i = 0; i < 2; ++i) {
    const auto crashed = (*loaded)->Run(OneRow());
    ASSERT_FALSE(crashed);
    EXPECT_EQ(crashed.error().code, ErrorCode::kUnavailable);
    EXPECT_THAT(crashed.error().message, HasSubstr("SIGSEGV while answering (inference 100)"));
  }
  Restart();
  EXPECT_EQ(Reason(model), "crashed with SIGSEGV while answering (inference 100)");
}

TEST_F(WatchedModelTest, AHangOnProbationIsEndedAtOnce) {
  Restart(milliseconds(300));
  const ModelFile model = Write("hang run 1");
  const auto loaded = Load(model);
  ASSERT_TRUE(loaded) << loaded.error().message;
  const auto late = (*loaded)->Run(OneRow());
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kDeadline);
  EXPECT_EQ(Reason(model), "took longer than 0.3 s while answering (inference 1)");
  const auto next = (*loaded)->Run(OneRow());
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code, ErrorCode::kUnavailable);
}

TEST_F(WatchedModelTest, AProvenModelMayBeLateTwiceButNotThreeTimesInARow) {
  const ModelFile model = Write("hang run 1 server");
  const auto loaded = Load(model);
  ASSERT_TRUE(loaded) << loaded.error().message;
  PassProbation(**loaded);
  for (int i = 1; i <= kTimeoutsToCondemn; ++i) {
    EXPECT_EQ(Reason(model), "");
    const auto late = RunLong(**loaded);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, ErrorCode::kDeadline);
  }
  EXPECT_EQ(Reason(model), "took longer than 60 s while answering, 3 times in a row");
  EXPECT_EQ((*loaded)->Run(OneRow()).error().code, ErrorCode::kUnavailable);
}

/// Goes on until the test lets it, whatever it is told.
class DeafModel final : public LoadedModel {
 public:
  const Signature& signature() const override { return signature_; }
  Result<std::vector<Tensor>> Run(std::span<const Tensor> inputs) const override {
    release_.wait(false);
    return std::vector<Tensor>(inputs.begin(), inputs.end());
  }
  std::chrono::nanoseconds time_per_row() const override { return std::chrono::nanoseconds(1); }
  std::unique_ptr<ModelRun> NewRun() const override { return std::make_unique<DeafRun>(*this); }
  void Release() {
    release_ = true;
    release_.notify_all();
  }

 private:
  class DeafRun final : public ModelRun {
   public:
    explicit DeafRun(const DeafModel& model) : model_(model) {}
    Result<std::vector<Tensor>> Run(std::span<const Tensor> inputs) override {
      return model_.Run(inputs);
    }
    void Stop() override {}

   private:
    const DeafModel& model_;
  };

  const Signature signature_;
  std::atomic<bool> release_{false};
};

TEST_F(WatchedModelTest, AModelThatDoesNotStopLeavesServiceWhileItStillRuns) {
  const auto deaf = std::make_shared<DeafModel>();
  const ModelFile file = Write("none of its own");
  const WatchedModel model(guard_, deaf, file, /*served=*/true);
  std::thread caller([&] { EXPECT_TRUE(model.Run(OneRow())); });
  int overdue = 0;
  while (overdue < 1) overdue += guard_->watch.Tick();
  EXPECT_EQ(Reason(file), "");
  while (overdue < 2) overdue += guard_->watch.Tick();
  EXPECT_EQ(Reason(file), "took longer than 60 s while answering and did not stop when told to");
  EXPECT_EQ(guard_->watch.stuck(), 1);
  EXPECT_EQ(model.Run(OneRow()).error().code, ErrorCode::kUnavailable) << "others need not wait";
  deaf->Release();
  caller.join();
}

TEST_F(WatchedModelTest, BeyondTheLimitTheProcessThatWasKeptLongestIsEnded) {
  const auto keep = [&](std::size_t number) {
    const ModelFile model = Write("fine load", static_cast<char>('a' + number));
    auto child = guard_->Take(model);
    EXPECT_TRUE(child);
    const int pid = (*child)->pid();
    guard_->Keep(model, std::move(*child));
    return pid;
  };
  const int first = keep(0);
  std::vector<int> others;
  for (std::size_t i = 1; i < limits::kMaxModelProcesses; ++i) others.push_back(keep(i));
  EXPECT_TRUE(Lives(first));
  others.push_back(keep(limits::kMaxModelProcesses));
  EXPECT_FALSE(Lives(first));
  for (const int pid : others) EXPECT_TRUE(Lives(pid));
  guard_->Stop();
  for (const int pid : others) EXPECT_FALSE(Lives(pid));
  EXPECT_EQ(guard_->Take(Write("fine load")).error().kind, HarmKind::kNotStarted);
}

TEST_F(WatchedModelTest, ItsProcessGoesWhenTheModelDoes) {
  const ModelFile model = Write("fine load");
  auto loaded = Load(model);
  ASSERT_TRUE(loaded);
  auto child = guard_->Take(model);
  ASSERT_TRUE(child);
  const int pid = (*child)->pid();
  guard_->Keep(model, std::move(*child));
  loaded = Fail(ErrorCode::kInternal, "unloaded");
  EXPECT_FALSE(Lives(pid));
}

}  // namespace
}  // namespace podium::runtime
