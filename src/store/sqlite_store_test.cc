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
    PODIUM_TRY_ASSIGN(Connection raw, Connection::Open(path(), std::chrono::seconds(5)));
    return raw.Execute("PRAGMA foreign_keys = ON; " + sql);
  }
  std::int64_t Count(const std::string& table) {
    auto raw = Connection::Open(path(), std::chrono::seconds(5));
    Query query(*raw, "SELECT count(*) FROM " + table);
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
  auto other = Connection::Open(folder_ / "other", {});
  ASSERT_TRUE(other && other->Execute("CREATE TABLE songs (title TEXT)"));
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
  EXPECT_THAT(opened.error().message, HasSubstr(fmt::format("up to {}", kSchemaVersion)));
}

TEST_F(SqliteRegistry, EachMigrationIsRecordedOnce) {
  ASSERT_TRUE(Open(path()));
  EXPECT_EQ(Count("schema_migrations"), kSchemaVersion);
}

// --- the lock ---

// Contention is never a conflict, and readers and openers do not notice it.
TEST_F(SqliteRegistry, AnotherProcessHoldingTheLockIsUnavailableNotConflict) {
  registry_.Add("a");
  auto holder = Connection::Open(path(), {});
  ASSERT_TRUE(holder);
  auto held = Transaction::Begin(*holder, Transaction::Kind::kWrite);
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
      "UPDATE ON routes",
      "UPDATE ON model_registry",
      "DELETE ON route_arms",
      "INSERT ON route_arms",
      "INSERT ON model_promotions",
      "INSERT ON event_outbox",
      "UPDATE ON registry_revision",
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

// --- tampering ---

TEST_F(SqliteRegistry, VerifyFindsAnEditedAuditRow) {
  for (const char* id : {"a", "b", "c"}) registry_.Add(id);
  ASSERT_TRUE(
      Sql("DROP TRIGGER model_promotions_no_update;"
          "UPDATE model_promotions SET actor = 'eve' WHERE revision = 2"));
  const auto verdict = store_->VerifyAudit();
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->first_broken, Revision(2));
  EXPECT_THAT(verdict->problem, HasSubstr("row 2 was edited"));
}

TEST_F(SqliteRegistry, VerifyFindsACutTail) {
  for (const char* id : {"a", "b", "c"}) registry_.Add(id);
  ASSERT_TRUE(
      Sql("DROP TRIGGER model_promotions_no_delete;"
          "DELETE FROM model_promotions WHERE revision >= 2"));
  const auto verdict = store_->VerifyAudit();
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->first_broken, Revision(2));
  EXPECT_THAT(verdict->problem, HasSubstr("last 2 audit rows are missing"));
}

TEST_F(SqliteRegistry, VerifyFindsAnUnreadableAuditRow) {
  registry_.Add("a");
  ASSERT_TRUE(
      Sql("DROP TRIGGER model_promotions_no_update;"
          "UPDATE model_promotions SET kind = 'magic'"));
  EXPECT_THAT(store_->VerifyAudit()->problem, HasSubstr("row 1 cannot be read"));
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
  auto raw = Connection::Open(path(), {});
  Query query(*raw, "SELECT traffic_pct FROM model_registry WHERE model_id = 'b'");
  ASSERT_TRUE(query.Next());
  EXPECT_EQ(query.Text(0), "0.25");
}

}  // namespace
}  // namespace podium::store
