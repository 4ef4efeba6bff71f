// Two hundred stories of everything going wrong at once, and none may break
// invariants 1 to 8, 12 and 13.
//
//   testing_sim_test                         200 seeds, and those that once failed
//   testing_sim_test --seeds=5000            that many
//   testing_sim_test --seed=17               this one, with its last events
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <array>
#include <charconv>
#include <csignal>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "testing/sim/sim_world.h"

namespace podium::testing {
namespace {

constexpr std::uint64_t kSeeds = 200;  ///< Enough that every kind of fault comes about.

constexpr std::array kVerbs = {PromotionKind::kRegister, PromotionKind::kPromote,
                               PromotionKind::kActivate, PromotionKind::kRollback,
                               PromotionKind::kRamp,     PromotionKind::kAbort,
                               PromotionKind::kArms,     PromotionKind::kRetire,
                               PromotionKind::kDelete,   PromotionKind::kRollout};

std::uint64_t g_seeds = kSeeds;       ///< How many stories, from seed 1 on.
std::optional<std::uint64_t> g_only;  ///< The one to replay.
std::array<char, 40> g_telling{};     ///< For the one who finds the process aborted.

// A broken assertion of the product's own ends the process: the seed must be known all the same.
void SayWhichSeed(int) {
  (void)!::write(STDERR_FILENO, g_telling.data(), std::strlen(g_telling.data()));
}

// Half of the seeds are told on each kind of store.
SimOptions OptionsOf(std::uint64_t seed) {
  SimOptions options;
  options.seed = seed;
  options.store = seed % 2 == 0 ? SimStore::kSqlite : SimStore::kMemory;
  return options;
}

SimReport Tell(const SimOptions& options) {
  *fmt::format_to_n(g_telling.data(), g_telling.size() - 1, "in seed {}\n", options.seed).out = 0;
  std::signal(SIGABRT, SayWhichSeed);
  SimReport report = SimWorld(options).Run();
  EXPECT_EQ(report.failure, "") << "seed " << options.seed
                                << ": add it to tests/sim/seeds.txt; replay it with\n"
                                << "  testing_sim_test --seed=" << options.seed;
  return report;
}

struct Sums {
  std::uint64_t seeds = 0;
  std::uint64_t steps = 0;
  std::uint64_t answered = 0;
  std::map<PromotionKind, std::uint64_t> committed;
  FaultCounts faults;
  RolloutCounts rollouts;

  void Add(const SimReport& report) {
    ++seeds;
    steps += report.steps;
    answered += report.answered;
    for (const auto& [kind, count] : report.committed) committed[kind] += count;
    faults.Add(report.faults);
    rollouts.Add(report.rollouts);
  }
  std::string Text() const {
    std::string text =
        fmt::format("{} seeds, {} steps, {} calls answered; committed:", seeds, steps, answered);
    for (const auto& [kind, count] : committed) text += fmt::format(" {} {},", NameOf(kind), count);
    text += " faults:";
    for (std::size_t i = 0; i < kSimFaults; ++i) {
      text += fmt::format("{} {} {}", i == 0 ? "" : ",", NameOf(static_cast<SimFault>(i)),
                          faults.counts[i]);
    }
    text += fmt::format(
        "; rollouts: {} started, by drivers {} steps up, {} promoted, {} rolled back, {} told "
        "overdue, {} moves by people",
        rollouts.started, rollouts.stepped, rollouts.promoted, rollouts.rolled_back, rollouts.paged,
        rollouts.by_person);
    return text;
  }
};

TEST(Simulation, Invariants1To8HoldInEveryStory) {
  Sums sums;
  const std::uint64_t first = g_only.value_or(1);
  const std::uint64_t last = g_only.value_or(g_seeds);
  for (std::uint64_t seed = first; seed <= last && !HasFailure(); ++seed) {
    sums.Add(Tell(OptionsOf(seed)));
  }
  fmt::print("{}\n", sums.Text());
  if (g_only || g_seeds < kSeeds || HasFailure()) return;
  // A verb that is always refused breaks no invariant, and proves none.
  for (const PromotionKind kind : kVerbs) {
    EXPECT_GT(sums.committed[kind], 0U) << "nothing was proved about: " << NameOf(kind);
  }
  for (const std::uint64_t count :
       {sums.rollouts.started, sums.rollouts.stepped, sums.rollouts.promoted,
        sums.rollouts.rolled_back, sums.rollouts.paged, sums.rollouts.by_person}) {
    EXPECT_GT(count, 0U) << "nothing was proved about rollouts: " << sums.Text();
  }
  for (std::size_t i = 0; i < kSimFaults; ++i) {
    EXPECT_GT(sums.faults.counts[i], 0U)
        << "nothing was proved about: " << NameOf(static_cast<SimFault>(i));
  }
}

// Seeds that once failed, for good reasons each: they must never fail again.
TEST(Simulation, SeedsThatOnceFailedDoNot) {
  std::ifstream kept(std::string(PODIUM_SOURCE_DIR) + "/tests/sim/seeds.txt");
  ASSERT_TRUE(kept);
  std::string line;
  while (std::getline(kept, line)) {
    if (line.empty() || line.front() == '#') continue;
    Tell(OptionsOf(std::stoull(line)));
  }
}

// Without this a seed would be no way to find a failure again.
TEST(Simulation, ASeedTellsTheSameStoryTwice) {
  for (const std::uint64_t seed : {3U, 4U}) {
    const SimReport once = Tell(OptionsOf(seed));
    const SimReport again = Tell(OptionsOf(seed));
    EXPECT_EQ(once.hash, again.hash) << "seed " << seed;
    EXPECT_EQ(once.steps, again.steps) << "seed " << seed;
  }
  EXPECT_NE(Tell(OptionsOf(3)).hash, Tell(OptionsOf(5)).hash);
}

// Same verbs, same faults, same moments: what differs between the stores would show in the trace.
TEST(Simulation, BothStoresTellTheSameStory) {
  for (std::uint64_t seed = 1001; seed <= 1010; ++seed) {
    SimOptions options = OptionsOf(seed);
    options.store = SimStore::kMemory;
    const SimReport memory = Tell(options);
    options.store = SimStore::kSqlite;
    EXPECT_EQ(memory.hash, Tell(options).hash) << "seed " << seed;
  }
}

}  // namespace
}  // namespace podium::testing

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  podium::MuteLog();
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    std::uint64_t number = 0;
    const std::size_t equals = argument.find('=');
    const std::string_view digits =
        equals == std::string_view::npos ? "" : argument.substr(equals + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    const bool fits = error == std::errc() && end == digits.data() + digits.size();
    if (fits && argument.starts_with("--seeds=")) {
      podium::testing::g_seeds = number;
    } else if (fits && argument.starts_with("--seed=")) {
      podium::testing::g_only = number;
    } else {
      fmt::print(stderr, "not understood: {}\n", argument);
      return 2;
    }
  }
  return RUN_ALL_TESTS();
}
