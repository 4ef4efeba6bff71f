// The contract of RegistryStore, part two: what is read back, page by page and revision by
// revision, and what must stay true whatever is asked.
#include <set>

#include "base/json.h"
#include "base/limits.h"
#include "store/store_contract.h"

namespace podium::store {
namespace {

class RegistryReads : public RegistryContract {};
INSTANTIATE_TEST_SUITE_P(Stores, RegistryReads, AllBackends(), BackendName);

std::vector<std::string> IdsOf(const TableDelta& delta) {
  std::vector<std::string> ids;
  for (const ModelVersion& row : delta.versions) {
    ids.push_back(row.model_id.get() + (row.deleted ? "!" : ""));
  }
  return ids;
}

TEST_P(RegistryReads, AnEmptyRegistryIsReadable) {
  EXPECT_EQ(store_->ReadRevision(), Revision(0));
  const auto table = store_->ReadTable(Revision(0));
  ASSERT_TRUE(table);
  EXPECT_TRUE(table->routes.empty() && table->versions.empty() && table->faults.empty());
  EXPECT_EQ(store_->ReadRoute(kIris).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(store_->FindVersion(ModelId("a")).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(store_->ListVersions({})->items.empty());
  EXPECT_TRUE(registry_.Events().empty());
  EXPECT_TRUE(store_->VerifyAudit()->intact());
}

TEST_P(RegistryReads, TheDeltaHoldsWhatChangedTombstonesToo) {
  for (const char* id : {"a", "b", "c"}) registry_.Add(id);
  registry_.Add("r", VersionStatus::kStandby, "roses");
  registry_.Activate("a");
  const Revision seen = *store_->ReadRevision();
  EXPECT_TRUE(store_->ReadTable(seen)->versions.empty());

  registry_.Activate("b");
  registry_.Do(DeleteVersion{ModelId("c")});
  const auto delta = store_->ReadTable(seen);
  ASSERT_TRUE(delta);
  EXPECT_EQ(delta->revision, Revision(seen.get() + 2));
  EXPECT_EQ(IdsOf(*delta), (std::vector<std::string>{"a", "b", "c!"}));
  ASSERT_EQ(delta->routes.size(), 1u) << "roses did not change";
  EXPECT_EQ(delta->routes[0].revision, delta->revision);
  EXPECT_EQ(IdsOf(*store_->ReadTable(Revision(0))),
            (std::vector<std::string>{"a", "b", "c!", "r"}));
}

TEST_P(RegistryReads, PagesCoverTheListOnceAndInOrder) {
  for (int i = 0; i < 7; ++i) {
    registry_.Add("v" + std::to_string(6 - i));
    if (i % 2 == 0) clock_.Advance(std::chrono::milliseconds(1));  // Some rows share their time.
    registry_.Add("r" + std::to_string(i), VersionStatus::kShadow, "roses");
  }
  registry_.Do(DeleteVersion{ModelId("v3")});
  const auto all = store_->ListVersions({});
  ASSERT_TRUE(all);
  ASSERT_EQ(all->items.size(), 13u);
  EXPECT_TRUE(all->next_cursor.empty());
  for (const int limit : {1, 2, 5, 12, 13}) {
    SCOPED_TRACE(limit);
    std::vector<std::string> seen;
    VersionQuery query;
    query.limit = limit;
    do {
      const auto page = store_->ListVersions(query);
      ASSERT_TRUE(page) << Describe(page.error());
      ASSERT_LE(page->items.size(), static_cast<std::size_t>(limit));
      for (const ModelVersion& row : page->items) seen.push_back(TextOf(row));
      query.cursor = page->next_cursor;
    } while (!query.cursor.empty());
    ASSERT_EQ(seen.size(), all->items.size());
    for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i], TextOf(all->items[i]));
  }
}

TEST_P(RegistryReads, ListsFilterByRouteNameAndStatus) {
  ModelVersion row = Row("a");
  row.name = "forest";
  registry_.Do(RegisterVersion{row});
  registry_.Add("b", VersionStatus::kShadow);
  registry_.Add("c", VersionStatus::kShadow, "roses");
  const auto count = [&](const VersionQuery& query) {
    return store_->ListVersions(query)->items.size();
  };
  VersionQuery query;
  EXPECT_EQ(count(query), 3u);
  query.route = kIris;
  EXPECT_EQ(count(query), 2u);
  query.name = "forest";
  EXPECT_EQ(count(query), 1u);
  query.status = VersionStatus::kShadow;
  EXPECT_EQ(count(query), 0u);
  query.name.reset();
  EXPECT_EQ(store_->ListVersions(query)->items.at(0).model_id, ModelId("b"));
}

TEST_P(RegistryReads, PromotionsAreListedNewestFirstAndPagedByRevision) {
  registry_.Add("a");
  registry_.Add("r", VersionStatus::kStandby, "roses");
  registry_.Activate("a");
  PromotionQuery query{kIris, 1, ""};
  auto page = store_->ListPromotions(query);
  ASSERT_TRUE(page);
  ASSERT_EQ(page->items.size(), 1u);
  EXPECT_EQ(page->items[0].kind, PromotionKind::kActivate);
  // A row that comes in between shifts nothing: the cursor is a key and not a count.
  registry_.Add("b");
  query.cursor = page->next_cursor;
  page = store_->ListPromotions(query);
  ASSERT_EQ(page->items.size(), 1u);
  EXPECT_EQ(page->items[0].revision, Revision(1));
  EXPECT_TRUE(page->next_cursor.empty());
}

TEST_P(RegistryReads, ForeignCursorsAndLimitsAreRefused) {
  for (const char* id : {"a", "b"}) registry_.Add(id);
  const std::string versions = store_->ListVersions({{}, {}, {}, 1, ""})->next_cursor;
  const std::string promotions = store_->ListPromotions({{}, 1, ""})->next_cursor;
  ASSERT_FALSE(versions.empty() || promotions.empty());
  for (const std::string& bad :
       {std::string("x"), std::string("zz"), versions.substr(2), promotions}) {
    EXPECT_EQ(store_->ListVersions({{}, {}, {}, 1, bad}).error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(store_->ListPromotions({{}, 1, versions}).error().code, ErrorCode::kInvalidArgument);
  // INV-16: at the limit and one past it.
  for (const auto& [limit, good] : {std::pair(0, false), std::pair(limits::kPageMax, true),
                                    std::pair(limits::kPageMax + 1, false)}) {
    EXPECT_EQ(store_->ListVersions({{}, {}, {}, limit, ""}).has_value(), good) << limit;
    EXPECT_EQ(store_->ListPromotions({{}, limit, ""}).has_value(), good) << limit;
    EXPECT_EQ(store_->ReadOutbox(0, limit).has_value(), good) << limit;
  }
}

// INV-2: audit row, event and revision move together, one each per change.
TEST_P(RegistryReads, Inv2EveryChangeLeavesOneAuditRowAndOneEvent) {
  registry_.Add("a");
  registry_.Activate("a");
  registry_.Add("b", VersionStatus::kShadow);
  registry_.Canary("b", 500);
  registry_.RollBack();
  registry_.Do(EndCanary{kIris});
  registry_.Split({{"b", 100}});
  registry_.Split({});
  registry_.Canary("b", 0);
  registry_.Promote("b");
  registry_.Do(RetireVersion{ModelId("a")});
  registry_.Do(DeleteVersion{ModelId("a")});

  const std::vector<Promotion> audit = registry_.Audit();
  const std::vector<OutboxEvent> events = registry_.Events();
  ASSERT_EQ(audit.size(), 12u);
  ASSERT_EQ(events.size(), 12u);
  EXPECT_EQ(store_->ReadRevision(), Revision(12));
  for (std::size_t i = 0; i < audit.size(); ++i) {
    const auto number = static_cast<std::int64_t>(i) + 1;
    EXPECT_EQ(audit[i].revision, Revision(number)) << "audit rows have no gaps";
    EXPECT_EQ(events[i].revision, Revision(number));
    const auto data = ParseJson(events[i].data);
    ASSERT_TRUE(data);
    EXPECT_EQ((*data)["head_hash"], audit[i].hash);
    EXPECT_EQ((*data)["audit_count"], number);
    EXPECT_EQ((*data)["kind"], NameOf(audit[i].kind));
  }
  const auto verdict = store_->VerifyAudit();
  ASSERT_TRUE(verdict);
  EXPECT_TRUE(verdict->intact()) << verdict->problem;
  EXPECT_EQ(verdict->rows, 12);
}

TEST_P(RegistryReads, Inv2ARefusedMutationLeavesNothing) {
  registry_.Add("a");
  registry_.Add("b");
  registry_.Activate("a");
  const std::string before = TextOf(*store_->ReadTable(Revision(0)));
  MutationContext stale;
  stale.if_match = Revision(77);
  const Mutation refused[] = {
      RegisterVersion{Row("a")},
      ActivateVersion{ModelId("nobody")},
      RetireVersion{ModelId("a")},
      DeleteVersion{ModelId("a")},
      PromoteVersion{ModelId("b")},
      RollBackRoute{kIris},
      SetCanary{kIris, ModelId("a"), Share(1)},
      EndCanary{kIris},
      SetArms{kIris, {{ModelId("a"), 0, Share(1)}}},
  };
  for (const Mutation& mutation : refused) EXPECT_FALSE(store_->Apply(mutation, {}));
  registry_.Refuse(ErrorCode::kRevisionMismatch, SetCanary{kIris, ModelId("b"), Share(1)}, stale);
  EXPECT_EQ(TextOf(*store_->ReadTable(Revision(0))), before);
  EXPECT_EQ(registry_.Audit().size(), 3u);
  EXPECT_EQ(registry_.Events().size(), 3u);
  EXPECT_EQ(store_->ReadRevision(), Revision(3));
}

TEST_P(RegistryReads, TheOutboxIsReadFromWhereTheDispatcherStopped) {
  for (const char* id : {"a", "b", "c"}) registry_.Add(id);
  const auto first = store_->ReadOutbox(0, 2);
  ASSERT_TRUE(first);
  ASSERT_EQ(first->size(), 2u);
  const auto rest = store_->ReadOutbox(first->back().sequence, 2);
  ASSERT_EQ(rest->size(), 1u);
  EXPECT_EQ(rest->at(0).revision, Revision(3));
  EXPECT_EQ(rest->at(0).type, "podium.version.registered");
}

// The database's clock: an NTP step back must not make a later change look earlier.
TEST_P(RegistryReads, TimeNeverGoesBackWithTheRevision) {
  registry_.Add("a");
  const WallTime first = clock_.Now();
  clock_.SetWall(first - std::chrono::hours(1));
  registry_.Add("b");
  clock_.SetWall(first + std::chrono::hours(1));
  registry_.Add("c");
  const std::vector<Promotion> audit = registry_.Audit();
  ASSERT_EQ(audit.size(), 3u);
  EXPECT_EQ(audit[0].at, first);
  EXPECT_EQ(audit[1].at, first);
  EXPECT_EQ(audit[2].at, first + std::chrono::hours(1));
  EXPECT_EQ(store_->FindVersion(ModelId("b"))->created_at, first);
}

TEST_P(RegistryReads, TextsOfAMutationAreBounded) {
  registry_.Add("a");
  MutationContext context;
  context.reason = std::string(limits::kMaxReasonBytes, 'r');
  registry_.Do(ActivateVersion{ModelId("a")}, context);
  context.reason += 'r';
  registry_.Refuse(ErrorCode::kInvalidArgument, RetireVersion{ModelId("a")}, context);
  context.reason = "line\nbreak";
  registry_.Refuse(ErrorCode::kInvalidArgument, RetireVersion{ModelId("a")}, context);
}

}  // namespace
}  // namespace podium::store
