// A registry of every earlier schema becomes a current one, on every SQL database, with what is in
// it; one that is newer, or whose migration fails, is left as it is.
#include "store/migrations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "store/postgres/postgres_fixture.h"
#include "store/sqlite_schema.h"
#include "store/store_contract.h"

namespace podium::store {
namespace {

using ::testing::HasSubstr;

/// An empty database of one kind.
struct Ground {
  std::string name;
  std::function<std::unique_ptr<SqlConnection>(const testing::TempDir&)> connect;
  std::function<Status(SqlConnection&, const testing::TempDir&, int)> migrate;
  std::function<Result<std::unique_ptr<SqlStore>>(Clock&, Rng&, const testing::TempDir&)> open;
};
void PrintTo(const Ground& ground, std::ostream* out) { *out << ground.name; }

PostgresServer EmptyServer(const testing::TempDir& folder) {
  return ServerAt(testing::PostgresTestServer::Shared().UrlFor(folder.path()));
}

Ground SqliteGround() {
  const auto file = [](const testing::TempDir& folder) { return folder / "registry.db"; };
  return {"Sqlite",
          [=](const testing::TempDir& folder) -> std::unique_ptr<SqlConnection> {
            auto opened = SqliteConnection::Open(file(folder), std::chrono::seconds(5));
            return opened ? std::move(*opened) : nullptr;
          },
          [=](SqlConnection& connection, const testing::TempDir& folder, int target) {
            return MigrateSqlite(connection, file(folder), testing::SimClock(), target);
          },
          [=](Clock& clock, Rng& rng,
              const testing::TempDir& folder) -> Result<std::unique_ptr<SqlStore>> {
            return SqliteStore::Open(file(folder), clock, rng);
          }};
}

Ground PostgresGround() {
  static const SystemClock clock;
  return {"Postgres",
          [](const testing::TempDir& folder) -> std::unique_ptr<SqlConnection> {
            auto opened = PostgresConnection::Open(EmptyServer(folder), clock);
            return opened ? std::move(*opened) : nullptr;
          },
          [](SqlConnection& connection, const testing::TempDir& folder, int target) {
            return MigratePostgres(static_cast<PostgresConnection&>(connection),
                                   EmptyServer(folder), target);
          },
          [](Clock& sim, Rng& rng,
             const testing::TempDir& folder) -> Result<std::unique_ptr<SqlStore>> {
            PostgresOptions options;
            options.dated_by = &sim;
            return PostgresStore::Open(EmptyServer(folder), clock, rng, options);
          }};
}

// What a release of the first schema had written: a route whose primary came by SQL.
constexpr const char* kRows =
    "INSERT INTO routes (route, task_type, policy, sticky_on, salt, canary_salt, previous_primary, "
    "primary_since, created_at, updated_at, revision) VALUES ('iris', '', 'fixed', 'session', "
    "'salt', '', NULL, 0, 1, 1, 0); "
    "INSERT INTO model_registry (model_id, model_type, name, version, provider_key, "
    "upstream_model, artifact_uri, artifact_sha256, format, status, stage, traffic_bp, signature, "
    "metrics, tags, catalogue_id, experiment_id, load, source_run, parent_id, created_at, "
    "updated_at, revision, deleted) VALUES ('a', 'iris', 'iris', '1', 'local', '', '', '', 'onnx', "
    "'primary', '', 0, '', '', '', '', '', 'eager', '', NULL, 1, 1, 0, 0), ('b', 'iris', 'iris', "
    "'2', 'local', '', '', '', 'onnx', 'standby', '', 0, '', '', '', '', '', 'eager', '', NULL, 1, "
    "1, 0, 0)";

class Migrating : public ::testing::TestWithParam<Ground> {
 protected:
  std::int64_t Number(SqlConnection& connection, const std::string& sql) {
    Query query(connection, sql);
    const auto found = query.Next();
    EXPECT_TRUE(found && *found) << sql;
    return found && *found ? query.Int(0) : -1;
  }

