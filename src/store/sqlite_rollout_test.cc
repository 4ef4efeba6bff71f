// Rollouts in a file that people change by SQL: what cannot be read stops no traffic, and what they
// end is over.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/rollout_json.h"
#include "store/rollout_store.h"
#include "store/store_contract.h"

namespace podium::store {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

class SqliteRollouts : public ::testing::Test {
 protected:
  SqliteRollouts() : store_(Open()), registry_(*store_) {
    registry_.Add("a");
    registry_.Activate("a");
    registry_.Add("b", VersionStatus::kShadow);
    registry_.Add("c", VersionStatus::kShadow);
  }
  std::unique_ptr<SqliteStore> Open() {
    auto opened = SqliteStore::Open(folder_ / "registry.db", clock_, rng_);
    EXPECT_TRUE(opened) << Describe(opened.error());
    return opened ? std::move(*opened) : nullptr;
  }
  Status Sql(const std::string& sql) {
    PODIUM_TRY_ASSIGN(const auto raw, SqliteConnection::Open(folder_ / "registry.db", 5s));
    return raw->Execute("PRAGMA foreign_keys = ON; " + sql);
  }

  testing::TempDir folder_;
  testing::SimClock clock_;
  SeededRng rng_{1};
  std::unique_ptr<SqliteStore> store_;
  Registry registry_;
};

// The route goes on, split as its own rule says; verbs go by the rollout's row, and the next of
// them writes the mark anew.
TEST_F(SqliteRollouts, Inv4AMarkThatCannotBeReadIsReportedAndMended) {
  const Rollout rollout = registry_.Start("b");
  for (const char* damage : {"{\"id\":", "[]", "{\"id\": 7}", "", "{}"}) {
    SCOPED_TRACE(damage);
    ASSERT_TRUE(Sql(fmt::format("UPDATE routes SET rollout = '{}'", damage)));
    const auto table = store_->ReadTable(Revision(0));
    ASSERT_TRUE(table) << Describe(table.error());
    ASSERT_EQ(table->routes.size(), 1u);
    EXPECT_EQ(table->routes[0].rollout, std::nullopt);
    ASSERT_EQ(table->faults.size(), 1u);
    EXPECT_EQ(table->faults[0].table + " " + table->faults[0].key, "routes iris");
    EXPECT_THAT(table->faults[0].problem, HasSubstr("rollout: "));
    EXPECT_TRUE(store_->ReadRoute(kIris)) << "no reason to refuse a verb";
    registry_.Refuse(ErrorCode::kConflict, ActivateVersion{ModelId("c")});
    const Committed moved = registry_.Do(EpochOf(rollout, 0, 100));
    EXPECT_EQ(registry_.TheRoute().rollout, MarkOf(*moved.rollout));
    EXPECT_TRUE(store_->ReadTable(Revision(0))->faults.empty());
  }
}

// A mark without a rollout that runs is nobody's: it must not keep the route from its verbs.
TEST_F(SqliteRollouts, AMarkThatIsLeftOverHoldsUpNobody) {
  const Rollout rollout = registry_.Start("b");
  ASSERT_TRUE(Sql("UPDATE rollouts SET phase = 'aborted'"));
  EXPECT_EQ(store_->FindRollout(rollout.id)->phase, RolloutPhase::kAborted);
  EXPECT_EQ(*store_->TakeLease(rollout.id, "one", 10s), std::nullopt);
  registry_.Refuse(ErrorCode::kConflict, MoveOf(rollout, RolloutMove::kPause));
  EXPECT_TRUE(registry_.TheRoute().rollout) << "left by SQL";
  registry_.RollBack();
  EXPECT_EQ(registry_.TheRoute().rollout, std::nullopt);
  EXPECT_EQ(registry_.Roles(), "a=primary b=canary@0 c=shadow");
  EXPECT_EQ(registry_.Start("b").attempt, 2);
}

TEST_F(SqliteRollouts, ARowThatCannotBeReadStopsNoRollbackAndSaysHowToMendIt) {
  const Rollout rollout = registry_.Start("b");
  ASSERT_TRUE(Sql("UPDATE rollouts SET body = '{\"id\": 7}'"));
  const auto found = store_->FindRollout(rollout.id);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kUnprocessable);
  EXPECT_THAT(found.error().message, HasSubstr("set its phase to 'aborted' by SQL"));
  EXPECT_THAT(registry_.Refuse(ErrorCode::kUnprocessable, MoveOf(rollout, RolloutMove::kAbort)),
              HasSubstr("cannot be read"));
  EXPECT_TRUE(store_->ListRollouts({})->items.empty()) << "a list goes on without it";
  for (const bool running_only : {false, true}) {
    const auto page = store_->ListRollouts({std::nullopt, running_only, 50, ""});
    ASSERT_TRUE(page);
    EXPECT_EQ(page->unread, std::vector{rollout.id.get()}) << "and names it";
  }
  registry_.RollBack();
  EXPECT_EQ(registry_.Roles(), "a=primary b=canary@0 c=shadow") << "callers are safe";
  EXPECT_THAT(registry_.Refuse(ErrorCode::kConflict, ActivateVersion{ModelId("c")}),
              HasSubstr(rollout.id.get()));
  ASSERT_TRUE(Sql("UPDATE rollouts SET phase = 'aborted'"));
  registry_.Activate("c");
  EXPECT_EQ(registry_.TheRoute().rollout, std::nullopt);
}

