// The follower over a registry in memory: what it brings about, in whose name, and what it leaves.
#include "control/follow/follower.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/follow/follow_world_fixture.h"
#include "control/follow/followed_rows.h"

namespace podium::control {
namespace {

using namespace std::chrono_literals;

Error NotNow(std::string why, ErrorCode code = ErrorCode::kUnprocessable) {
  return {code, std::move(why), "", nullptr};
}

/// One follower whose steps go to the store as they are; loads fail as told.
class Following : public FollowWorld {
 protected:
  Following() {
    // Nothing is loaded before it is asked for.
    ports_.carry_out = [this](store::Mutation mutation, store::MutationContext context) {
      return CarryOut(std::move(mutation), std::move(context));
    };
    ports_.load = [this](ModelVersion version) { return Load(std::move(version)); };
    ports_.spawn = [this](Task<void> task) { group_->Spawn(std::move(task)); };
    options_.server = "one";
    options_.artifact_folder = folder_ / "artifacts";
  }

  Follower& follower() {
    if (!follower_) {
      follower_.emplace(
          FollowerWorld{store_, models_, store_, tree_, publisher_, clock_, rng_, pool_, pool_},
          [this](const ModelId& id) { return LoadedHere(id); }, ports_, options_);
    }
    return *follower_;
  }
  /// Runs a task, and all that it spawns, to the end.
  void Run(Task<void> task) {
    boost::asio::io_context context;
    auto work = boost::asio::make_work_guard(context);
    group_.emplace(context.get_executor());
    group_->Spawn(std::move(task));
    while (group_->size() > 0) context.run_one();
    group_.reset();
  }
  void Survey(bool all = false) { Run(follower().Survey(all)); }
  Result<view::FollowStanding> Look(view::FollowCaller caller = {"admin", "", "", false, false}) {
    Result<view::FollowStanding> standing = Fail(NotNow("never asked"));
    Run(LookInto(std::move(caller), standing));
    return standing;
  }
  std::string Standing() {
    const auto standing = follower().StandingOf(kRoute);
    return standing ? standing->text : "-";
  }
  std::vector<Promotion> Trail() {
    auto page = store_.ListPromotions({kRoute, 100, ""});
    std::vector<Promotion> trail(page->items.rbegin(), page->items.rend());
    return trail;
  }
  /// Kinds of the route's changes, oldest first.
  std::string Kinds() {
    std::string kinds;
    for (const Promotion& row : Trail()) {
      kinds += (kinds.empty() ? "" : " ") + std::string(NameOf(row.kind));
    }
    return kinds;
  }

  std::map<std::string, Error> load_errors_;  ///< By the version's label.
  std::function<void()> while_loading_;       ///< What somebody else does meanwhile.
  int loads_ = 0;
  FollowerPorts ports_;
  FollowerOptions options_;

 private:
  std::optional<runtime::ModelStatus> LoadedHere(const ModelId& id) const {
    const auto row = const_cast<store::MemoryStore&>(store_).FindVersion(id);
    runtime::ModelStatus status;
    status.id = id;
    status.state = LoadState::kUnloaded;
    // As the runtime has it: what nobody wants is not ready, whoever holds a handle.
    const bool wanted =
        row && (row->status == VersionStatus::kPrimary || row->status == VersionStatus::kCanary);
    if (wanted) {
      status.state = LoadState::kReady;
      status.model = silent_;
    }
    return status;
  }
  Task<Result<store::Committed>> CarryOut(store::Mutation mutation,
                                          store::MutationContext context) {
    co_return store_.Apply(mutation, context);
  }
  Task<Result<std::vector<ModelHandle>>> Load(ModelVersion version) {
    ++loads_;
    if (while_loading_) std::exchange(while_loading_, {})();
    const auto error = load_errors_.find(version.version);
    if (error != load_errors_.end()) co_return Fail(Error(error->second));
    co_return std::vector<ModelHandle>{silent_};
  }
  Task<void> LookInto(view::FollowCaller caller, Result<view::FollowStanding>& standing) {
    auto look = follower().Look(kRoute, std::move(caller));
    standing = co_await std::move(look);
  }

