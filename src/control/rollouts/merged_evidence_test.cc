// Three replicas that are killed, restarted and cut off from the database: what the store makes of
// their evidence is what a log of all requests says, whatever happened on the way.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "control/rollouts/driver_world_fixture.h"
#include "control/rollouts/evidence_sender.h"
#include "control/rollouts/left_evidence.h"
#include "testing/temp_dir.h"

namespace podium::control {
namespace {

constexpr std::size_t kReplicas = 3;
constexpr std::size_t kKeys = 60;
constexpr int kSteps = 1'500;

/// A request as the log has it: nothing of tallies, ranks or merging.
struct Logged {
  std::uint32_t epoch = 0;
  std::uint64_t key = 0;
  bool canary = false;
  bool answered = false;
  bool failed = false;
  bool slow = false;  ///< Above each latency threshold.
};

/// A call under way: where its outcome goes, and its line in the log.
struct InFlight {
  std::shared_ptr<view::RolloutTally> tally;
  view::RolloutTicket ticket;
  std::size_t line = 0;
};

/// One life of a replica.
struct Life {
  /// `root`: the data directory that all replicas share.
  Life(store::RolloutStore& store, std::string name_in, const std::string& root,
       std::function<std::vector<RolloutMark>()> live)
      : name(std::move(name_in)),
        cut(store),
        tallies(2, *view::TallyFolder::Make(root, name)),
        sender(tallies, cut, name, std::move(live)),
        left(root, cut) {}

  Status Send() {
    PODIUM_TRY(sender.Send());
    return left.Send();
  }
  const std::string name;
  CutStore cut;
  view::RolloutTallies tallies;
  EvidenceSender sender;
  LeftEvidence left;
  std::vector<Logged> log;
  std::deque<InFlight> calls;
};

class MergedEvidenceTest : public DriverWorldTest {
 protected:
  explicit MergedEvidenceTest(SplitUnit unit = SplitUnit::kSession) : DriverWorldTest(unit) {}

  void Play(std::uint64_t seed) {
    dice_ = SeededRng(seed);
    for (std::size_t i = 0; i < kReplicas; ++i) Begin(i);
    for (int step = 0; step < kSteps; ++step) {
      Life& life = *lives_[Below(kReplicas)];
      const std::size_t what = Below(100);
      if (what < 55) {
        Ask(life);
      } else if (what < 85) {
        Answer(life);
      } else if (what < 93) {
        const Status sent = life.Send();
        EXPECT_TRUE(sent || life.cut.away);
      } else if (what < 97) {
        life.cut.away = !life.cut.away;
      } else if (what < 98) {
        Kill(Below(kReplicas));
      } else if (what == 98 && Below(5) == 0) {
        NextPartBegins();
      }
    }
    for (auto& life : lives_) {
      life->cut.away = false;
      EXPECT_TRUE(life->Send());
      ended_.emplace_back(life->name, life->log);
    }
  }

  std::size_t Below(std::size_t count) { return dice_.Next64() % count; }
  void Begin(std::size_t i) {
    const std::string name = "r" + std::to_string(i) + "-" + std::to_string(++births_);
    lives_[i] = std::make_unique<Life>(store_, name, folder_.path(),
                                       [this] { return std::vector<RolloutMark>{MarkOf(Row())}; });
  }
  // kill -9: its calls are gone, and what it counted lies where it was counted.
  void Kill(std::size_t i) {
    ++kills_;
    ended_.emplace_back(lives_[i]->name, lives_[i]->log);
    Begin(i);
  }
  void NextPartBegins() {
    store::MoveRollout move = Verb(store::RolloutMove::kEpoch);
    move.epoch = rollout::NextPart(Row(), {}, KnownPrimary());
    for (std::uint32_t& judged : move.epoch->judged_requests) judged = 4;
    Must(move);
  }
  void Ask(Life& life) {
    const RolloutMark mark = MarkOf(Row());
    const auto tally = life.tallies.Of(mark);
    // A cell of its own for each key; every fifth is the candidate's.
    const std::uint64_t key = Below(kKeys);
    const bool canary = key % 5 == 0;
    life.calls.push_back({tally, tally->Admit(Below(2), canary, key << 44U), life.log.size()});
    life.log.push_back({mark.epoch, key, canary, false, false, false});
  }
  void Answer(Life& life) {
    if (life.calls.empty()) return;
    const std::size_t which = Below(life.calls.size());
    InFlight call = life.calls[which];
    life.calls.erase(life.calls.begin() + static_cast<std::ptrdiff_t>(which));
    view::RolloutOutcome outcome;
    outcome.failed = Below(100) < (call.ticket.canary ? 20u : 8u);
    outcome.latency = std::chrono::milliseconds(Below(10) == 0 ? 500 : 1);
    call.tally->Record(Below(2), call.ticket, outcome);
    Logged& line = life.log[call.line];
    line.answered = true;
    line.failed = outcome.failed;
    line.slow = outcome.failed || outcome.latency > std::chrono::milliseconds(100);
  }