// A route's mark is what coins are thrown for: where it is whole, no verb writes another one in its
// place, and where there is none, none is made up.
TEST_F(SqliteRollouts, AHarmlessVerbBesideARowThatCannotBeReadKeepsTheMark) {
  registry_.Do(EpochOf(registry_.Start("b"), 1, 500));
  const std::optional<RolloutMark> mark = registry_.TheRoute().rollout;
  ASSERT_TRUE(mark);
  ASSERT_EQ(mark->epoch, 1u);
  ASSERT_TRUE(Sql("UPDATE rollouts SET body = '{\"id\": 7}'"));
  registry_.Add("d", VersionStatus::kShadow);
  EXPECT_EQ(registry_.TheRoute().rollout, mark);
  ASSERT_TRUE(Sql("UPDATE routes SET rollout = NULL"));
  registry_.Add("e", VersionStatus::kShadow);
  EXPECT_EQ(registry_.TheRoute().rollout, std::nullopt);
  registry_.Refuse(ErrorCode::kConflict, ActivateVersion{ModelId("c")});
}

// Such a row is in no epoch, or beyond its plan: whoever went by it would go beyond an array.
TEST_F(SqliteRollouts, ARowThatIsNowhereInItsPlanIsNotRead) {
  const Rollout rollout = registry_.Start("b");
  const std::string whole = RolloutToText(rollout);
  for (const char* damage : {"'$.epochs', json('[]')", "'$.step', 99", "'$.epochs[0].step', 99"}) {
    SCOPED_TRACE(damage);
    ASSERT_TRUE(Sql(fmt::format("UPDATE rollouts SET body = json_set(body, {})", damage)));
    EXPECT_EQ(store_->FindRollout(rollout.id).error().code, ErrorCode::kUnprocessable);
    registry_.Refuse(ErrorCode::kUnprocessable, EpochOf(rollout, 1, 500));
    ASSERT_TRUE(Sql(fmt::format("UPDATE rollouts SET body = '{}'", whole)));
    EXPECT_EQ(*store_->FindRollout(rollout.id), rollout);
  }
}

// The file itself refuses what no verb does.
TEST_F(SqliteRollouts, TheFileHasRulesOfItsOwn) {
  const Rollout rollout = registry_.Start("b");
  EXPECT_FALSE(
      Sql("INSERT INTO rollouts SELECT 'other', route, candidate, artifact, phase, 99, "
          "revision, ended_at, body FROM rollouts"))
      << "a second one that runs";
  EXPECT_FALSE(Sql("UPDATE rollouts SET phase = 'resting'"));
  EXPECT_FALSE(Sql("INSERT INTO rollout_leases VALUES ('nobody', 'x', 1, 1)"));
  ASSERT_TRUE(store_->TakeLease(rollout.id, "one", 10s)->has_value());
  EXPECT_FALSE(Sql("DELETE FROM rollouts")) << "its lease stands on it";
}

// What coins are thrown for decides calls, so history notices whoever changes it.
TEST_F(SqliteRollouts, AMarkThatSqlTakesAwayIsInTheHistory) {
  registry_.Start("b");
  ASSERT_TRUE(Sql("UPDATE routes SET rollout = NULL"));
  const auto now = store_->ReadRouteAt(kIris, {});
  ASSERT_TRUE(now) << Describe(now.error());
  EXPECT_TRUE(now->by_sql);
  EXPECT_EQ(now->input.route.rollout, std::nullopt);
}

TEST_F(SqliteRollouts, KeysOfThoseThatEndedGoInSlices) {
  const Rollout old = registry_.Start("b");
  std::vector<RolloutHit> hits(limits::kEvidenceSlice + 1);
  for (std::size_t i = 0; i < hits.size(); ++i) {
    hits[i].rollout = old.id;
    hits[i].unit = i;
  }
  ASSERT_TRUE(store_->RecordEvidence({}, hits));
  EXPECT_EQ(*store_->DropRolloutHits(clock_.Now() + 1h), 0u) << "it runs";
  clock_.Advance(1s);
  registry_.Do(MoveOf(old, RolloutMove::kAbort));
  const Rollout young = registry_.Start("b");
  hits.resize(1);
  hits[0].rollout = young.id;
  ASSERT_TRUE(store_->RecordEvidence({}, hits));
  EXPECT_EQ(*store_->DropRolloutHits(clock_.Now()), 0u) << "not before";
  EXPECT_EQ(*store_->DropRolloutHits(clock_.Now() + 1us), limits::kEvidenceSlice);
  EXPECT_EQ(*store_->DropRolloutHits(clock_.Now() + 1us), 1u);
  EXPECT_EQ(*store_->DropRolloutHits(clock_.Now() + 1us), 0u);
  EXPECT_TRUE(store_->ReadEvidence(old.id)->hits.empty());
  EXPECT_EQ(store_->ReadEvidence(young.id)->hits.size(), 1u);
}

}  // namespace
}  // namespace podium::store