  const ModelHandle silent_ = std::make_shared<podium::testing::SilentModel>();
  WorkerPool pool_{"work", 2, 64};
  std::optional<TaskGroup> group_;
  std::optional<Follower> follower_;
};

// From an alias to traffic, and every step in the trail.
TEST_F(Following, ServesTheChampion) {
  Champion(NewVersion());
  FollowIt();
  Survey();
  EXPECT_EQ(Serving(), "1 | ");
  EXPECT_EQ(Standing(), "version 1 is the champion");
  EXPECT_EQ(Kinds(), "follow register activate");
  const auto state = store_.ReadRoute(kRoute);
  EXPECT_EQ(state->versions.front().tags.at("mlflow.version"), "1");
  const Promotion last = Trail().back();
  EXPECT_EQ(last.origin, "mlflow");
  EXPECT_EQ(last.reason, "version 1 is the champion of ranker");
  EXPECT_EQ(last.actor, "carol") << "who moved the alias";
  EXPECT_EQ(last.request_id, "request");
}

TEST_F(Following, ActsForItselfWhenNobodyMovedAnything) {
  Champion(NewVersion());
  clock_.Advance(11min);
  FollowIt();
  Survey();
  EXPECT_EQ(Trail().back().actor, "mlflow:one");
}

TEST_F(Following, MakesTheChallengerACanaryAndEndsIt) {
  Champion(NewVersion());
  Challenger(NewVersion());
  FollowIt();
  Survey();
  EXPECT_EQ(Serving(), "1 | 2:5");
  Champion(2);
  Survey();
  EXPECT_EQ(Serving(), "2 | ") << "a champion is nobody's challenger";
  Challenger(NewVersion());
  Survey();
  EXPECT_EQ(Serving(), "2 | 3:5");
  Model(store::DeleteAlias{kModel, "challenger"});
  Survey();
  EXPECT_EQ(Serving(), "2 | ");
  EXPECT_EQ(Trail().back().kind, PromotionKind::kAbort);
  EXPECT_EQ(Trail().back().reason, "not the challenger of ranker any more");
}

// F3.
TEST_F(Following, AnEmptiedStageChangesNothingAndIsSaid) {
  const std::int64_t first = NewVersion();
  Model(store::TransitionVersion{kModel, first, ModelStage::kProduction, false});
  FollowIt();
  Survey();
  Model(store::TransitionVersion{kModel, first, ModelStage::kArchived, false});
  Survey();
  EXPECT_EQ(Serving(), "1 | ");
  EXPECT_EQ(Standing(), "no version has alias champion or stage Production: version 1 stays");
}

// A look that finds all as it was must cost nothing but itself.
TEST_F(Following, LooksOnlyWhereSomethingMoved) {
  Champion(NewVersion());
  load_errors_.insert({"1", NotNow("bad")});
  FollowIt();
  Survey();
  EXPECT_EQ(loads_, 1);
  clock_.Advance(10min);
  Survey();
  EXPECT_EQ(loads_, 1) << "nothing moved";
  Survey(true);
  EXPECT_EQ(loads_, 2) << "the poll looks at everything";
}

TEST_F(Following, SaysWhatCannotBeServedAndGoesOnTrying) {
  Champion(NewVersion());
  FollowIt();
  Survey();
  Champion(NewVersion());
  load_errors_.insert({"2", NotNow("it does not load: bad magic")});
  Survey();
  EXPECT_EQ(Serving(), "1 | ");
  EXPECT_EQ(Standing(), "version 2 cannot be served: it does not load: bad magic, 1 goes on");
  EXPECT_EQ(follower().StandingOf(kRoute)->state, view::FollowState::kBlocked);
  EXPECT_TRUE(follower().StandingOf(kRoute)->champion_since);
  const int loads = loads_;
  Survey(true);
  EXPECT_EQ(loads_, loads) << "not before its time";
  load_errors_.clear();
  ASSERT_TRUE(Look());
  EXPECT_EQ(Serving(), "2 | ") << "a person asked for it now";
  EXPECT_FALSE(follower().StandingOf(kRoute)->champion_since);
}

TEST_F(Following, SaysWhatIsWrongWithASource) {
  RegisteredVersion version;
  version.name = kModel;
  version.source = "file:///etc/passwd";
  Champion(Model(store::CreateVersion{version}).version->number);
  FollowIt();
  Survey();
  EXPECT_EQ(Serving(), " | ");
  EXPECT_TRUE(
      Standing().starts_with("version 1 cannot be served: its source file:///etc/passwd is "
                             "not in this server's artifact store"))
      << Standing();
}

// What an operator rolled back must not come back by itself, not even from a step under way.
TEST_F(Following, ARollbackWhileAVersionLoadsWins) {
  Champion(NewVersion());
  FollowIt();
  Survey();
  Champion(NewVersion());
  Survey();
  Champion(NewVersion());
  while_loading_ = [this] { ASSERT_TRUE(Apply(store::RollBackRoute{kRoute})); };
  Survey();
  EXPECT_EQ(Serving(), "1 | ");
  EXPECT_TRUE(Standing().starts_with("held: ")) << Standing();
  Survey(true);
  EXPECT_EQ(Serving(), "1 | ");
  ASSERT_TRUE(Apply(store::ResumeFollow{kRoute}));
  Survey();
  EXPECT_EQ(Serving(), "3 | ");
}

// Two replicas look at once: who comes second finds it done, and that is no error.
TEST_F(Following, AnotherReplicaMayBeQuicker) {
  const std::int64_t first = NewVersion();
  Champion(first);
  FollowIt();
  while_loading_ = [this] {
    const auto state = store_.ReadRoute(kRoute);
    store::MutationContext context;
    context.as_follower = true;
    ASSERT_TRUE(store_.Apply(store::ActivateVersion{state->versions.front().model_id}, context));
  };
  Survey();
  EXPECT_EQ(Serving(), "1 | ");
  EXPECT_EQ(Standing(), "version 1 is the champion");
  EXPECT_EQ(Kinds(), "follow register activate") << "once";
}

// An alias that was moved on while its version loaded must not bring that one live for a moment.
TEST_F(Following, WhatIsNamedAtTheEndServes) {
  Champion(NewVersion());
  FollowIt();
  Survey();
  const std::int64_t second = NewVersion();
  const std::int64_t third = NewVersion();
  Champion(second);
  while_loading_ = [&] { Champion(third); };
  Survey();
  EXPECT_EQ(Serving(), "3 | ");
  for (const Promotion& row : Trail()) {
    if (row.kind != PromotionKind::kActivate) continue;
    EXPECT_NE(store_.FindVersion(*row.to)->version, "2");
  }
}

TEST_F(Following, TrustsOrIsForced) {
  const std::int64_t first = NewVersion();
  Declare(first, R"({"inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 3]}]})");
  const std::int64_t second = NewVersion();
  Declare(second, R"({"inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 4]}]})");
  Champion(first);
  FollowIt();
  Survey();
  Champion(second);
  Survey();
  EXPECT_EQ(Serving(), "1 | ");
  EXPECT_NE(Standing().find("does not fit the callers"), std::string::npos) << Standing();
  // Force without a name is no force.
  ASSERT_TRUE(Look({"admin", "", "", true, false}));
  EXPECT_EQ(Serving(), "1 | ");
  ASSERT_TRUE(Look({"admin:bob", "we know", "r7", true, true}));
  EXPECT_EQ(Serving(), "2 | ");
  EXPECT_EQ(Trail().back().actor, "admin:bob");
  EXPECT_EQ(Trail().back().reason, "version 2 is the champion of ranker: we know");
  EXPECT_NE(Trail().back().evidence.find("forced"), std::string::npos);
}

