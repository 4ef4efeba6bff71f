#include "control/replicas/replica_reporter.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "routing/rows_for_test.h"
#include "store/memory_replica_store.h"
#include "testing/sim_clock.h"
#include "view/stats_registry.h"

namespace podium::control {
namespace {

struct Shown {
  std::string id;
  LoadState state = LoadState::kReady;
};

/// A publisher that shows what a test puts there.
class ShownViews final : public view::PublishPort {
 public:
  ShownViews() { Show(0, {}); }
  void Show(std::uint64_t generation, const std::vector<Shown>& versions) {
    routing::TableCompiler compiler({});
    std::vector<ModelVersion> rows;
    for (const Shown& shown : versions) rows.push_back(routing::VersionRow(shown.id));
    compiler.Absorb({routing::RouteRow()}, std::move(rows));
    auto routes = compiler.Compile(Generation(generation));
    view::RouteView route{routes->routes().front(), {}};
    for (const ModelVersion& version : route.route->versions) {
      view::VersionServing serving;
      for (const Shown& shown : versions) {
        if (version.model_id.get() != shown.id) continue;
        serving.state = shown.state;
        serving.remote = shown.state == LoadState::kReady;
        if (shown.state == LoadState::kFailed) serving.error = "broken " + shown.id;
      }
      route.serving.push_back(std::move(serving));
    }
    state_.view = std::make_shared<const view::CoreView>(
        std::move(routes), std::vector{std::move(route)}, ++sequence_);
  }
  /// Rows that the compiler has set aside, from the next view on.
  void SetAside(std::vector<routing::CompileFault> faults) { state_.faults = std::move(faults); }
  Status PublishAtLeast(Revision) override { return {}; }
  void KeepUntilRead(std::vector<ModelHandle>, Revision) override {}
  view::PublishState state() const override { return state_; }

 private:
  view::PublishState state_;
  std::uint64_t sequence_ = 0;
};

/// A store that can be away.
class DistantStore final : public store::ReplicaStore {
 public:
  explicit DistantStore(store::ReplicaStore& store) : store_(store) {}
  Status Join(const store::ReplicaIdentity& self) override {
    if (away) return Away();
    return store_.Join(self);
  }
  Result<bool> Beat(const store::ReplicaBeat& beat) override {
    if (away) return Away();
    return store_.Beat(beat);
  }
  Status Leave(const store::ReplicaIdentity& self) override { return store_.Leave(self); }
  Result<std::vector<store::ReplicaRow>> ReadReplicas() override { return store_.ReadReplicas(); }
  Result<std::vector<store::ReplicaReadiness>> ReadReadiness(const ModelId& id) override {
    return store_.ReadReadiness(id);
  }
  Result<std::vector<store::ReplicaVersion>> ReadFailed(const std::string& replica) override {
    return store_.ReadFailed(replica);
  }
  Status Want(const ModelId& id, std::chrono::milliseconds patience) override {
    return store_.Want(id, patience);
  }
  Result<std::vector<ModelId>> ReadWanted() override { return store_.ReadWanted(); }

  bool away = false;

 private:
  static Failure Away() { return Fail(ErrorCode::kUnavailable, "away"); }
  store::ReplicaStore& store_;
};

class Reporter : public ::testing::Test {
 protected:
  static store::ReplicaIdentity Self(const std::string& incarnation) {
    return {"a", incarnation, "127.0.0.1:1", "test"};
  }
  ReplicaReporter Make(const std::string& incarnation) {
    return {distant_,
            views_,
            places_.try_emplace(incarnation, incarnation).first->second,
            clock_,
            Self(incarnation),
            [this](const std::vector<ModelId>& wanted) { wanted_ = wanted; }};
  }
  std::chrono::nanoseconds WritesFor(const std::string& incarnation) {
    return places_.at(incarnation).WritesFor(clock_.SteadyNow());
  }
  std::optional<LoadState> Told(const std::string& id) {
    const auto all = store_.ReadReadiness(ModelId(id));
    if (!all || all->empty() || !all->front().version) return std::nullopt;
    return all->front().version->state;
  }

