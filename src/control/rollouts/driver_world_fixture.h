// A registry in memory with a rollout that runs, a database that may be away, and replicas that
// drive it.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "control/rollouts/rollout_driver.h"
#include "control/rollouts/rollout_rows_fixture.h"
#include "store/memory_store.h"
#include "testing/sim_clock.h"

namespace podium::control {

/// The store of rollouts as a replica sees it: it may be away.
class CutStore final : public store::RolloutStore {
 public:
  explicit CutStore(store::RolloutStore& store) : store_(store) {}

  bool away = false;           ///< Nothing is carried out.
  bool loses_words = false;    ///< Writes are carried out, and nobody hears of it.
  int writes_until_away = -1;  ///< So many more of evidence, then it is away.
  bool rows_damaged = false;   ///< Those of all rollouts, in lists.
  int looks_kept = 0;
  int leases_taken = 0;
  std::size_t keys_read = 0;

  Result<Rollout> FindRollout(const RolloutId& id) override {
    PODIUM_TRY(Reach());
    return store_.FindRollout(id);
  }
  Result<store::Page<Rollout>> ListRollouts(const store::RolloutQuery& query) override {
    PODIUM_TRY(Reach());
    auto page = store_.ListRollouts(query);
    if (!page || !rows_damaged) return page;
    for (const Rollout& rollout : page->items) page->unread.push_back(rollout.id.get());
    page->items.clear();
    return page;
  }
  Result<std::optional<store::RolloutLease>> TakeLease(
      const RolloutId& id, const std::string& owner, std::chrono::milliseconds duration) override {
    PODIUM_TRY(Reach());
    ++leases_taken;
    return store_.TakeLease(id, owner, duration);
  }
  Result<std::optional<store::RolloutLease>> FindLease(const RolloutId& id) override {
    PODIUM_TRY(Reach());
    return store_.FindLease(id);
  }
  Status GiveUpLease(const RolloutId& id, const std::string& owner) override {
    PODIUM_TRY(Reach());
    return store_.GiveUpLease(id, owner);
  }
  Status RecordEvidence(std::span<const store::RolloutCount> counts,
                        std::span<const store::RolloutHit> hits) override {
    if (writes_until_away == 0) away = true;
    --writes_until_away;
    PODIUM_TRY(Reach());
    batches.push_back(hits.size());
    PODIUM_TRY(store_.RecordEvidence(counts, hits));
    return Heard();
  }
  Result<store::RolloutEvidence> ReadEvidence(const RolloutId& id,
                                              const store::EpochVersions& known = {}) override {
    PODIUM_TRY(Reach());
    Result<store::RolloutEvidence> read = store_.ReadEvidence(id, known);
    if (read) keys_read += read->hits.size();
    return read;
  }
  Result<std::uint64_t> CountHits(const RolloutId& id, std::uint32_t epoch,
                                  std::uint32_t series) override {
    PODIUM_TRY(Reach());
    return store_.CountHits(id, epoch, series);
  }
  Status KeepLook(const store::RolloutVerdict& verdict, const store::LookPin& pin) override {
    PODIUM_TRY(Reach());
    ++looks_kept;
    PODIUM_TRY(store_.KeepLook(verdict, pin));
    return Heard();
  }
  Result<store::LatestVerdicts> ReadLatestVerdicts(const RolloutId& id) override {
    PODIUM_TRY(Reach());
    return store_.ReadLatestVerdicts(id);
  }
  Result<store::VerdictPage> ReadVerdictPage(const RolloutId& id,
                                             const store::VerdictQuery& query) override {
    PODIUM_TRY(Reach());
    return store_.ReadVerdictPage(id, query);
  }
  Status Reach() const {
    if (away) return Fail(ErrorCode::kUnavailable, "the database is away");
    return {};
  }

  std::vector<std::size_t> batches;  ///< Hits of each write of evidence.

 private:
  Status Heard() const {
    if (loses_words) return Fail(ErrorCode::kUnavailable, "the answer was lost");
    return {};
  }

  store::RolloutStore& store_;
};

/// A rollout of fraud 1.1 beside 1.0: 5, 25, 50 %, then promoted; guarded by its error rate.
class DriverWorldTest : public ::testing::Test {
 protected:
  inline static const RouteName kRoute{"fraud"};

  explicit DriverWorldTest(SplitUnit unit = SplitUnit::kRequest) {
    Register("1.0");
    Must(store::ActivateVersion{Version("1.0").model_id});
    Register("1.1");
    RolloutRows like(unit);
    store::StartRollout start{kRoute, Version("1.1").model_id, like.plan(), like.epoch()};
    start.plan.promote_at_end = true;
    id_ = Must(start).rollout->id;
  }

