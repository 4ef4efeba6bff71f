// A process that counts is killed at any point, again and again: what its file says is what it had
// counted, but for the one request of each core that was being counted.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <map>
#include <thread>

#include "base/mapped_file.h"
#include "base/rng.h"
#include "base/whole_file.h"
#include "testing/temp_dir.h"
#include "view/left_tally.h"
#include "view/rollout_tally.h"

namespace podium::view {
namespace {

constexpr std::size_t kCountingCores = 2;
constexpr int kRounds = 40;
constexpr std::uint64_t kKeysOfCore = 300;

/// How far the cores of the child have come, where the parent sees it.
struct KillProgress {
  struct alignas(64) OfCore {
    std::atomic<std::uint64_t> begun;
    std::atomic<std::uint64_t> done;
  };
  std::array<OfCore, kCountingCores> cores;
};

RolloutMark KilledMark() {
  RolloutMark mark;
  mark.id = RolloutId("ro");
  mark.unit = SplitUnit::kSession;
  return mark;
}

// Each core has its own arm and keys, so that what one of them did can be told.
std::uint64_t KeyAt(std::size_t core, std::uint64_t request) {
  return (request % kKeysOfCore * kCountingCores + core) << 44U;
}
bool FailsAt(std::uint64_t request) { return request % 7 < 2; }

[[noreturn]] void CountUntilKilled(const std::string& path, KillProgress& progress) {
  const RolloutMark mark = KilledMark();
  auto memory = TallyMemory::InFile(path, {mark.id.get(), 0, "killed"},
                                    RolloutTally::ShapeOf(mark, kCountingCores));
  if (!memory) ::_exit(1);
  RolloutTally tally(mark, std::move(*memory));
  std::array<std::thread, kCountingCores> threads;
  for (std::size_t core = 0; core < kCountingCores; ++core) {
    threads[core] = std::thread([&, core] {
      for (std::uint64_t i = 0;; ++i) {
        progress.cores[core].begun.store(i + 1, std::memory_order_release);
        const RolloutTicket ticket = tally.Admit(core, core == 1, KeyAt(core, i));
        tally.Record(core, ticket, {.failed = FailsAt(i)});
        progress.cores[core].done.store(i + 1, std::memory_order_release);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ::_exit(0);
}

/// What one core has counted after so many requests.
struct Counted {
  ArmCounts arm;
  std::map<std::uint64_t, KeyRanks> errors;
};
Counted CountedAfter(std::size_t core, std::uint64_t requests) {
  Counted counted;
  for (std::uint64_t i = 0; i < requests; ++i) {
    const std::uint64_t rank = i / kKeysOfCore;
    counted.arm.units += rank == 0 ? 1 : 0;
    ++counted.arm.requests;
    if (!FailsAt(i)) continue;
    ++counted.arm.bad[0];
    counted.errors[KeyAt(core, i)].Add(
        static_cast<std::uint8_t>(std::min<std::uint64_t>(rank, kLastRank)));
  }
  return counted;
}

void ExpectBetween(std::uint64_t low, std::uint64_t value, std::uint64_t high) {
  EXPECT_LE(low, value);
  EXPECT_LE(value, high);
}

void ExpectCounted(const LeftTally& left, std::size_t core, std::uint64_t done,
                   std::uint64_t begun) {
  const Counted least = CountedAfter(core, done);
  const Counted most = CountedAfter(core, begun);
  const ArmCounts& arm = core == 1 ? left.canary : left.primary;
  ExpectBetween(least.arm.units, arm.units, most.arm.units);
  ExpectBetween(least.arm.requests, arm.requests, most.arm.requests);
  ExpectBetween(least.arm.bad[0], arm.bad[0], most.arm.bad[0]);
  std::size_t keys = 0;
  for (const MergedKey& key : left.keys) {
    if (key.canary != (core == 1)) continue;
    ++keys;
    const auto before = least.errors.find(key.unit);
    const auto after = most.errors.find(key.unit);
    ASSERT_NE(after, most.errors.end()) << "a key that never failed";
    const std::uint32_t found = key.ranks[0].Packed();
    const bool as_before = before != least.errors.end() && found == before->second.Packed();
    EXPECT_TRUE(as_before || found == after->second.Packed()) << "a key half written";
  }
  ExpectBetween(least.errors.size(), keys, most.errors.size());
}

TEST(TallyKill, LeavesAllButTheRequestThatWasBeingCounted) {
  SeededRng dice(11);
  const Mapping shared = [] {
    const testing::TempDir folder;
    return *MapNewFile(folder / "progress", "", kMappingPage, Outlives::kProcess);
  }();
  auto& progress = *reinterpret_cast<KillProgress*>(shared.bytes().data());
  for (int round = 0; round < kRounds; ++round) {
    const testing::TempDir folder;
    const std::string path = folder / "a.tally";
    for (auto& core : progress.cores) core.begun = core.done = 0;
    const std::uint64_t enough = dice.Next64() % 20'000;
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) CountUntilKilled(path, progress);
    int ended = 0;
    while (progress.cores[0].done.load() + progress.cores[1].done.load() < enough + 2) {
      ASSERT_EQ(::waitpid(child, &ended, WNOHANG), 0) << "it could not count";
      std::this_thread::yield();
    }
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    ASSERT_EQ(::waitpid(child, &ended, 0), child);
    const Result<LeftTally> left = ReadLeftTally(**ReadWholeFile(path, 1U << 30U));
    ASSERT_TRUE(left) << Describe(left.error());
    for (std::size_t core = 0; core < kCountingCores; ++core) {
      SCOPED_TRACE(core);
      ExpectCounted(*left, core, progress.cores[core].done, progress.cores[core].begun);
    }
  }
}

}  // namespace
}  // namespace podium::view