TEST_F(Following, APersonInATagForces) {
  Champion(NewVersion());
  Declare(1, R"({"inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 3]}]})");
  FollowIt();
  Survey();
  NewVersion({{"podium.force", "dora"}});
  Declare(2, R"({"inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 4]}]})");
  Champion(2);
  Survey();
  EXPECT_EQ(Serving(), "2 | ");
  EXPECT_EQ(Trail().back().actor, "carol:dora");
}

TEST_F(Following, ATrustedRegistryForces) {
  options_.trust = true;
  Champion(NewVersion());
  Declare(1, R"({"inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 3]}]})");
  FollowIt();
  Survey();
  Champion(NewVersion());
  Declare(2, R"({"inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 4]}]})");
  Survey();
  EXPECT_EQ(Serving(), "2 | ");
}

/// A route whose champions are led in by rollouts.
class FollowingByRollout : public Following {
 protected:
  void SetUp() override {
    Champion(NewVersion());
    Follow follow;
    follow.model = kModel;
    follow.on_champion = OnChampion::kRollout;
    ASSERT_TRUE(Apply(store::SetFollow{kRoute, follow}));
    Survey();
    ASSERT_EQ(Serving(), "1 | ");
    Champion(NewVersion());
    Survey();
  }
  Rollout Newest() {
    const auto page = store_.ListRollouts({kRoute, false, 10, ""});
    return page && !page->items.empty() ? page->items.front() : Rollout();
  }
  std::size_t Rollouts() { return store_.ListRollouts({kRoute, false, 10, ""})->items.size(); }
  /// As its driver, or in a person's name.
  void Move(store::RolloutMove kind, bool as_driver, const std::string& said = "it is worse") {
    store::MoveRollout move;
    move.route = kRoute;
    move.id = Newest().id;
    move.move = kind;
    move.said = said;
    store::MutationContext context;
    context.actor = as_driver ? "podium" : "local:alice";
    context.named_person = !as_driver;
    if (as_driver) move.token = (*store_.TakeLease(move.id, "driver", 10s))->token;
    const auto done = store_.Apply(move, context);
    ASSERT_TRUE(done) << done.error().message;
  }
};