  store::Committed Must(const store::Mutation& mutation, bool named = false) {
    auto done = store_.Apply(mutation, ContextOf(named));
    EXPECT_TRUE(done) << (done ? "" : Describe(done.error()));
    return done ? *done : store::Committed();
  }
  static store::MutationContext ContextOf(bool named) {
    store::MutationContext context;
    context.actor = named ? "ann" : "podium";
    context.named_person = named;
    return context;
  }
  void Register(const std::string& version) {
    store::RegisterVersion verb;
    verb.version.route = kRoute;
    verb.version.name = "fraud";
    verb.version.version = version;
    verb.version.artifact_uri = "file:" + version + ".onnx";
    verb.version.artifact_sha256 = std::string(62, '0') + version.substr(0, 1) + version.substr(2);
    Must(verb);
  }
  ModelVersion Version(const std::string& version) {
    const Result<store::RouteState> state = store_.ReadRoute(kRoute);
    EXPECT_TRUE(state);
    for (const ModelVersion& row : state->versions) {
      if (row.version == version) return row;
    }
    ADD_FAILURE() << "no version " << version;
    return {};
  }
  Rollout Row() { return *store_.FindRollout(id_); }
  store::MoveRollout Verb(store::RolloutMove move) {
    store::MoveRollout verb;
    verb.route = kRoute;
    verb.id = id_;
    verb.move = move;
    return verb;
  }
  /// What all replicas together have counted in the present epoch, cumulative.
  void Count(std::uint64_t canary, std::uint64_t canary_bad, std::uint64_t primary,
             std::uint64_t primary_bad) {
    std::vector<store::RolloutCount> rows(2);
    for (const bool of_canary : {false, true}) {
      store::RolloutCount& row = rows[of_canary ? 1 : 0];
      row.rollout = id_;
      row.epoch = static_cast<std::uint32_t>(Row().epochs.size() - 1);
      row.incarnation = "counter";
      row.canary = of_canary;
      row.units = row.requests = of_canary ? canary : primary;
      row.bad[0] = of_canary ? canary_bad : primary_bad;
    }
    ASSERT_TRUE(store_.RecordEvidence(rows, {}));
  }
  /// Enough to go up from any share.
  void CountAlike() {
    const auto canary = static_cast<std::uint64_t>(Row().share().value()) * 20;
    Count(canary, canary / 100, 200'000 - canary, (200'000 - canary) / 100);
  }
  void CountWorse() {
    const auto canary = static_cast<std::uint64_t>(Row().share().value()) * 20;
    Count(canary, canary / 5, 200'000 - canary, (200'000 - canary) / 100);
  }

  podium::testing::SimClock clock_;  ///< The database's.
  SeededRng rng_{7};
  store::MemoryStore store_{clock_, rng_};
  RolloutId id_;
};

/// One replica that drives.
class DrivingReplica {
 public:
  using CarryOut = std::function<Result<store::Committed>(const store::MoveRollout&)>;

  DrivingReplica(store::MemoryStore& registry, std::string name)
      : cut(registry), registry_(registry), name_(std::move(name)) {
    carry = [this](const store::MoveRollout& move) { return Commit(move); };
  }

  /// One look at everything, to its end.
  void Survey() {
    boost::asio::io_context context;
    auto work = boost::asio::make_work_guard(context);
    TaskGroup group(context.get_executor());
    group_ = &group;
    group.Spawn(driver().Survey());
    while (group.size() > 0) context.run_one();
    group_ = nullptr;
  }
  Result<store::Committed> Commit(const store::MoveRollout& move) {
    PODIUM_TRY(cut.Reach());
    store::MutationContext context = context_;
    return registry_.Apply(move, context);
  }
  RolloutDriver& driver() {
    if (!driver_) {
      driver_.emplace(DriverWorld{cut, steady, pool_, pool_}, Ports(), name_);
    }
    return *driver_;
  }
  view::RolloutStanding Standing(const RolloutId& id) {
    return driver().StandingOf(id).value_or(view::RolloutStanding());
  }

  podium::testing::SimClock steady;  ///< Its own.
  CutStore cut;
  CarryOut carry;
  std::function<void()> while_reading;  ///< What happens meanwhile.
  /// The same, once, while a step up is being made ready; then it is surveyed again, to its end.
  std::function<void()> while_rising;
  std::vector<store::MoveRollout> moves;
  bool broken = false;

 private:
  DriverPorts Ports() {
    DriverPorts ports;
    ports.carry_out = [this](store::Mutation mutation, store::MutationContext context) {
      return CarryIt(std::move(mutation), std::move(context));
    };
    ports.spawn = [this](Task<void> task) { group_->Spawn(std::move(task)); };
    ports.baseline = [this](const ModelId&) {
      if (while_reading) while_reading();
      return KnownPrimary();
    };
    ports.is_broken = [this](const Rollout&) { return broken; };
    return ports;
  }
  Task<Result<store::Committed>> CarryIt(store::Mutation mutation, store::MutationContext context) {
    context_ = context;
    const auto move = std::get<store::MoveRollout>(mutation);
    moves.push_back(move);
    if (const auto meanwhile = std::exchange(while_rising, nullptr)) {
      meanwhile();
      auto survey = driver_->Survey();
      co_await std::move(survey);
      // Until nothing is left but this.
      while (group_->size() > 1) co_await boost::asio::post(group_->executor(), kAwait);
    }
    context_ = std::move(context);
    co_return carry(move);
  }

  store::MemoryStore& registry_;
  const std::string name_;
  store::MutationContext context_;
  WorkerPool pool_{"test", 1, 8};
  TaskGroup* group_ = nullptr;
  std::optional<RolloutDriver> driver_;
};

}  // namespace podium::control
