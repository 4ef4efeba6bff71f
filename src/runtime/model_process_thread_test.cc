// Real processes, with models that do what their file says (misbehaving_loader.h): whatever a model
// does to its process, this one must get a sentence and keep no leftover.
#include "runtime/model_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/wait.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/clock.h"
#include "runtime/harm_limits.h"
#include "runtime/misbehaving_loader.h"

namespace podium::runtime {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr milliseconds kLong{60'000};
constexpr milliseconds kShort{200};
constexpr milliseconds kToLoad{3'000};  // In which a good one loads anywhere.

class ModelProcessTest : public ::testing::Test {
 protected:
  std::unique_ptr<ModelProcess> Start() {
    auto started = ModelProcess::Start(ThisProgram(), clock_);
    EXPECT_TRUE(started) << started.error().error.message;
    return started ? std::move(*started) : nullptr;
  }
  VerifyOrder Order(const std::string& script) {
    const fs::path file = fs::path(::testing::TempDir()) / "model-process-script";
    std::ofstream(file, std::ios::trunc) << script;
    VerifyOrder order;
    order.file = file.string();
    return order;
  }
  static std::vector<Tensor> OneRow() {
    return {{"x", DataType::kFp32, {1, 1}, std::vector<std::byte>(sizeof(float)), {}}};
  }
  SystemClock clock_;
};

/// Waits for its death, and leaves it to its owner to reap.
void AwaitDeath(int pid) {
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
}

/// What follows `name` in a file of /proc/PID.
std::string Shown(int pid, const std::string& file, const std::string& name) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/" + file);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(name)) return line.substr(name.size());
  }
  return "";
}

TEST_F(ModelProcessTest, LoadsAndAnswers) {
  const auto child = Start();
  const auto note = child->Verify(Order("fine load"), kLong);
  ASSERT_TRUE(note) << note.error().error.message;
  EXPECT_EQ(note->time_per_row, std::chrono::microseconds(1));
  for (int i = 0; i < 3; ++i) {
    const auto answer = child->Run(OneRow(), kLong);
    ASSERT_TRUE(answer) << answer.error().error.message;
    EXPECT_EQ(answer->at(0).name, "y");
  }
}

TEST_F(ModelProcessTest, SaysWhatBecameOfIt) {
  struct Case {
    const char* script;
    HarmKind kind;
    const char* words;
    milliseconds limit = kLong;
  };
  const Case cases[] = {
      {"segv load", HarmKind::kCrashed, "crashed with SIGSEGV while loading"},
      {"abort load", HarmKind::kCrashed, "crashed with SIGABRT while loading"},
      {"exit load", HarmKind::kCrashed, "ended its process with exit code 7 while loading"},
      {"hang load", HarmKind::kTimedOut, "took longer than 0.2 s while loading", kShort},
      {"refuse load", HarmKind::kRefused, "it is refused"},
      {"segv warm-up", HarmKind::kCrashed, "crashed with SIGSEGV while warming up"},
      {"overflow warm-up", HarmKind::kCrashed, "crashed with SIGSEGV while warming up"},
      {"kill load", HarmKind::kNotStarted, "was killed while loading"},
      {"kill warm-up", HarmKind::kNotStarted, "was killed while warming up"},
      {"hang warm-up", HarmKind::kTimedOut, "took longer than 3 s while warming up", kToLoad},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.script);
    const auto child = Start();
    const auto note = child->Verify(Order(c.script), c.limit);
    ASSERT_FALSE(note);
    EXPECT_EQ(note.error().kind, c.kind);
    EXPECT_THAT(note.error().error.message, HasSubstr(c.words));
  }
}

