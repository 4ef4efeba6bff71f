// What only the SQLite registry promises: its file, its constraints, and what it does with a file
// that somebody else has touched.
#include "store/sqlite_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "store/sqlite_schema.h"
#include "store/store_contract.h"

namespace podium::store {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class SqliteRegistry : public ::testing::Test {
 protected:
  SqliteRegistry() : store_(SqliteBackend().open(clock_, rng_, folder_)), registry_(*store_) {}

  std::string path() const { return folder_ / "registry.db"; }
  Result<std::unique_ptr<SqliteStore>> Open(const std::string& path,
                                            std::chrono::milliseconds patience = {}) {
    return SqliteStore::Open(path, clock_, rng_, {patience, 1});
  }
  /// As somebody with a SQLite shell: no rule of ours but those that are in the file.
  Status Sql(const std::string& sql) {
    PODIUM_TRY_ASSIGN(const auto raw, SqliteConnection::Open(path(), std::chrono::seconds(5)));
    return raw->Execute("PRAGMA foreign_keys = ON; " + sql);
  }
  std::int64_t Count(const std::string& table) {
    auto raw = SqliteConnection::Open(path(), std::chrono::seconds(5));
    Query query(**raw, "SELECT count(*) FROM " + table);
    EXPECT_TRUE(query.Next());
    return query.Int(0);
  }
  std::string Refused(const std::string& sql) {
    const Status done = Sql(sql);
    return done ? "accepted" : done.error().message;
  }

