// kill -9 at random moments, two hundred times: each attempt whose intent was written has one event
// in the database, with its outcome if that was written; nothing else is there, and the daily sums
// are those of the events.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "base/rng.h"
#include "control/costs/cost_projector.h"
#include "store/sqlite_store.h"
#include "testing/temp_dir.h"

namespace podium::control {
namespace {

constexpr int kRounds = 200;
constexpr std::size_t kCores = 2;
constexpr std::size_t kMost = 120;  // Attempts of one core in one round.
constexpr std::size_t kRecords = 2 * kMost + 1;
constexpr std::int64_t kEstimate = 5000;

/// What a child has been told by the journal, in memory that outlives it.
struct Told {
  std::array<std::array<std::atomic<std::uint8_t>, kRecords>, kCores> begun;
  std::array<std::array<std::atomic<std::uint8_t>, kRecords>, kCores> ended;
  std::atomic<std::uint32_t> progress;
};
static_assert(std::atomic<std::uint8_t>::is_always_lock_free);

/// Shared with the children.
class ToldMemory {
 public:
  ToldMemory()
      : memory_(::mmap(nullptr, sizeof(Told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                       -1, 0)) {}
  ~ToldMemory() { ::munmap(memory_, sizeof(Told)); }
  ToldMemory(const ToldMemory&) = delete;
  ToldMemory& operator=(const ToldMemory&) = delete;
  Told& operator*() const { return *static_cast<Told*>(memory_); }

 private:
  void* memory_;
};

std::int64_t CostOf(std::uint64_t sequence) { return static_cast<std::int64_t>(sequence) + 1; }

journal::JournalOptions OptionsOf(const std::string& root, std::uint64_t incarnation) {
  journal::JournalOptions options;
  options.root = root;
  options.incarnation = incarnation;
  options.cores = kCores;
  options.segment_bytes = 4 * journal::kMaxFrameBytes;
  options.disk_reserve = 0;
  return options;
}

// One core of a child: attempts that begin and end, a few open at once.
void Write(journal::Journal& journal, std::size_t core, Told& told, std::uint64_t seed) {
  SeededRng rng(seed);
  std::vector<journal::OpenAttempt> open;
  std::size_t begun = 0;
  while (begun < kMost || !open.empty()) {
    const bool begin =
        begun < kMost && (open.empty() || (open.size() < 8 && rng.Next64() % 2 == 0));
    if (begin) {
      journal::IntentView intent;
      intent.model = "mini";
      intent.estimated_cost = NanoUsd{kEstimate};
      const auto attempt = journal::WriteIntent(journal.writer(core), intent);
      if (!attempt) {
        std::this_thread::yield();
        continue;
      }
      told.begun[core][attempt->sequence] = 1;
      open.push_back(*attempt);
      ++begun;
    } else {
      const std::size_t which = rng.Next64() % open.size();
      const journal::OpenAttempt attempt = open[which];
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(which));
      journal::Outcome outcome;
      outcome.cost = NanoUsd{CostOf(attempt.sequence)};
      journal::WriteOutcome(journal.writer(core), attempt, outcome);
      told.ended[core][attempt.sequence] = 1;
    }
    ++told.progress;
    if (rng.Next64() % 4 == 0) std::this_thread::yield();
  }
}

// Writes and stores until it is killed.
[[noreturn]] void LiveAndDie(const testing::TempDir& folder, std::uint64_t incarnation,
                             Told& told) {
  SystemClock clock;
  SeededRng rng(incarnation);
  auto store = store::SqliteStore::Open(folder / "registry.db", clock, rng);
  auto journal = journal::Journal::Open(OptionsOf(folder / "journal", incarnation));
  if (!store || !journal) ::_exit(1);
  std::vector<std::thread> cores;
  std::atomic<std::size_t> writing = kCores;
  for (std::size_t core = 0; core < kCores; ++core) {
    cores.emplace_back([&, core] {
      Write(**journal, core, told, incarnation * kCores + core);
      --writing;
    });
  }
  CostProjector projector(**journal, folder / "journal", **store, clock);
  while (true) {
    if (!(*journal)->Prepare() || !projector.Step()) ::_exit(1);
    if (projector.save_due() && !projector.Save()) ::_exit(1);
    // Else its idle turns would be counted where the writers are not let run: kills of nothing.
    if (writing == 0) ++told.progress;
  }
}

void RunAndKill(const testing::TempDir& folder, std::uint64_t incarnation, Told& told, Rng& rng) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) LiveAndDie(folder, incarnation, told);
  const std::uint64_t moment = rng.Next64() % (4 * kCores * kMost + 40);
  while (told.progress < moment && ::waitpid(child, nullptr, WNOHANG) == 0) {
    std::this_thread::yield();
  }
  ::kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child) << "it ended by itself";
  ASSERT_TRUE(WIFSIGNALED(status));
}