TEST_F(ModelProcessTest, MayFailAtALaterRun) {
  const std::tuple<const char*, HarmKind, const char*> cases[] = {
      {"segv run 3", HarmKind::kCrashed, "crashed with SIGSEGV while answering"},
      {"hang run 3", HarmKind::kTimedOut, "took longer than 0.2 s while answering"},
      {"kill run 3", HarmKind::kNotStarted, "was killed while answering"},
      {"refuse run 3", HarmKind::kRefused, "it is refused"},
  };
  for (const auto& [script, kind, words] : cases) {
    SCOPED_TRACE(script);
    const auto child = Start();
    ASSERT_TRUE(child->Verify(Order(script), kLong));
    EXPECT_TRUE(child->Run(OneRow(), kLong));
    EXPECT_TRUE(child->Run(OneRow(), kLong));
    const auto third = child->Run(OneRow(), kind == HarmKind::kTimedOut ? kShort : kLong);
    ASSERT_FALSE(third);
    EXPECT_EQ(third.error().kind, kind);
    EXPECT_THAT(third.error().error.message, HasSubstr(words));
  }
}

// An error of the model is no harm: the next call is answered.
TEST_F(ModelProcessTest, LivesOnAfterARefusal) {
  const auto child = Start();
  ASSERT_TRUE(child->Verify(Order("fine load"), kLong));
  Tensor wrong = OneRow().front();
  wrong.type = DataType::kFp64;  // Twice as wide as what it holds.
  const auto refused = child->Run(std::vector<Tensor>{wrong}, kLong);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, HarmKind::kRefused);
  EXPECT_TRUE(child->Run(OneRow(), kLong));
}

TEST_F(ModelProcessTest, LeavesNoProcessBehind) {
  int pid = 0;
  {
    const auto child = Start();
    ASSERT_TRUE(child->Verify(Order("fine load"), kLong));
    pid = child->pid();
    EXPECT_TRUE(Lives(pid));
  }
  EXPECT_FALSE(Lives(pid));
  {
    const auto child = Start();
    pid = child->pid();
    EXPECT_FALSE(child->Verify(Order("hang load"), kShort));
  }
  EXPECT_FALSE(Lives(pid));
}

// The server goes, and its thread with it: a model that hangs must not stay behind.
TEST_F(ModelProcessTest, DiesWithTheThreadThatStartedIt) {
  std::unique_ptr<ModelProcess> child;
  std::thread([&] {
    child = Start();
    ASSERT_TRUE(child->Verify(Order("hang run 1"), kLong));
  }).join();
  const auto answer = child->Run(OneRow(), kLong);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, HarmKind::kNotStarted);
}

// A service manager that stops a service signals its whole group: no model is to blame for that.
TEST_F(ModelProcessTest, DoesNotHearWhatIsMeantForTheServer) {
  const auto child = Start();
  ASSERT_TRUE(child->Verify(Order("fine load"), kLong));
  for (const int number : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2}) {
    SCOPED_TRACE(SignalName(number));
    ASSERT_EQ(::kill(child->pid(), number), 0);
    const auto answer = child->Run(OneRow(), kLong);
    ASSERT_TRUE(answer) << answer.error().error.message;
  }
}

// What it died of before it was asked, even of a crash, says nothing about the model.
TEST_F(ModelProcessTest, OneThatWasDeadBeforeIsNotTheModelsCrash) {
  for (const int number : {SIGSEGV, SIGABRT, SIGKILL}) {
    SCOPED_TRACE(SignalName(number));
    const auto loaded = Start();
    ASSERT_TRUE(loaded->Verify(Order("fine load"), kLong));
    ASSERT_EQ(::kill(loaded->pid(), number), 0);
    AwaitDeath(loaded->pid());
    const auto answer = loaded->Run(OneRow(), kLong);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, HarmKind::kNotStarted) << answer.error().error.message;
    EXPECT_EQ(answer.error().error.code, ErrorCode::kUnavailable);
    EXPECT_THAT(answer.error().error.message, HasSubstr("before it was asked"));

    const auto fresh = Start();
    ASSERT_EQ(::kill(fresh->pid(), number), 0);
    AwaitDeath(fresh->pid());
    const auto note = fresh->Verify(Order("fine load"), kLong);
    ASSERT_FALSE(note);
    EXPECT_EQ(note.error().kind, HarmKind::kNotStarted) << note.error().error.message;
  }
}