  testing::TempDir folder_;
  testing::SimClock clock_;
  SeededRng rng_{1};
};

TEST_P(Migrating, EveryEarlierSchemaBecomesTheNewest) {
  for (int schema = 1; schema < NewestSchema(); ++schema) {
    SCOPED_TRACE(schema);
    const testing::TempDir folder;
    {
      const auto old = GetParam().connect(folder);
      ASSERT_TRUE(old);
      ASSERT_TRUE(GetParam().migrate(*old, folder, schema));
      ASSERT_EQ(Number(*old, "SELECT max(version) FROM schema_migrations"), schema);
      const Status written = old->Execute(kRows);
      ASSERT_TRUE(written) << Describe(written.error());
    }
    const auto store = GetParam().open(clock_, rng_, folder);
    ASSERT_TRUE(store) << Describe(store.error());
    Registry registry(**store);
    EXPECT_EQ(registry.Roles("iris"), "a=primary b=standby");
    EXPECT_TRUE((*store)->VerifyAudit()->intact());
    const auto stood = (*store)->ReadRouteAt(RouteName("iris"), {});
    ASSERT_TRUE(stood) << Describe(stood.error());
    ASSERT_EQ(stood->input.versions.size(), 1u) << "filled when it was migrated";
    EXPECT_EQ(stood->input.versions[0].model_id, ModelId("a"));
    registry.Canary("b", 500);
    registry.Promote("b");
    EXPECT_EQ(registry.Roles("iris"), "a=shadow b=primary");
    EXPECT_TRUE((*store)->VerifyAudit()->intact());
    // What the newest steps added is read and written in the rows of before.
    EXPECT_EQ(registry.TheRoute().rollout, std::nullopt);
    registry.Add("c");
    const Rollout rollout = registry.Start("c");
    EXPECT_EQ(rollout.attempt, 1);
    EXPECT_EQ(registry.TheRoute().rollout, MarkOf(rollout));
    registry.Do(MoveOf(rollout, RolloutMove::kAbort));
    EXPECT_EQ(registry.Roles("iris"), "a=shadow b=primary c=standby");
    EXPECT_EQ(registry.TheRoute().follow, std::nullopt);
    Follow follow;
    follow.model = "iris-clf";
    registry.Do(SetFollow{RouteName("iris"), follow});
    EXPECT_EQ(registry.TheRoute().follow, follow);
    EXPECT_EQ(registry.TheRoute().shadow, std::nullopt);
    ShadowPlan plan;
    plan.rate = Share(100);
    registry.Do(SetShadow{RouteName("iris"), plan});
    EXPECT_EQ(registry.TheRoute().shadow, plan);
    const auto now = GetParam().connect(folder);
    EXPECT_EQ(Number(*now, "SELECT count(*) FROM schema_migrations"), NewestSchema());
    EXPECT_TRUE(GetParam().open(clock_, rng_, folder)) << "and again, with nothing to do";
  }
}

TEST_P(Migrating, AnotherToolsMigrationsAreNotTakenForOurs) {
  {
    const auto connection = GetParam().connect(folder_);
    ASSERT_TRUE(GetParam().migrate(*connection, folder_, 1));
    ASSERT_TRUE(connection->Execute("UPDATE schema_migrations SET name = '0001_create_users'"));
  }
  const auto refused = GetParam().open(clock_, rng_, folder_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnprocessable);
  EXPECT_THAT(refused.error().message, HasSubstr("is called \"0001_create_users\""));
}

TEST_P(Migrating, ANewerSchemaIsRefusedWithBothNumbers) {
  {
    ASSERT_TRUE(GetParam().open(clock_, rng_, folder_));
  }
  const auto connection = GetParam().connect(folder_);
  ASSERT_TRUE(connection->Execute("INSERT INTO schema_migrations VALUES (999, 'later', 0)"));
  const auto refused = GetParam().open(clock_, rng_, folder_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnprocessable);
  EXPECT_THAT(refused.error().message, HasSubstr("has schema 999"));
  EXPECT_THAT(refused.error().message, HasSubstr(fmt::format("up to {}:", NewestSchema())));
}

TEST_P(Migrating, AStepThatFailsChangesNothingAndIsNamed) {
  const auto connection = GetParam().connect(folder_);
  ASSERT_TRUE(GetParam().migrate(*connection, folder_, 2));
  ASSERT_TRUE(connection->Execute("CREATE TABLE cost_events (mine TEXT)"));
  const auto refused = GetParam().open(clock_, rng_, folder_);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message,
              HasSubstr("from schema 2 to 3 (costs), nothing was changed"));
  EXPECT_EQ(Number(*connection, "SELECT max(version) FROM schema_migrations"), 2);
  ASSERT_TRUE(connection->Execute("DROP TABLE cost_events"));
  EXPECT_TRUE(GetParam().open(clock_, rng_, folder_));
}

INSTANTIATE_TEST_SUITE_P(Databases, Migrating, ::testing::Values(SqliteGround(), PostgresGround()),
                         [](const auto& info) { return info.param.name; });

TEST(PostgresSchema, TablesOfSomethingElseAreLeftAlone) {
  const testing::TempDir folder;
  const PostgresServer server = EmptyServer(folder);
  const SystemClock clock;
  auto connection = PostgresConnection::Open(server, clock);
  ASSERT_TRUE((*connection)->Execute("CREATE TABLE routes (bus TEXT)"));
  const Status refused = MigratePostgres(**connection, server);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnprocessable);
  EXPECT_THAT(refused.error().message, HasSubstr("something else than podium"));
}

}  // namespace
}  // namespace podium::store