  testing::SimClock clock_;
  store::MemoryReplicaStore store_{clock_};
  DistantStore distant_{store_};
  std::map<std::string, store::OwnPlace> places_;  // By incarnation.
  ShownViews views_;
  std::vector<ModelId> wanted_;
};

TEST_F(Reporter, TellsGenerationAndWhatIsReadyOrFailed) {
  ReplicaReporter reporter = Make("first");
  views_.Show(7, {{"m"}, {"n", LoadState::kFailed}, {"o", LoadState::kWarming}});
  ASSERT_TRUE(reporter.Report());
  EXPECT_EQ(store_.ReadReplicas()->at(0).applied, Generation(7));
  EXPECT_EQ(Told("m"), LoadState::kReady);
  EXPECT_EQ(Told("n"), LoadState::kFailed);
  EXPECT_EQ(store_.ReadFailed("a")->at(0).error, "broken n");
  EXPECT_EQ(Told("o"), std::nullopt);
  views_.Show(8, {{"m", LoadState::kUnloaded}, {"n"}, {"o"}});
  ASSERT_TRUE(reporter.Report());
  EXPECT_EQ(store_.ReadReplicas()->at(0).applied, Generation(8));
  EXPECT_EQ(Told("m"), std::nullopt);
  EXPECT_EQ(Told("n"), LoadState::kReady);
  EXPECT_EQ(Told("o"), LoadState::kReady);
}

// More than one beat can tell: all of it arrives all the same.
TEST_F(Reporter, TellsMoreThanOneBeatHolds) {
  ReplicaReporter reporter = Make("first");
  std::vector<Shown> many;
  for (std::size_t i = 0; i < limits::kReplicaReportBatch * 2 + 1; ++i) {
    many.push_back({"m" + std::to_string(i)});
  }
  views_.Show(1, many);
  ASSERT_TRUE(reporter.Report());
  EXPECT_EQ(store_.ReadReplicas()->at(0).ready, static_cast<std::int64_t>(many.size()));
  views_.Show(2, {});
  ASSERT_TRUE(reporter.Report());
  EXPECT_EQ(store_.ReadReplicas()->at(0).ready, 0);
}

// Cut off for so long that it was forgotten: it comes back with all that it can serve.
TEST_F(Reporter, JoinsAnewWhenItWasForgotten) {
  ReplicaReporter reporter = Make("first");
  views_.Show(7, {{"m"}});
  ASSERT_TRUE(reporter.Report());
  ASSERT_TRUE(store_.Leave(Self("first")));
  ASSERT_TRUE(reporter.Report());
  EXPECT_EQ(Told("m"), LoadState::kReady);
}

// Of two servers under one id the later is listed. The other says so, and does not fight for it.
TEST_F(Reporter, TwoServersUnderOneIdDoNotTakeTurns) {
  views_.Show(7, {{"m"}});
  ReplicaReporter older = Make("older");
  ReplicaReporter newer = Make("newer");
  ASSERT_TRUE(older.Report());
  ASSERT_TRUE(newer.Report());
  for (int beat = 0; beat < 3; ++beat) {
    const Status refused = older.Report();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
    EXPECT_EQ(WritesFor("older"), std::chrono::nanoseconds(0));
    ASSERT_TRUE(newer.Report());
    EXPECT_EQ(store_.ReadReplicas()->at(0).self.incarnation, "newer");
  }
  clock_.Advance(limits::kReplicaExpiry + std::chrono::seconds(1));
  EXPECT_TRUE(older.Report());  // The newer one is dead by now.
  EXPECT_EQ(store_.ReadReplicas()->at(0).self.incarnation, "older");
  EXPECT_EQ(Told("m"), LoadState::kReady);
}

TEST_F(Reporter, PassesOnWhatOthersWant) {
  ReplicaReporter reporter = Make("first");
  ASSERT_TRUE(store_.Want(ModelId("lazy"), std::chrono::milliseconds(1000)));
  ASSERT_TRUE(reporter.Report());
  EXPECT_EQ(wanted_, std::vector{ModelId("lazy")});
  clock_.Advance(std::chrono::seconds(1));
  ASSERT_TRUE(reporter.Report());
  EXPECT_EQ(wanted_, std::vector<ModelId>());
}

// No wait of another replica's verb makes ready what the compiler has set aside.
TEST_F(Reporter, TellsWhatWasSetAsideAsFailed) {
  ReplicaReporter reporter = Make("first");
  const std::string no_id(limits::kMaxNameBytes + 1, 'x');
  views_.SetAside({{RouteName("r"), "odd", "row odd has no artifact"},
                   {RouteName("r"), "m", "shown all the same"},
                   {RouteName("r"), "", "the route itself"},
                   {RouteName("routes"), "r", "a row of routes that cannot be read"},
                   {RouteName("r"), no_id, "no id at all"}});
  views_.Show(7, {{"m"}});
  ASSERT_TRUE(reporter.Report());
  EXPECT_EQ(Told("m"), LoadState::kReady);
  ASSERT_EQ(store_.ReadFailed("a")->size(), 1U);
  EXPECT_EQ(store_.ReadFailed("a")->at(0).id, ModelId("odd"));
  EXPECT_EQ(store_.ReadFailed("a")->at(0).error, "row odd has no artifact");
  views_.SetAside({});
  views_.Show(8, {{"m"}, {"odd"}});
  ASSERT_TRUE(reporter.Report());
  EXPECT_EQ(Told("odd"), LoadState::kReady);
}

// The registry that was put in its place may have older reports of this very replica, or none.
TEST_F(Reporter, TellsAllAnewInANewEpoch) {
  ReplicaReporter reporter = Make("first");
  views_.Show(MakeGeneration(0, Revision(7)).get(), {{"m"}});
  ASSERT_TRUE(reporter.Report());
  ASSERT_TRUE(store_.Beat({Self("first"), Generation(7), {}, {ModelId("m")}, 0, 0}));
  views_.Show(MakeGeneration(0, Revision(8)).get(), {{"m"}});
  ASSERT_TRUE(reporter.Report());
  EXPECT_EQ(Told("m"), std::nullopt);  // It was told once, and nothing of it has changed.
  views_.Show(MakeGeneration(1, Revision(3)).get(), {{"m"}});
  ASSERT_TRUE(reporter.Report());
  EXPECT_EQ(Told("m"), LoadState::kReady);
}

// What its verbs go by when they judge the silence of others.
TEST_F(Reporter, KnowsSinceWhenItsBeatsComeThrough) {
  ReplicaReporter reporter = Make("first");
  EXPECT_FALSE(places_.at("first").joined());
  ASSERT_TRUE(reporter.Report());
  EXPECT_TRUE(places_.at("first").joined());
  clock_.Advance(limits::kReplicaHeartbeat);
  ASSERT_TRUE(reporter.Report());
  EXPECT_EQ(WritesFor("first"), limits::kReplicaHeartbeat);
  distant_.away = true;
  EXPECT_FALSE(reporter.Report());
  EXPECT_EQ(WritesFor("first"), std::chrono::nanoseconds(0));
  distant_.away = false;
  ASSERT_TRUE(reporter.Report());
  clock_.Advance(store::kBeatGap);
  EXPECT_EQ(WritesFor("first"), store::kBeatGap);
  clock_.Advance(std::chrono::milliseconds(1));  // It hangs: nobody knows yet that it fails.
  EXPECT_EQ(WritesFor("first"), std::chrono::nanoseconds(0));
  ASSERT_TRUE(reporter.Report());
  EXPECT_EQ(WritesFor("first"), std::chrono::nanoseconds(0));
}

// A stop does not wait for a registry that is away.
TEST_F(Reporter, SaysNothingAtTheEndWhenItCannotBeHeard) {
  ReplicaReporter reporter = Make("first");
  ASSERT_TRUE(reporter.Report());
  distant_.away = true;
  EXPECT_FALSE(reporter.Report());
  EXPECT_TRUE(reporter.Leave());
  EXPECT_EQ(store_.ReadReplicas()->size(), 1U);
}

TEST_F(Reporter, LeavesAtAnOrderlyEnd) {
  ReplicaReporter reporter = Make("first");
  ASSERT_TRUE(reporter.Report());
  ASSERT_TRUE(reporter.Leave());
  EXPECT_TRUE(store_.ReadReplicas()->empty());
}

}  // namespace
}  // namespace podium::control