/// Time stands still; its third reading (the first after a frame was sent) wakes a process.
class WakingClock final : public Clock {
 public:
  void Wake(int pid) { pid_ = pid; }
  WallTime Now() const override { return {}; }
  SteadyTime SteadyNow() const override {
    if (++readings_ == 3) ::kill(pid_, SIGCONT);
    return {};
  }

 private:
  int pid_ = 0;
  mutable int readings_ = 0;
};

// The frame was on its way, yet the child died without reading it.
TEST_F(ModelProcessTest, OneThatDiesBeforeItReadsIsNotTheModelsCrash) {
  WakingClock clock;
  auto started = ModelProcess::Start(ThisProgram(), clock);
  ASSERT_TRUE(started);
  const int pid = (*started)->pid();
  clock.Wake(pid);
  ASSERT_EQ(::kill(pid, SIGSTOP), 0);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &info, WSTOPPED), 0);
  ASSERT_EQ(::kill(pid, SIGSEGV), 0);  // Waits until the child goes on.
  const auto note = (*started)->Verify(Order("fine load"), kLong);
  ASSERT_FALSE(note);
  EXPECT_EQ(note.error().kind, HarmKind::kNotStarted) << note.error().error.message;
}

// When memory runs out the system is to end a model's process, not the server.
TEST_F(ModelProcessTest, IsTheFirstToGoWhenMemoryRunsOut) {
  const auto child = Start();
  ASSERT_TRUE(child->Verify(Order("fine load"), kLong));
  EXPECT_EQ(Shown(child->pid(), "oom_score_adj", ""), "1000");
}

// A model that loads in little may answer in more: the limit of the load ends with the load.
TEST_F(ModelProcessTest, ItsCallsHaveALimitOfTheirOwn) {
  constexpr std::uint64_t kMiB = 1024 * 1024;
  VerifyOrder order = Order("feast run 2");
  order.memory_bytes = 64 * kMiB;
  order.call_memory_bytes = 256 * kMiB;
  const auto child = Start();
  ASSERT_TRUE(child->Verify(order, kLong));
#ifndef PODIUM_SANITIZED  // One under a sanitizer has no limit on its memory.
  const std::uint64_t has = std::stoull(Shown(child->pid(), "status", "VmData:")) * 1024;
  const std::uint64_t may = std::stoull(Shown(child->pid(), "limits", "Max data size"));
  const std::uint64_t room = order.call_memory_bytes + 2 * limits::kMaxFrameBytes;
  EXPECT_NEAR(static_cast<double>(may), static_cast<double>(has + room), 4.0 * kMiB);
#endif
  for (int i = 0; i < 3; ++i) {
    const auto answer = child->Run(OneRow(), kLong);
    EXPECT_TRUE(answer) << answer.error().error.message;
  }
}

// An error of the library quotes the model's names, which may be any bytes.
TEST_F(ModelProcessTest, WhatAModelSaysIsMadeText) {
  const auto child = Start();
  const auto note = child->Verify(Order("babble load"), kLong);
  ASSERT_FALSE(note);
  EXPECT_EQ(note.error().kind, HarmKind::kRefused);
  const std::string& said = note.error().error.message;
  EXPECT_TRUE(
      said.starts_with(" [31mred\xEF\xBF\xBD"
                       "aaa"))
      << said;
  EXPECT_EQ(said.size(), limits::kMaxHarmTextBytes);
}

TEST_F(ModelProcessTest, AWaitEndsWhenItIsKilled) {
  const auto child = Start();
  const VerifyOrder order = Order("hang load");
  std::thread killer([&] { child->Kill(); });
  const auto note = child->Verify(order, kLong);
  killer.join();
  ASSERT_FALSE(note);
  EXPECT_EQ(note.error().kind, HarmKind::kNotStarted);
}

TEST_F(ModelProcessTest, AMissingProgramIsOurTrouble) {
  const auto started = ModelProcess::Start("/does/not/exist", clock_);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().kind, HarmKind::kNotStarted);
  EXPECT_THAT(started.error().error.message, HasSubstr("/does/not/exist"));
}

}  // namespace
}  // namespace podium::runtime