TEST_F(FollowingByRollout, LeadsTheNextChampionIn) {
  EXPECT_EQ(Serving(), "1 | 2:1");
  EXPECT_EQ(Standing(),
            "version 2 is led in by rollout " + Newest().id.get() + ": step 1 of 4 (1 %)");
  EXPECT_TRUE(Newest().plan.promote_at_end) << "nobody is there to do it";
  EXPECT_EQ(Trail().back().actor, "carol");
  EXPECT_EQ(Trail().back().reason, "version 2 is the champion of ranker");
  Survey(true);
  EXPECT_EQ(Rollouts(), 1U) << "it is waited for";
  Move(store::RolloutMove::kPromote, false);
  Survey();
  EXPECT_EQ(Serving(), "2 | ");
  EXPECT_EQ(Standing(), "version 2 is the champion");
}

// A version that did harm is not tried again; the next one is.
TEST_F(FollowingByRollout, IsBlockedByARollback) {
  const std::string id = Newest().id.get();
  Move(store::RolloutMove::kRollBack, true);
  Survey(true);
  Survey(true);
  EXPECT_EQ(Serving(), "1 | ");
  EXPECT_EQ(Standing(), "version 2 is not led in again: rollout " + id +
                            " was rolled back (it is worse), 1 goes on");
  EXPECT_EQ(Rollouts(), 1U);
  Champion(NewVersion());
  Survey();
  EXPECT_EQ(Serving(), "1 | 3:1");
  EXPECT_EQ(Rollouts(), 2U);
}

