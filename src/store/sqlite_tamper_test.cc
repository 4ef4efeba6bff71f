// The audit trail against somebody who has the file and a SQLite shell: whatever is edited,
// deleted, inserted or cut off shows, each at the row where trust ends.
#include <gmock/gmock.h>

#include "store/sqlite_connection.h"
#include "store/sqlite_store.h"
#include "store/store_contract.h"

namespace podium::store {
namespace {

using ::testing::HasSubstr;

class AuditTampering : public ::testing::Test {
 protected:
  AuditTampering() : store_(SqliteBackend().open(clock_, rng_, folder_)), registry_(*store_) {
    for (const char* id : {"a", "b", "c", "d"}) registry_.Add(id);
    EXPECT_TRUE(store_->VerifyAudit()->intact());
  }
  // Triggers hold up whoever makes a mistake; who means it drops them first.
  void Sql(const std::string& sql) {
    auto raw = SqliteConnection::Open(folder_ / "registry.db", std::chrono::seconds(5));
    ASSERT_TRUE(raw);
    const Status done = (*raw)->Execute(
        "DROP TRIGGER IF EXISTS model_promotions_no_update;"
        "DROP TRIGGER IF EXISTS model_promotions_no_delete;"
        "DROP TRIGGER IF EXISTS model_promotions_numbered;"
        "DROP TRIGGER IF EXISTS registry_revision_grows;" +
        sql);
    ASSERT_TRUE(done) << Describe(done.error());
  }
  void Broken(std::int64_t revision, const std::string& problem) {
    const auto verdict = store_->VerifyAudit();
    ASSERT_TRUE(verdict);
    EXPECT_FALSE(verdict->intact());
    EXPECT_EQ(verdict->first_broken, Revision(revision));
    EXPECT_THAT(verdict->problem, HasSubstr(problem));
  }
  Promotion RowAt(std::size_t revision) { return registry_.Audit()[revision - 1]; }
  static std::string Quoted(const std::string& text) { return "'" + text + "'"; }

  testing::TempDir folder_;
  testing::SimClock clock_;
  SeededRng rng_{1};
  std::unique_ptr<RegistryStore> store_;
  Registry registry_;
};

// Every column is under the hash: one that is not could be edited at will.
TEST_F(AuditTampering, AnEditedRowShowsWhateverWasEdited) {
  const char* columns[] = {"route",  "kind",       "from_id", "to_id",          "share_before_bp",
                           "undoes", "actor",      "origin",  "share_after_bp", "evidence",
                           "reason", "request_id", "at",      "hash",           "previous_hash"};
  for (const char* column : columns) {
    SCOPED_TRACE(column);
    const bool is_number = std::string(column).find("_bp") != std::string::npos ||
                           std::string(column) == "at" || std::string(column) == "undoes";
    const std::string value = is_number                       ? "1"
                              : std::string(column) == "kind" ? "'promote'"
                                                              : "'eve'";
    Sql(
        fmt::format("CREATE TABLE kept AS SELECT * FROM model_promotions;"
                    "UPDATE model_promotions SET {} = {} WHERE revision = 2",
                    column, value));
    const auto verdict = store_->VerifyAudit();
    EXPECT_EQ(verdict->first_broken, Revision(2)) << verdict->problem;
    Sql("DELETE FROM model_promotions; INSERT INTO model_promotions SELECT * FROM kept;"
        "DROP TABLE kept");
    EXPECT_TRUE(store_->VerifyAudit()->intact());
  }
}

// With its hash made to fit, the row after it gives it away.
TEST_F(AuditTampering, AnEditedRowThatHashesRightShowsAtTheNext) {
  Promotion forged = RowAt(2);
  forged.actor = "eve";
  Sql(fmt::format("UPDATE model_promotions SET actor = 'eve', hash = {} WHERE revision = 2",
                  Quoted(HashOf(forged))));
  Broken(3, "row 3 does not follow from the row before it");
}

TEST_F(AuditTampering, ADeletedRowShows) {
  Sql("DELETE FROM model_promotions WHERE revision = 2");
  Broken(2, "row 2 is missing");
}

TEST_F(AuditTampering, ADeletedRowShowsWhenTheRestIsNumberedAnew) {
  Sql("DELETE FROM model_promotions WHERE revision = 2;"
      "UPDATE model_promotions SET revision = revision - 1 WHERE revision > 2");
  Broken(2, "row 2 does not follow from the row before it");
}

TEST_F(AuditTampering, AnInsertedRowShows) {
  Promotion forged = RowAt(4);
  forged.revision = Revision(5);
  forged.previous_hash = forged.hash;
  forged.actor = "eve";
  Sql(
      fmt::format("INSERT INTO model_promotions SELECT 5, route, kind, from_id, to_id,"
                  " share_before_bp, share_after_bp, undoes, 'eve', origin, reason, request_id,"
                  " evidence, at, hash, {} FROM model_promotions WHERE revision = 4",
                  Quoted(HashOf(forged))));
  Broken(5, "1 audit rows were added behind the head");
}

TEST_F(AuditTampering, ACutTailShows) {
  Sql("DELETE FROM model_promotions WHERE revision >= 3");
  Broken(3, "last 2 audit rows are missing");
}

// Head and count are kept apart from the rows; who cuts them back too has forgotten the outbox.
TEST_F(AuditTampering, ACutTailShowsWhenTheHeadWasCutBackWithIt) {
  Sql(
      fmt::format("DELETE FROM model_promotions WHERE revision >= 3;"
                  "UPDATE registry_revision SET revision = 2, audit_count = 2, head_hash = {}",
                  Quoted(RowAt(2).hash)));
  Broken(3, "the outbox tells of revision 4");
}

TEST_F(AuditTampering, AnUnreadableRowShows) {
  Sql("UPDATE model_promotions SET kind = 'magic' WHERE revision = 1");
  Broken(1, "row 1 cannot be read");
}

// The trail of MLflow's registry is a chain of its own.
class ModelAuditTampering : public ::testing::Test {
 protected:
  ModelAuditTampering() : store_(*SqliteStore::Open(folder_ / "registry.db", clock_, rng_)) {
    for (const char* name : {"a", "b", "c"}) {
      EXPECT_TRUE(store_->ApplyModel(CreateModel{name, "what it does", {{"k", "v"}}}, {}));
    }
    EXPECT_EQ(store_->VerifyAudit()->model_rows, 3);
    EXPECT_TRUE(store_->VerifyAudit()->intact());
  }
  std::string After(const std::string& sql) {
    auto raw = SqliteConnection::Open(folder_ / "registry.db", std::chrono::seconds(5));
    const Status done = (*raw)->Execute(
        "DROP TRIGGER model_audit_no_update; DROP TRIGGER model_audit_no_delete;" + sql);
    EXPECT_TRUE(done) << Describe(done.error());
    return store_->VerifyAudit()->problem;
  }