  /// The log of all lives, counted by hand.
  std::vector<EpochCounts> CountedByHand() {
    std::vector<EpochCounts> epochs(Row().epochs.size());
    std::vector<std::set<std::string>> who(epochs.size());
    // By epoch, series and key; ranks are those within one life.
    std::map<std::tuple<std::uint32_t, std::size_t, std::uint64_t>, ByHand> keys;
    for (const auto& [name, log] : ended_) {
      std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint32_t> seen;
      for (const Logged& line : log) {
        const std::uint32_t rank = seen[{line.epoch, line.key}]++;
        ArmTotal& arm = line.canary ? epochs[line.epoch].canary : epochs[line.epoch].primary;
        if (!IsSticky(Row().plan.unit) || rank == 0) ++arm.units;
        who[line.epoch].insert(name);
        if (!line.answered) continue;
        ++arm.requests;
        for (std::size_t series = 0; series < 4; ++series) {
          if (!(series == 0 ? line.failed : line.slow)) continue;
          ++arm.bad[series];
          keys[{line.epoch, series, line.key}].Add(name, rank, line.canary);
        }
      }
      for (auto& [at, key] : keys) key.Seen(name, seen[{std::get<0>(at), std::get<2>(at)}]);
    }
    for (std::size_t i = 0; i < epochs.size(); ++i) epochs[i].incarnations = who[i].size();
    if (!IsSticky(Row().plan.unit)) return epochs;
    for (const auto& [at, key] : keys) {
      const bool over = std::get<0>(at) + 1 < epochs.size();
      const bool alone = who[std::get<0>(at)].size() == 1;
      epochs[std::get<0>(at)].keys[std::get<1>(at)].push_back(
          key.Merged(over || (alone && key.seen >= 16)));
    }
    for (std::size_t i = 0; i < epochs.size(); ++i) {
      for (std::size_t series = 0; series < kRolloutSeries; ++series) {
        const std::uint32_t judged = Row().epochs[i].judged_requests[series];
        epochs[i].tallies[series] = rollout::TallyOf(epochs[i].keys[series], judged);
      }
    }
    return epochs;
  }

  /// One failing key: ranks of its bad requests in each life.
  struct ByHand {
    void Add(const std::string& life, std::uint32_t rank, bool of_canary) {
      ranks.push_back(rank);
      bad_early[life] += rank < 16 ? 1 : 0;
      canary = of_canary;
    }
    void Seen(const std::string& life, std::uint32_t times) {
      if (bad_early.contains(life)) seen = times;
    }
    rollout::KeyHit Merged(bool closed) const {
      std::vector<std::uint32_t> sorted = ranks;
      std::sort(sorted.begin(), sorted.end());
      std::uint32_t bad = 0;
      for (const auto& [life, count] : bad_early) bad += count;
      rollout::KeyHit key;
      key.record.first_rank = sorted[0];
      if (sorted.size() > 1) key.record.second_rank = sorted[1];
      key.record.bad = std::min<std::uint32_t>(bad, 16);
      key.canary = canary;
      key.closed = closed;
      return key;
    }
    std::vector<std::uint32_t> ranks;
    std::map<std::string, std::uint32_t> bad_early;
    std::uint32_t seen = 0;
    bool canary = false;
  };

  void ExpectTheLogsVerdict() {
    const store::RolloutEvidence stored = *store_.ReadEvidence(id_);
    const RolloutLook look = LookAt(stored, KnownPrimary(), stored.rollout.log_e_peak);
    ASSERT_TRUE(look.fault) << Describe(look.fault.error());
    const auto by_hand =
        Assemble(stored, CountedByHand(), KnownPrimary(), stored.rollout.log_e_peak);
    ASSERT_TRUE(by_hand);
    EXPECT_EQ(look.evidence, *by_hand);
    EXPECT_EQ(look.verdict.sentence, rollout::Judge(*by_hand)->sentence);
    std::uint64_t events = 0;
    for (const auto& step : look.evidence.metrics[0].series[0].steps) events += step.events;
    EXPECT_GT(events, 0u);
  }

  const podium::testing::TempDir folder_;
  SeededRng dice_{1};
  int births_ = 0;
  int kills_ = 0;
  std::array<std::unique_ptr<Life>, kReplicas> lives_;
  std::vector<std::pair<std::string, std::vector<Logged>>> ended_;
};

class MergedKeysTest : public MergedEvidenceTest, public ::testing::WithParamInterface<int> {};

TEST_P(MergedKeysTest, SayWhatTheLogSays) {
  Play(static_cast<std::uint64_t>(GetParam()));
  EXPECT_GT(kills_, 3);
  ExpectTheLogsVerdict();
}

class MergedRequestsTest : public MergedEvidenceTest, public ::testing::WithParamInterface<int> {
 protected:
  MergedRequestsTest() : MergedEvidenceTest(SplitUnit::kRequest) {}
};

TEST_P(MergedRequestsTest, SayWhatTheLogSays) {
  Play(static_cast<std::uint64_t>(GetParam()));
  EXPECT_GT(kills_, 3);
  ExpectTheLogsVerdict();
}

INSTANTIATE_TEST_SUITE_P(Seeds, MergedKeysTest, ::testing::Range(1, 9));
INSTANTIATE_TEST_SUITE_P(Seeds, MergedRequestsTest, ::testing::Range(1, 31));

// A single replica closes keys by itself.
TEST_F(MergedEvidenceTest, ASingleLifeClosesItsKeys) {
  for (std::size_t i = 0; i < kReplicas; ++i) Begin(i);
  for (int i = 0; i < 2'000; ++i) {
    Ask(*lives_[0]);
    Answer(*lives_[0]);
    if (i % 100 == 0) EXPECT_TRUE(lives_[0]->Send());
  }
  EXPECT_TRUE(lives_[0]->Send());
  ended_.emplace_back(lives_[0]->name, lives_[0]->log);
  ExpectTheLogsVerdict();
  const RolloutLook look = LookAt(*store_.ReadEvidence(id_), KnownPrimary(), 0);
  std::uint64_t closed = 0;
  for (const std::uint64_t cell : look.evidence.metrics[0].series[0].steps[0].closed.active) {
    closed += cell;
  }
  EXPECT_GT(closed, 10u);
}

}  // namespace
}  // namespace podium::control