std::map<std::string, CostEvent> AllEvents(store::CostStore& store) {
  std::map<std::string, CostEvent> events;
  std::string after;
  while (true) {
    const auto page = store.ReadCostEvents(after, 1000);
    EXPECT_TRUE(page) << Describe(page.error());
    if (!page || page->empty()) return events;
    for (const CostEvent& event : *page) events[event.event_id] = event;
    after = page->back().event_id;
  }
}

/// Lost and invented events of one round; what was begun and is there is taken out of `events`.
struct Verdict {
  int lost = 0;
  int wrong = 0;
  int untold = 0;  // Written, and the process ended before it could say so.
};

Verdict Judge(const Told& told, std::uint64_t incarnation,
              std::map<std::string, CostEvent>& events) {
  Verdict verdict;
  for (std::uint32_t core = 0; core < kCores; ++core) {
    for (std::uint64_t sequence = 1; sequence < kRecords; ++sequence) {
      const auto found = events.find(journal::EventId(incarnation, core, sequence));
      const bool begun = told.begun[core][sequence] != 0;
      if (found == events.end()) {
        verdict.lost += begun ? 1 : 0;
        continue;
      }
      const CostEvent& event = found->second;
      const bool ok = event.status == AttemptStatus::kOk && event.cost == NanoUsd{CostOf(sequence)};
      const bool unknown =
          event.status == AttemptStatus::kUnknown && event.cost == NanoUsd{kEstimate};
      const bool ended = told.ended[core][sequence] != 0;
      if (ended ? !ok : !(ok || unknown)) ++verdict.wrong;
      if (!begun || (ok && !ended)) ++verdict.untold;
      events.erase(found);
    }
  }
  return verdict;
}

TEST(CostKill, Inv11EveryAttemptHasOneEvent) {
  MuteLog();  // And so no thread of the log, which a fork would leave behind.
  SystemRng chance;
  const std::uint64_t seed = chance.Next64() % 1'000'000;
  SCOPED_TRACE(fmt::format("seed {}; the moments depend on the machine too", seed));
  SeededRng rng(seed);
  const testing::TempDir folder("/dev/shm");
  std::vector<ToldMemory> told(kRounds);
  for (int round = 0; round < kRounds; ++round) {
    RunAndKill(folder, static_cast<std::uint64_t>(round) + 1,
               *told[static_cast<std::size_t>(round)], rng);
    if (HasFatalFailure()) return;
  }

  SystemClock clock;
  auto store = store::SqliteStore::Open(folder / "registry.db", clock, rng);
  auto journal = journal::Journal::Open(OptionsOf(folder / "journal", kRounds + 1));
  ASSERT_TRUE(store && journal);
  CostProjector last(**journal, folder / "journal", **store, clock);
  ASSERT_TRUE(last.Drain());
  EXPECT_EQ(journal::LogFolders(folder / "journal").size(), 1U);

  std::map<std::string, CostEvent> events = AllEvents(**store);
  const std::size_t count = events.size();
  NanoUsd cost;
  for (const auto& [id, event] : events) cost = AddUpTo(cost, event.cost.value_or(NanoUsd{}));
  Verdict all;
  for (int round = 0; round < kRounds; ++round) {
    const Verdict verdict = Judge(*told[static_cast<std::size_t>(round)],
                                  static_cast<std::uint64_t>(round) + 1, events);
    EXPECT_LE(verdict.untold, 2 * static_cast<int>(kCores)) << "one record of each core at most";
    all.lost += verdict.lost;
    all.wrong += verdict.wrong;
  }
  EXPECT_EQ(all.lost, 0);
  EXPECT_EQ(all.wrong, 0);
  EXPECT_TRUE(events.empty()) << "invented: " << events.begin()->first;
  EXPECT_GT(count, static_cast<std::size_t>(kRounds) * 20);

  // An event that was added twice shows in the sums.
  std::int64_t calls = 0;
  NanoUsd of_days;
  const auto days = (*store)->ReadDailyCosts();
  ASSERT_TRUE(days);
  for (const store::DailyCost& day : *days) {
    calls += day.calls;
    of_days = AddUpTo(of_days, day.cost);
  }
  EXPECT_EQ(calls, static_cast<std::int64_t>(count));
  EXPECT_EQ(of_days, cost);
  RecordProperty("events", static_cast<int>(count));
}

}  // namespace
}  // namespace podium::control