  testing::TempDir folder_;
  testing::SimClock clock_;
  SeededRng rng_{1};
  std::unique_ptr<SqliteStore> store_;
};

TEST_F(ModelAuditTampering, IsRefusedByTheDatabase) {
  auto raw = SqliteConnection::Open(folder_ / "registry.db", std::chrono::seconds(5));
  EXPECT_FALSE((*raw)->Execute("UPDATE model_audit SET actor = 'eve'"));
  EXPECT_FALSE((*raw)->Execute("DELETE FROM model_audit"));
}

TEST_F(ModelAuditTampering, AnEditedRowShows) {
  for (const char* column : {"model", "kind", "before_change", "after_change", "actor", "origin",
                             "request_id", "hash", "previous_hash"}) {
    SCOPED_TRACE(column);
    const testing::TempDir folder;
    auto store = *SqliteStore::Open(folder / "registry.db", clock_, rng_);
    for (const char* name : {"a", "b", "c"}) {
      EXPECT_TRUE(store->ApplyModel(CreateModel{name, "", {}}, {}));
    }
    auto raw = SqliteConnection::Open(folder / "registry.db", std::chrono::seconds(5));
    ASSERT_TRUE(
        (*raw)->Execute(fmt::format("DROP TRIGGER model_audit_no_update;"
                                    "UPDATE model_audit SET {} = 'eve' WHERE number = 2",
                                    column)));
    EXPECT_THAT(store->VerifyAudit()->problem, HasSubstr("model audit row 2"));
  }
  EXPECT_THAT(After("UPDATE model_audit SET at = at + 1 WHERE number = 3"), HasSubstr("row 3"));
}

TEST_F(ModelAuditTampering, ADeletedRowShows) {
  EXPECT_EQ(After("DELETE FROM model_audit WHERE number = 2"), "model audit row 2 is missing");
}

TEST_F(ModelAuditTampering, ACutTailShows) {
  EXPECT_EQ(After("DELETE FROM model_audit WHERE number = 3"),
            "the last 1 model audit rows are missing");
}

TEST_F(ModelAuditTampering, AnInsertedRowShows) {
  EXPECT_THAT(After("INSERT INTO model_audit SELECT 4, model, version, kind, before_change,"
                    " after_change, actor, origin, request_id, at, hash, hash FROM model_audit"
                    " WHERE number = 3"),
              HasSubstr("model audit row 4 was edited"));
}

}  // namespace
}  // namespace podium::store