TEST_F(FollowingByRollout, APersonMayInsist) {
  Move(store::RolloutMove::kRollBack, true);
  Survey(true);
  ASSERT_TRUE(Look({"local", "", "", true, false}));
  EXPECT_EQ(Rollouts(), 1U) << "nobody is named";
  ASSERT_TRUE(Look({"local:dora", "", "", true, true}));
  EXPECT_EQ(Rollouts(), 2U);
  EXPECT_EQ(Newest().attempt, 2);
}

TEST_F(FollowingByRollout, APersonsAbortHoldsTheRoute) {
  Move(store::RolloutMove::kAbort, false, "too slow");
  Survey(true);
  EXPECT_EQ(Serving(), "1 | ");
  EXPECT_TRUE(Standing().starts_with("held: local:alice aborted its rollout")) << Standing();
  ASSERT_TRUE(Apply(store::ResumeFollow{kRoute}));
  Survey();
  EXPECT_NE(Standing().find("was aborted (too slow)"), std::string::npos) << Standing();
  EXPECT_EQ(Rollouts(), 1U);
}

TEST_F(FollowingByRollout, AFormerChampionsRolloutIsAborted) {
  Champion(1);
  Survey();
  EXPECT_EQ(Serving(), "1 | ");
  EXPECT_EQ(Newest().phase, RolloutPhase::kAborted);
  EXPECT_EQ(Standing(), "version 1 is the champion") << "and nobody holds the route";
  // Champion again: that its follower took it back was no veto.
  Champion(2);
  Survey();
  EXPECT_EQ(Serving(), "1 | 2:1");
  EXPECT_EQ(Rollouts(), 2U);
}

TEST_F(FollowingByRollout, AnAbortByItsDriverIsNoVeto) {
  Move(store::RolloutMove::kAbort, true, "its breaker does not close");
  Survey(true);
  EXPECT_EQ(Serving(), "1 | 2:1");
  EXPECT_EQ(Rollouts(), 2U);
}

TEST_F(FollowingByRollout, TheChallengerComesAfterwards) {
  Challenger(NewVersion());
  Survey();
  EXPECT_EQ(Serving(), "1 | 2:1");
  Move(store::RolloutMove::kPromote, false);
  Survey();
  EXPECT_EQ(Serving(), "2 | 3:5");
  // The next champion needs its place.
  Champion(NewVersion());
  Survey();
  EXPECT_EQ(Serving(), "2 | 4:1");
}

// A model that is made anew counts from 1 again.
TEST_F(Following, AModelMadeAnewIsAnotherModel) {
  Champion(NewVersion());
  FollowIt();
  Survey();
  Model(store::DeleteModel{kModel});
  Survey();
  EXPECT_EQ(Standing(), "there is no registered model ranker: version 1 stays");
  clock_.Advance(1s);
  Model(store::CreateModel{kModel, std::nullopt, {}});
  Champion(NewVersion());
  Survey();
  EXPECT_TRUE(Serving().starts_with("1-")) << Serving();
}

TEST_F(Following, ForgetsRoutesThatDoNotFollow) {
  FollowIt();
  Survey();
  EXPECT_NE(Standing(), "-");
  ASSERT_TRUE(Apply(store::SetFollow{kRoute, std::nullopt}));
  Survey();
  EXPECT_EQ(Standing(), "-");
  const auto standing = Look();
  ASSERT_FALSE(standing);
  EXPECT_EQ(standing.error().code, ErrorCode::kConflict);
}

TEST_F(Following, PausesAboutAsLongAsItWasTold) {
  options_.poll_interval = 30s;
  for (int i = 0; i < 1000; ++i) {
    const auto pause = follower().NextPause();
    EXPECT_GE(pause, 27s);
    EXPECT_LE(pause, 33s);
  }
}

}  // namespace
}  // namespace podium::control