  testing::TempDir folder_;
  testing::SimClock clock_;
  SeededRng rng_{1};
  std::unique_ptr<RegistryStore> store_;
  Registry registry_;
};

// --- the file ---

std::int64_t Pragma(const std::string& path, const std::string& name) {
  auto raw = SqliteConnection::Open(path, std::chrono::seconds(5));
  Query query(**raw, "PRAGMA " + name);
  EXPECT_TRUE(query.Next());
  return query.Int(0);
}

TEST_F(SqliteRegistry, ANewFileHasPagesOf8Kilobytes) {
  EXPECT_EQ(Pragma(path(), "page_size"), 8192);
}

// As releases before this one made it.
TEST_F(SqliteRegistry, AFileWithSmallerPagesKeepsThem) {
  const std::string old = folder_ / "old.db";
  {
    auto raw = SqliteConnection::Open(old, std::chrono::seconds(5));
    ASSERT_TRUE(
        (*raw)->Execute("PRAGMA page_size = 4096; PRAGMA journal_mode = WAL;"
                        "CREATE TABLE made (x); DROP TABLE made"));
  }
  {
    const auto store = Open(old);
    ASSERT_TRUE(store) << store.error().message;
    ASSERT_TRUE((*store)->Apply(RegisterVersion{Row("a")}, {}));
  }
  EXPECT_EQ(Pragma(old, "page_size"), 4096);
}

// A change that is answered must not stand in a file that nobody can open any more.
TEST_F(SqliteRegistry, NothingIsWrittenIntoALogThatWasRemoved) {
  registry_.Add("a");
  std::filesystem::rename(path() + "-wal", path() + "-wal.away");
  const auto refused = store_->Apply(RegisterVersion{Row("b")}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("-wal, which holds"));
  EXPECT_THAT(store_->ReadRevision().error().message, HasSubstr("put it back"));
  std::ofstream(path() + "-wal") << "another one";
  EXPECT_FALSE(store_->ReadRevision());
  std::filesystem::rename(path() + "-wal.away", path() + "-wal");
  EXPECT_TRUE(store_->ReadRevision());
  EXPECT_TRUE(store_->Apply(RegisterVersion{Row("b")}, {}));
}

TEST_F(SqliteRegistry, ALogWithoutItsFileIsNotThrownAway) {
  registry_.Add("a");
  const std::string copy = folder_ / "copy.db";
  std::filesystem::copy_file(path() + "-wal", copy + "-wal");
  const auto size = std::filesystem::file_size(copy + "-wal");
  for (const bool empty : {false, true}) {
    if (empty) std::ofstream(copy).flush();
    const auto opened = Open(copy);
    ASSERT_FALSE(opened) << empty;
    EXPECT_EQ(opened.error().code, ErrorCode::kUnavailable);
    EXPECT_THAT(opened.error().message, HasSubstr("missing or empty"));
  }
  EXPECT_EQ(std::filesystem::file_size(copy + "-wal"), size);
  // Behind an empty log there is nothing to lose.
  std::ofstream(copy + "-wal", std::ios::trunc).flush();
  EXPECT_TRUE(Open(copy));
}

TEST_F(SqliteRegistry, TheFileIsItsOwnersAlone) {
  registry_.Add("a");
  for (const std::string& name : {path(), path() + "-wal", path() + "-shm"}) {
    struct stat info{};
    ASSERT_EQ(::stat(name.c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_mode & 0777, 0600u) << name;
  }
  // Nothing is left of how it was created.
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    EXPECT_THAT(entry.path().filename().string(),
                ::testing::AnyOf("registry.db", "registry.db-wal", "registry.db-shm"));
  }
}

// What is written into a file that has lost its name is lost with the process: no such promise is
// made.
TEST_F(SqliteRegistry, AFileThatWasMovedAwayTakesNoMoreCommits) {
  registry_.Add("a");
  std::filesystem::rename(path(), path() + ".away");
  for (const Error& error :
       {store_->Apply(RetireVersion{ModelId("a")}, {}).error(), store_->ReadRevision().error()}) {
    EXPECT_EQ(error.code, ErrorCode::kUnavailable);
    EXPECT_THAT(error.message, HasSubstr("moved or removed"));
  }
  std::filesystem::rename(path() + ".away", path());
  EXPECT_TRUE(store_->ReadRevision());
}

TEST_F(SqliteRegistry, MissingDirectoriesAreCreated) {
  const auto opened = Open(folder_ / "deep/er/registry.db");
  ASSERT_TRUE(opened) << Describe(opened.error());
  struct stat info{};
  ASSERT_EQ(::stat((folder_ / "deep/er").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(SqliteRegistry, WhatWasCommittedIsThereAfterReopening) {
  registry_.Add("a");
  registry_.Add("b");
  registry_.Activate("a");
  registry_.Canary("b", 500);
  const std::string before = TextOf(*store_->ReadTable(Revision(0)));
  store_.reset();
  const auto again = Open(path());
  ASSERT_TRUE(again) << Describe(again.error());
  EXPECT_EQ(TextOf(*(*again)->ReadTable(Revision(0))), before);
  EXPECT_TRUE((*again)->VerifyAudit()->intact());
}

TEST_F(SqliteRegistry, TwoStoresOnOneFileSeeEachOther) {
  const auto other = Open(path(), std::chrono::seconds(5));
  ASSERT_TRUE(other);
  registry_.Add("a");
  Registry(**other).Activate("a");
  EXPECT_EQ(registry_.Roles(), "a=primary");
  EXPECT_EQ(store_->ReadRevision(), Revision(2));
}

TEST_F(SqliteRegistry, FilesThatAreNotOursAreRefusedAndLeftAlone) {
  std::ofstream(folder_ / "text") << std::string(5000, 'x');
  std::filesystem::create_directory(folder_ / "directory");
  auto other = SqliteConnection::Open(folder_ / "other", {});
  ASSERT_TRUE(other && (*other)->Execute("CREATE TABLE songs (title TEXT)"));
  struct Case {
    const char* name;
    const char* says;
  };
  const Case cases[] = {{"text", "not a SQLite database"},
                        {"directory", "cannot be opened"},
                        {"other", "something else than podium"},
                        {"text/below", "cannot be created"}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto opened = Open(folder_ / c.name);
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error().message, HasSubstr(c.says));
    EXPECT_THAT(opened.error().message, HasSubstr(c.name)) << "an operator must know which file";
  }
  EXPECT_FALSE(Open(""));
}

TEST_F(SqliteRegistry, ANewerSchemaIsRefusedWithBothNumbers) {
  ASSERT_TRUE(Sql("INSERT INTO schema_migrations VALUES (4711, 'from the future', 0)"));
  const auto opened = Open(path());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kUnprocessable);
  EXPECT_THAT(opened.error().message, HasSubstr("schema 4711"));
  EXPECT_THAT(opened.error().message, HasSubstr(fmt::format("up to {}", NewestSchema())));
}

TEST_F(SqliteRegistry, EachMigrationIsRecordedOnce) {
  ASSERT_TRUE(Open(path()));
  EXPECT_EQ(Count("schema_migrations"), NewestSchema());
}

// --- the lock ---

// Contention is never a conflict, and readers and openers do not notice it.
TEST_F(SqliteRegistry, AnotherProcessHoldingTheLockIsUnavailableNotConflict) {
  registry_.Add("a");
  auto holder = SqliteConnection::Open(path(), {});
  ASSERT_TRUE(holder);
  auto held = Transaction::Begin(**holder, Transaction::Kind::kWrite);
  ASSERT_TRUE(held);
  const auto impatient = Open(path());
  ASSERT_TRUE(impatient) << "opening an up-to-date file needs no lock";
  const auto refused = (*impatient)->Apply(ActivateVersion{ModelId("a")}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("locked by another process"));
  EXPECT_EQ(registry_.Roles(), "a=standby");
  ASSERT_TRUE(held->Commit());
  EXPECT_TRUE((*impatient)->Apply(ActivateVersion{ModelId("a")}, {}));
}

// --- INV-1 and INV-2 by the database itself ---

TEST_F(SqliteRegistry, Inv1ASecondPrimaryOrCanaryIsRefusedByTheIndex) {
  for (const char* id : {"a", "b", "c"}) registry_.Add(id);
  registry_.Activate("a");
  registry_.Canary("b", 100);
  EXPECT_THAT(Refused("UPDATE model_registry SET status = 'primary' WHERE model_id = 'c'"),
              HasSubstr("model_registry.model_type"));
  EXPECT_THAT(Refused("UPDATE model_registry SET status = 'canary' WHERE model_id = 'c'"),
              HasSubstr("model_registry.model_type"));
  EXPECT_EQ(registry_.Roles(), "a=primary b=canary@100 c=standby");
}

TEST_F(SqliteRegistry, RowsThatMakeNoSenseAreRefusedByTheTable) {
  registry_.Add("a");
  const char* const statements[] = {
      "UPDATE model_registry SET status = 'boss'",
      "UPDATE model_registry SET traffic_bp = 10001, status = 'canary'",
      "UPDATE model_registry SET traffic_bp = -1, status = 'canary'",
      "UPDATE model_registry SET traffic_bp = 'much', status = 'canary'",
      "UPDATE model_registry SET traffic_bp = 5",
      "UPDATE model_registry SET deleted = 1",
      "UPDATE model_registry SET model_type = 'nowhere'",
      "UPDATE routes SET policy = 'random'",
      "INSERT INTO route_arms VALUES ('iris', 'nobody', 0, 1)",
      "DELETE FROM routes",
      "DELETE FROM registry_revision",
      "INSERT INTO registry_revision VALUES (2, 0, 0, '', 0, 0)",
      "UPDATE registry_revision SET revision = 0",
  };
  for (const char* sql : statements) {
    SCOPED_TRACE(sql);
    EXPECT_NE(Refused(sql), "accepted");
  }
  EXPECT_EQ(registry_.Roles(), "a=standby");
}

TEST_F(SqliteRegistry, Inv2AuditRowsCannotBeTouched) {
  registry_.Add("a");
  registry_.Activate("a");
  EXPECT_THAT(Refused("UPDATE model_promotions SET actor = 'eve' WHERE revision = 1"),
              HasSubstr("append-only"));
  EXPECT_THAT(Refused("DELETE FROM model_promotions"), HasSubstr("append-only"));
  // REPLACE deletes without the trigger of DELETE; the one on numbers is in its way.
  EXPECT_THAT(Refused("INSERT OR REPLACE INTO model_promotions SELECT * FROM model_promotions "
                      "WHERE revision = 1"),
              HasSubstr("follows the head"));
  EXPECT_THAT(Refused("INSERT INTO model_promotions SELECT 9, route, kind, from_id, to_id, 0, 0, "
                      "NULL, 'eve', '', '', '', '', 0, hash, hash FROM model_promotions "
                      "WHERE revision = 2"),
              HasSubstr("follows the head"));
  EXPECT_TRUE(store_->VerifyAudit()->intact());
}

// Whatever breaks between the first row and the commit, nothing of the mutation is left.
TEST_F(SqliteRegistry, Inv2AFailureAtAnyStepLeavesNothing) {
  for (const char* id : {"a", "b", "c"}) registry_.Add(id);
  registry_.Activate("a");
  registry_.Split({{"b", 100}});
  const std::string before = TextOf(*store_->ReadTable(Revision(0)));
  const char* const steps[] = {
      "UPDATE ON routes",           "UPDATE ON model_registry", "DELETE ON route_arms",
      "INSERT ON route_arms",       "INSERT ON route_history",  "UPDATE ON route_history",
      "INSERT ON model_promotions", "INSERT ON event_outbox",   "UPDATE ON registry_revision",
  };
  const SetArms mutation{RouteName("iris"), {{ModelId("c"), 0, Share(5)}}};
  for (const char* step : steps) {
    SCOPED_TRACE(step);
    ASSERT_TRUE(Sql(fmt::format(
        "CREATE TRIGGER broken AFTER {} BEGIN SELECT RAISE(ABORT, 'broken here'); END", step)));
    const auto refused = store_->Apply(mutation, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kInternal);
    EXPECT_THAT(refused.error().message, HasSubstr("broken here"));
    EXPECT_EQ(TextOf(*store_->ReadTable(Revision(0))), before);
    EXPECT_EQ(Count("model_promotions"), 5);
    EXPECT_EQ(Count("event_outbox"), 5);
    ASSERT_TRUE(Sql("DROP TRIGGER broken"));
  }
  EXPECT_TRUE(store_->Apply(mutation, {})) << "the next one works as if nothing had been";
}

// --- history ---

class SqliteHistory : public SqliteRegistry {
 protected:
  SqliteHistory() {
    for (const char* id : {"a", "b", "c"}) registry_.Add(id);
    registry_.Activate("a");
    registry_.Canary("b", 500);  // Generation 5.
  }

  /// `statement` with `:r` as the next revision, in the transaction that brings it.
  void SqlAtNextRevision(std::string statement) {
    const std::string next = std::to_string(store_->ReadRevision()->get() + 1);
    for (std::size_t at = 0; (at = statement.find(":r")) != std::string::npos;) {
      statement.replace(at, 2, next);
    }
    ASSERT_TRUE(
        Sql(fmt::format("BEGIN IMMEDIATE; {}; UPDATE registry_revision SET revision = {};"
                        "COMMIT",
                        statement, next)));
  }
  RouteAt At(std::int64_t revision) {
    auto found = store_->ReadRouteAt(RouteName("iris"),
                                     {MakeGeneration(0, Revision(revision)), std::nullopt});
    EXPECT_TRUE(found) << Describe(found.error());
    return found ? *found : RouteAt();
  }
  int ShareAt(std::int64_t revision) {
    for (const ModelVersion& row : At(revision).input.versions) {
      if (row.status == VersionStatus::kCanary) return row.share.value();
    }
    return -1;
  }
};

// The table is the interface: what SQL changed reaches traffic, so explain must know of it.
TEST_F(SqliteHistory, AChangeBySqlIsPartOfIt) {
  const auto share = [](int basis_points) {
    return fmt::format(
        "UPDATE model_registry SET traffic_bp = {}, revision = :r WHERE model_id = 'b'",
        basis_points);
  };
  SqlAtNextRevision(share(900));
  EXPECT_EQ(ShareAt(5), 500);
  EXPECT_EQ(ShareAt(6), 900) << "from the table itself, before podium has written it down";
  EXPECT_TRUE(At(6).by_sql);
  EXPECT_FALSE(At(5).by_sql);

  registry_.Add("d");  // Any mutation of the route writes it down.
  registry_.Canary("b", 1000);
  EXPECT_EQ(ShareAt(6), 900);
  EXPECT_EQ(At(7).since, MakeGeneration(0, Revision(6)));
  EXPECT_EQ(ShareAt(8), 1000);

  // Twice without a look in between: the first of the two is not known, and that is said.
  SqlAtNextRevision(share(1));
  SqlAtNextRevision(share(2));
  EXPECT_EQ(ShareAt(10), 2);
  const auto lost =
      store_->ReadRouteAt(RouteName("iris"), {MakeGeneration(0, Revision(9)), std::nullopt});
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, ErrorCode::kUnprocessable);
  EXPECT_THAT(lost.error().message, HasSubstr("changed by SQL"));
}

TEST_F(SqliteHistory, ChangesOfRoutesAndArmsBySqlAreSeenToo) {
  SqlAtNextRevision("UPDATE routes SET canary_salt = 'mine', revision = :r");
  EXPECT_EQ(At(6).input.route.canary_salt, "mine");
  EXPECT_NE(At(5).input.route.canary_salt, "mine");
  registry_.Add("d");
  SqlAtNextRevision(
      "UPDATE model_registry SET status = 'standby', traffic_bp = 0, revision = :r"
      " WHERE model_id = 'b';"
      "INSERT INTO route_arms VALUES ('iris', 'c', 0, 4000);"
      "UPDATE routes SET policy = 'ab', revision = :r");
  EXPECT_EQ(At(8).input.route.arms.size(), 1u);
  EXPECT_EQ(At(8).input.versions.size(), 2u) << "an arm on standby gets its traffic too";
  EXPECT_EQ(At(7).input.route.arms.size(), 0u) << "arms count from the next revision";
  registry_.Split({});
  EXPECT_EQ(At(8).input.versions.size(), 2u) << "written down before it went";
  EXPECT_EQ(At(9).input.versions.size(), 1u);
}

// Rows without a revision of their own are read by nobody until a restart: which of the two states
// a core routes by cannot be known here.
TEST_F(SqliteHistory, AChangeBySqlWithoutARevisionIsMarked) {
  ASSERT_TRUE(Sql("UPDATE model_registry SET traffic_bp = 900 WHERE model_id = 'b'"));
  EXPECT_TRUE(At(5).by_sql);
  ASSERT_TRUE(Sql("DELETE FROM model_registry WHERE model_id = 'b'"));
  EXPECT_TRUE(At(5).by_sql);
  EXPECT_EQ(ShareAt(5), -1);
  EXPECT_FALSE(At(4).by_sql);
}

// What is rewritten as it was is no change, whoever rewrites it.
TEST_F(SqliteHistory, RowsThatOnlyTouchCostNothing) {
  registry_.Do(EndCanary{RouteName("iris")});
  registry_.Split({{"b", 100}, {"c", 200}});
  const std::int64_t rows = Count("route_history");
  registry_.Add("d");
  registry_.Add("e");
  SqlAtNextRevision("UPDATE model_registry SET stage = 'lab', revision = :r");
  EXPECT_EQ(Count("route_history"), rows);
}

// The file itself stays small: beyond the limit a route keeps one row below it, and no more.
TEST_F(SqliteHistory, OlderRowsAreDropped) {
  registry_.Add("x", VersionStatus::kStandby, "roses");
  const std::int64_t kept = limits::kRouteHistoryGenerations;
  while (store_->ReadRevision()->get() < kept) {
    registry_.Canary("b", 1 + static_cast<int>(store_->ReadRevision()->get()));
  }
  // iris: all but 2 and 3 (standby); 6 is roses. The floor is at 1.
  EXPECT_EQ(Count("route_history"), kept - 2);
  for (int i = 0; i < 50; ++i) registry_.Canary("b", 700 + i);
  EXPECT_EQ(Count("route_history"), kept + 1) << "1,000 of iris, and the one of roses";
  EXPECT_EQ(store_->ReadRouteAt(RouteName("roses"), {})->since, MakeGeneration(0, Revision(6)));
}

// A file of the podium before there was a history: it starts there, with what the table says; what
// was before, the audit trail says.
TEST_F(SqliteRegistry, AFileOfTheFirstSchemaStartsItsHistoryNow) {
  std::ifstream dump(PODIUM_SOURCE_DIR "/tests/data/registry/schema-1.sql");
  const std::string sql((std::istreambuf_iterator<char>(dump)), {});
  ASSERT_FALSE(sql.empty());
  {
    auto old = SqliteConnection::Open(folder_ / "old.db", {});
    ASSERT_TRUE(old && (*old)->Execute(sql));
  }
  const auto opened = Open(folder_ / "old.db");
  ASSERT_TRUE(opened) << Describe(opened.error());
  EXPECT_TRUE((*opened)->VerifyAudit()->intact());
  const auto at = [&](std::int64_t revision) {
    return (*opened)->ReadRouteAt(RouteName("iris"),
                                  {MakeGeneration(0, Revision(revision)), std::nullopt});
  };
  const auto now = at(6);
  ASSERT_TRUE(now) << Describe(now.error());
  ASSERT_EQ(now->input.versions.size(), 2u);
  EXPECT_EQ(now->input.versions[1].share, Share(1000));
  EXPECT_FALSE(now->by_sql);
  const auto before = at(5);
  ASSERT_TRUE(before) << Describe(before.error());
  EXPECT_NE(InputToText(before->input), InputToText(now->input));
  EXPECT_EQ(before->input.route.salt, now->input.route.salt);
  // Written down at once: a later change by SQL does not take it away.
  Registry registry(**opened);
  registry.Do(EndCanary{RouteName("iris")});
  EXPECT_EQ(at(6)->input.versions.size(), 2u);
  EXPECT_EQ(at(7)->input.versions.size(), 1u);
  EXPECT_TRUE(Open(folder_ / "old.db")) << "and it opens again";
}

// --- INV-4: one bad row is isolated ---

TEST_F(SqliteRegistry, Inv4BadRowsAreReportedAndTheRestIsRead) {
  for (const char* id : {"a", "b", "c", "d", "e", "f"}) registry_.Add(id);
  registry_.Add("r", VersionStatus::kStandby, "roses");
  registry_.Activate("a");
  registry_.Split({{"d", 10}, {"e", 20}});
  ASSERT_TRUE(
      Sql("PRAGMA ignore_check_constraints = ON;"
          "UPDATE model_registry SET status = 'boss' WHERE model_id = 'b';"
          "UPDATE model_registry SET metrics = '{\"auc\":' WHERE model_id = 'c';"
          "UPDATE route_arms SET weight_bp = 20000 WHERE model_id = 'e';"
          "UPDATE routes SET policy = 'random' WHERE route = 'roses'"));
  const auto table = store_->ReadTable(Revision(0));
  ASSERT_TRUE(table) << Describe(table.error());
  std::vector<std::string> faults;
  for (const RowFault& fault : table->faults) {
    EXPECT_FALSE(fault.problem.empty());
    faults.push_back(fault.table + " " + fault.key);
  }
  EXPECT_THAT(faults, ::testing::UnorderedElementsAre("model_registry b", "model_registry c",
                                                      "route_arms iris/e", "routes roses"));
  EXPECT_EQ(registry_.Roles(), "a=primary d=arm e=arm f=standby");
  ASSERT_EQ(table->routes.size(), 1u);
  EXPECT_EQ(table->routes[0].arms.size(), 1u);

  // The good rows of the route can still be worked on, the bad ones say what is wrong.
  registry_.Do(RetireVersion{ModelId("f")});
  EXPECT_THAT(registry_.Refuse(ErrorCode::kUnprocessable, ActivateVersion{ModelId("b")}),
              HasSubstr("'boss'"));
  EXPECT_EQ(store_->FindVersion(ModelId("c")).error().code, ErrorCode::kUnprocessable);
  EXPECT_EQ(store_->ReadRoute(RouteName("roses")).error().code, ErrorCode::kUnprocessable);
}

// Traffic does not depend on it, so it goes on; but nobody may take the route for one that is
// driven by its own verbs, or write over what stands there.
TEST_F(SqliteRegistry, Inv4ARouteWhoseFollowCannotBeReadGoesOnRouting) {
  registry_.Add("a");
  registry_.Activate("a");
  registry_.Add("r", VersionStatus::kStandby, "roses");
  for (const char* damage : {"{\"model\":", "[]", "{\"model\": 7}", ""}) {
    SCOPED_TRACE(damage);
    ASSERT_TRUE(Sql(fmt::format("UPDATE routes SET follow = '{}' WHERE route = 'iris'", damage)));
    const auto table = store_->ReadTable(Revision(0));
    ASSERT_TRUE(table) << Describe(table.error());
    EXPECT_EQ(table->routes.size(), 2u);
    ASSERT_EQ(table->faults.size(), 1u);
    EXPECT_EQ(table->faults[0].table + " " + table->faults[0].key, "routes iris");
    EXPECT_THAT(table->faults[0].problem, HasSubstr("follow: "));
    EXPECT_TRUE(store_->ReadRouteAt(RouteName("iris"), {}));
    EXPECT_TRUE(store_->ReadStanding(RouteName("iris"), {}));
    EXPECT_EQ(store_->ReadRoute(RouteName("iris")).error().code, ErrorCode::kUnprocessable);
    const std::string message =
        registry_.Refuse(ErrorCode::kUnprocessable, ActivateVersion{ModelId("a")});
    EXPECT_THAT(message, HasSubstr("who drives route iris cannot be read from its row"));
    EXPECT_THAT(message, HasSubstr("set its column follow to NULL by SQL"));
    EXPECT_TRUE(store_->ReadRoute(RouteName("roses"))) << "the others are not in question";
    EXPECT_FALSE(registry_.Do(RetireVersion{ModelId("r")}).route.name.get().empty());
  }
  ASSERT_TRUE(Sql("UPDATE routes SET follow = NULL WHERE route = 'iris'"));
  registry_.Add("b");
  registry_.Activate("b");
  // People may write it, too.
  ASSERT_TRUE(Sql("UPDATE routes SET follow = '{\"model\": \"ads\"}' WHERE route = 'iris'"));
  registry_.Refuse(ErrorCode::kConflict, ActivateVersion{ModelId("a")});
}

TEST_F(SqliteRegistry, AnUnreadablePrimaryBlocksAPromoteWithItsName) {
  registry_.Add("a");
  registry_.Activate("a");
  registry_.Add("b", VersionStatus::kShadow);
  ASSERT_TRUE(Sql("UPDATE model_registry SET tags = 'nonsense' WHERE model_id = 'a'"));
  const std::string message =
      registry_.Refuse(ErrorCode::kUnprocessable, PromoteVersion{ModelId("b")});
  EXPECT_THAT(message, HasSubstr("row a of model_registry cannot be read"));
}

TEST_F(SqliteRegistry, SqlReadersSeeTheShareInPercent) {
  registry_.Add("a");
  registry_.Add("b");
  registry_.Activate("a");
  registry_.Canary("b", 25);
  auto raw = SqliteConnection::Open(path(), {});
  Query query(**raw, "SELECT traffic_pct FROM model_registry WHERE model_id = 'b'");
  ASSERT_TRUE(query.Next());
  EXPECT_EQ(query.Text(0), "0.25");
}

}  // namespace
}  // namespace podium::store
