// What only the PostgreSQL registry promises: its constraints, what it does with changes by SQL,
// whose clock counts, and what is said when the database does not answer.
#include "store/postgres/postgres_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/postgres/postgres_fixture.h"
#include "store/store_contract.h"

namespace podium::store {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::PostgresTestServer;
using ::testing::StartsWith;

class PostgresRegistry : public ::testing::Test {
 protected:
  /// As somebody with psql: no rule of ours but those that are in the database.
  std::string Sql(const std::string& statements) {
    return PostgresTestServer::Shared().Sql(url_, statements);
  }
  std::unique_ptr<PostgresStore> Open(const PostgresServer& server,
                                      const PostgresOptions& options = {}) {
    auto opened = PostgresStore::Open(server, machine_, rng_, options);
    EXPECT_TRUE(opened) << Describe(opened.error());
    return opened ? std::move(*opened) : nullptr;
  }

  testing::TempDir folder_;
  testing::SimClock clock_;
  SystemClock machine_;
  SeededRng rng_{1};
  const std::string url_ = PostgresUrl(folder_);
  std::unique_ptr<PostgresStore> store_ = OpenPostgres(clock_, rng_, folder_);
  Registry registry_{*store_};
};

// --- the database's own rules ---

TEST_F(PostgresRegistry, Inv1ASecondPrimaryOrCanaryIsRefusedByTheIndex) {
  for (const char* id : {"a", "b", "c"}) registry_.Add(id);
  registry_.Activate("a");
  registry_.Canary("b", 500);
  EXPECT_THAT(Sql("UPDATE model_registry SET status = 'primary' WHERE model_id = 'c'"),
              HasSubstr("one_primary_per_route"));
  EXPECT_THAT(Sql("UPDATE model_registry SET status = 'canary' WHERE model_id = 'c'"),
              HasSubstr("one_canary_per_route"));
}

TEST_F(PostgresRegistry, Inv2AuditRowsCannotBeTouched) {
  registry_.Add("a");
  constexpr const char* kInsert =
      "INSERT INTO model_promotions SELECT revision + 2, route, kind, from_id, to_id, "
      "share_before_bp, share_after_bp, undoes, actor, origin, reason, request_id, evidence, at, "
      "previous_hash, hash FROM model_promotions";
  for (const char* statement :
       {"UPDATE model_promotions SET actor = 'x'", "DELETE FROM model_promotions",
        "TRUNCATE model_promotions", "DELETE FROM registry_revision", "TRUNCATE registry_revision",
        "UPDATE registry_revision SET revision = revision", kInsert}) {
    EXPECT_THAT(Sql(statement), StartsWith("refused")) << statement;
  }
  EXPECT_TRUE(store_->VerifyAudit()->intact());
}

TEST_F(PostgresRegistry, VerifyFindsWhatAnAdministratorHasEdited) {
  for (const char* id : {"a", "b", "c"}) registry_.Add(id);
  ASSERT_EQ(Sql("SET session_replication_role = replica; "
                "UPDATE model_promotions SET actor = 'nobody' WHERE revision = 2"),
            "");
  const auto verdict = store_->VerifyAudit();
  EXPECT_FALSE(verdict->intact());
}

TEST_F(PostgresRegistry, Inv4ARouteWhoseFollowCannotBeReadGoesOnRouting) {
  registry_.Add("a");
  registry_.Activate("a");
  Sql("UPDATE routes SET follow = '{\"model\":' WHERE route = 'iris'");
  const auto table = store_->ReadTable(Revision(0));
  ASSERT_TRUE(table) << Describe(table.error());
  EXPECT_EQ(table->routes.size(), 1u);
  ASSERT_EQ(table->faults.size(), 1u);
  EXPECT_THAT(table->faults[0].problem, HasSubstr("follow: "));
  EXPECT_THAT(registry_.Refuse(ErrorCode::kUnprocessable, ActivateVersion{ModelId("a")}),
              HasSubstr("set its column follow to NULL by SQL"));
  Sql("UPDATE routes SET follow = NULL WHERE route = 'iris'");
  EXPECT_FALSE(registry_.Activate("a").changed);
}

TEST_F(PostgresRegistry, MoneyAndSharesAreExactForThoseWhoReadBySql) {
  registry_.Add("a");
  registry_.Add("b");
  registry_.Activate("a");
  registry_.Canary("b", 25);
  EXPECT_EQ(Sql("SELECT traffic_pct FROM model_registry WHERE model_id = 'b'"), "0.25");
  ASSERT_EQ(Sql("INSERT INTO model_daily_costs VALUES ('m', '2026-03-09', 1, "
                "9223372036854775807, 0, 0)"),
            "");
  EXPECT_EQ(Sql("SELECT total_cost_usd FROM model_daily_costs"), "9223372036.854775807");
}

// --- changes by SQL ---

TEST_F(PostgresRegistry, ChangesBySqlAreInTheHistory) {
  for (const char* id : {"a", "b", "c"}) registry_.Add(id);
  registry_.Activate("a");
  registry_.Canary("b", 500);
  const RouteName iris("iris");
  EXPECT_FALSE(store_->ReadRouteAt(iris, {})->by_sql);
  ASSERT_EQ(Sql("UPDATE model_registry SET traffic_bp = 700 WHERE model_id = 'b'"), "");
  auto now = store_->ReadRouteAt(iris, {});
  ASSERT_TRUE(now) << Describe(now.error());
  EXPECT_TRUE(now->by_sql);
  EXPECT_EQ(now->input.versions[1].share, Share(700));
  // Versions that take no traffic, and columns that decide nothing, are no history.
  ASSERT_EQ(Sql("UPDATE model_registry SET tags = '{\"x\":\"y\"}'"), "");
  registry_.Canary("b", 900);
  now = store_->ReadRouteAt(iris, {});
  EXPECT_FALSE(now->by_sql);
  ASSERT_EQ(Sql("UPDATE model_registry SET updated_at = updated_at + 1; "
                "UPDATE model_registry SET status = 'retired' WHERE model_id = 'c'"),
            "");
  EXPECT_FALSE(store_->ReadRouteAt(iris, {})->by_sql);
  ASSERT_EQ(Sql("UPDATE routes SET canary_salt = 'other'"), "");
  EXPECT_TRUE(store_->ReadRouteAt(iris, {})->by_sql);
}

TEST_F(PostgresRegistry, ArmsAndRemovedVersionsBySqlAreInTheHistory) {
  for (const char* id : {"a", "b", "c"}) registry_.Add(id);
  registry_.Activate("a");
  registry_.Split({{"b", 1000}, {"c", 2000}});
  const std::string marked =
      "SELECT count(*) FROM route_history WHERE source = 'sql' AND input IS NULL";
  EXPECT_EQ(Sql(marked), "0");
  ASSERT_EQ(Sql("UPDATE route_arms SET weight_bp = 1500 WHERE model_id = 'b'"), "");
  EXPECT_EQ(Sql(marked), "1");
  ASSERT_EQ(Sql("DELETE FROM route_arms WHERE model_id = 'c'; "
                "DELETE FROM model_registry WHERE model_id = 'c'"),
            "");
  EXPECT_EQ(Sql(marked), "2") << "this revision, and the next one that arms count from";
  registry_.Activate("a");
  EXPECT_FALSE(store_->ReadRouteAt(RouteName("iris"), {})->by_sql);
}

// Otherwise a verb could decide by rows that somebody is just changing.
TEST_F(PostgresRegistry, SqlByHandTakesItsTurnAmongTheVerbs) {
  registry_.Add("a");
  PostgresServer impatient = ServerAt(url_);
  impatient.statement_timeout = std::chrono::milliseconds(100);
  const auto verbs = Open(impatient);
  const auto shell = PostgresConnection::Open(ServerAt(url_), machine_);
  ASSERT_TRUE((*shell)->Execute("BEGIN; UPDATE model_registry SET tags = '{}'"));
  const auto refused = verbs->Apply(ActivateVersion{ModelId("a")}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("database.statement_timeout"));
  EXPECT_TRUE(verbs->ReadTable(Revision(0))) << "readers wait for nobody";
  ASSERT_TRUE((*shell)->Execute("COMMIT"));
  EXPECT_TRUE(verbs->Apply(ActivateVersion{ModelId("a")}, {}));
}

// --- texts and keys ---

TEST_F(PostgresRegistry, ATextThatCannotBeStoredIsTheCallersMistake) {
  ModelVersion row = Row("a");
  row.source_run = std::string("run\0one", 7);
  const auto refused = store_->Apply(RegisterVersion{row}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument) << Describe(refused.error());
  EXPECT_EQ(*store_->ReadRevision(), Revision(0));
  registry_.Add("a");
}

// The test server's language sorts "a" before "B" and passes over "-".
TEST_F(PostgresRegistry, KeysAreInTheOrderOfTheirBytes) {
  ASSERT_EQ(Sql("SELECT string_agg(x, '' ORDER BY x) FROM (VALUES ('B'), ('a')) AS v (x)"), "aB");
  for (const char* route : {"b", "A", "a-c", "Z", "ab"}) {
    registry_.Add(std::string("of-") + route, VersionStatus::kStandby, route);
  }
  std::string order;
  VersionQuery query;
  query.limit = 2;
  do {
    const auto page = store_->ListVersions(query);
    ASSERT_TRUE(page);
    for (const ModelVersion& row : page->items) order += row.route.get() + " ";
    query.cursor = page->next_cursor;
  } while (!query.cursor.empty());
  EXPECT_EQ(order, "A Z a-c ab b ");
}

// --- time ---

TEST_F(PostgresRegistry, RowsAreDatedByTheDatabase) {
  const auto store = Open(ServerAt(url_));
  Registry registry(*store);
  const std::string now = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
  const std::int64_t before = std::stoll(Sql(now));
  registry.Add("a");
  const std::int64_t at = registry.Audit().front().at.time_since_epoch().count();
  EXPECT_GE(at, before);
  EXPECT_LE(at, std::stoll(Sql(now)));
  // A database whose clock has stepped back goes on from its last commit.
  const std::int64_t later = at + 3'600'000'000;
  ASSERT_EQ(Sql(fmt::format("SET session_replication_role = replica; "
                            "UPDATE registry_revision SET committed_at = {}",
                            later)),
            "");
  registry.Add("b");
  EXPECT_EQ(registry.Audit().back().at.time_since_epoch().count(), later);
}

// --- connections ---

TEST_F(PostgresRegistry, ConnectionsThatTheServerEndedAreReplaced) {
  registry_.Add("a");
  const std::string end =
      "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity WHERE datname = "
      "current_database() AND pid <> pg_backend_pid()";
  EXPECT_EQ(Sql(end), "1");
  registry_.Add("b");
  EXPECT_EQ(Sql(end), "1");
  EXPECT_EQ(store_->ReadRevision()->get(), 2);
}

TEST_F(PostgresRegistry, TheServersRestartIsGotOver) {
  registry_.Add("a");
  PostgresTestServer::Shared().Stop();
  const auto refused = store_->Apply(RegisterVersion{Row("b")}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("cannot be reached"));
  EXPECT_FALSE(store_->ReadRevision());
  PostgresTestServer::Shared().Start();
  registry_.Add("b");
  EXPECT_EQ(store_->ReadRevision()->get(), 2);
  EXPECT_TRUE(store_->VerifyAudit()->intact());
}

TEST_F(PostgresRegistry, ThePoolHasALimitAndSaysSo) {
  PostgresServer server = ServerAt(url_);
  server.statement_timeout = std::chrono::milliseconds(100);
  PostgresPool pool(server, 2, machine_);
  auto one = pool.Take();
  {
    const auto two = pool.Take();
    ASSERT_TRUE(one && two);
    const auto three = pool.Take();
    ASSERT_FALSE(three);
    EXPECT_EQ(three.error().code, ErrorCode::kUnavailable);
    EXPECT_THAT(three.error().message, HasSubstr("all 2 connections"));
  }
  EXPECT_TRUE(pool.Take());
  // One that is given back within a transaction is closed: nobody else is to be in it.
  ASSERT_TRUE((**one).Execute("BEGIN"));
  {
    const auto given_back = std::move(*one);
  }
  const auto again = pool.Take();
  const auto other = pool.Take();
  ASSERT_TRUE(again && other);
  EXPECT_TRUE((**again).Execute("BEGIN") && (**other).Execute("BEGIN"));
}

TEST_F(PostgresRegistry, AStatementThatTakesTooLongIsEnded) {
  PostgresServer server = ServerAt(url_);
  server.statement_timeout = std::chrono::milliseconds(50);
  const auto connection = PostgresConnection::Open(server, machine_);
  ASSERT_TRUE(connection);
  const Status slow = (*connection)->Execute("SELECT pg_sleep(60)");
  ASSERT_FALSE(slow);
  EXPECT_EQ(slow.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE((*connection)->IsIdle()) << "and the connection is good for the next one";
}

TEST_F(PostgresRegistry, AServerThatSaysNothingIsNotWaitedForForEver) {
  const auto connection = PostgresConnection::Open(ServerAt(url_), machine_);
  ASSERT_TRUE(connection);
  (*connection)->SetPatience(std::chrono::milliseconds(1));  // And the grace of two seconds.
  const Status silent = (*connection)->Execute("SELECT pg_sleep(4)");
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ((*connection)->trouble(), SqlTrouble::kSilent) << "which is not tried again";
  EXPECT_FALSE((*connection)->IsIdle());
}

TEST_F(PostgresRegistry, ATransactionThatWasForgottenEnds) {
  const auto shown = [this](const PostgresServer& server) {
    const auto connection = PostgresConnection::Open(server, machine_);
    EXPECT_TRUE(connection);
    Query query(**connection,
                "SELECT setting FROM pg_settings WHERE name = "
                "'idle_in_transaction_session_timeout'");
    EXPECT_TRUE(query.Next());
    return query.Text(0);
  };
  PostgresServer server = ServerAt(url_);
  server.statement_timeout = std::chrono::milliseconds(5000);
  EXPECT_EQ(shown(server), "7000");
  const char* joint = url_.find('?') == std::string::npos ? "?" : "&";
  EXPECT_EQ(shown(ServerAt(url_ + joint + "options=-cidle_in_transaction_session_timeout%3D4321")),
            "4321");
}

TEST_F(PostgresRegistry, OneLostConnectionTakesTheIdleOnesAlong) {
  PostgresPool pool(ServerAt(url_), 2, machine_);
  {
    const auto lost = pool.Take();
    {
      const auto idle = pool.Take();
      ASSERT_TRUE(lost && idle);
      ASSERT_TRUE((**idle).Execute("SET application_name = 'before'"));
    }
    EXPECT_FALSE((**lost).Execute("SELECT pg_terminate_backend(pg_backend_pid())"));
    EXPECT_EQ((**lost).trouble(), SqlTrouble::kLost);
  }
  const auto fresh = pool.Take();
  const auto other = pool.Take();
  ASSERT_TRUE(fresh && other) << "there is room for both";
  Query name(**fresh, "SELECT current_setting('application_name')");
  ASSERT_TRUE(name.Next());
  EXPECT_NE(name.Text(0), "before");
}

TEST_F(PostgresRegistry, AReadOnlyServersConnectionIsNotKept) {
  const auto connection = PostgresConnection::Open(ServerAt(url_), machine_);
  ASSERT_TRUE(connection);
  ASSERT_TRUE((*connection)->Begin(SqlConnection::Kind::kRead));
  const Status refused = (*connection)->Execute("UPDATE routes SET salt = ''");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("standby"));
  EXPECT_FALSE((*connection)->IsIdle());
}

TEST_F(PostgresRegistry, ADatabaseThatIsNotThereEndsTheStart) {
  const auto opened = PostgresStore::Open(
      ServerAt(PostgresTestServer::Shared().UrlOf("never_created")), machine_, rng_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kUnprocessable) << "which is not tried again";
  EXPECT_THAT(opened.error().message, HasSubstr("does not exist"));
}

// --- the URL ---

TEST(PostgresUrls, Inv15NoMessageRepeatsAPassword) {
  for (const char* url :
       {"postgres://ann:hunter2@:x:/db", "postgresql://ann:hunter2@host:port/db",
        "postgres://ann:hunter2@h/db?hunter2=1", "mysql://ann:hunter2@h/db", "hunter2"}) {
    const auto server = PostgresServer::FromUrl(Secret(url));
    if (server) {
      const SystemClock clock;
      const auto opened = PostgresConnection::Open(*server, clock);
      ASSERT_FALSE(opened);
      EXPECT_THAT(Describe(opened.error()), Not(HasSubstr("hunter2")));
      continue;
    }
    EXPECT_EQ(server.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(Describe(server.error()), Not(HasSubstr("hunter2"))) << url;
  }
  const auto server = PostgresServer::FromUrl(Secret("postgres://ann:hunter2@db.example:1/podium"));
  ASSERT_TRUE(server);
  EXPECT_EQ(server->where, "podium on db.example:1");
}

TEST(PostgresUrls, Inv15WhatIsSpecialInAPasswordMustBeEncoded) {
  for (const char* url :
       {"postgres://ann:hun/ter2@db.example/podium", "postgres://ann:12/hunter2@db.example/podium",
        "postgres://ann:12/hun?ter2@db.example/podium", "postgres://ann:hun@ter2@db.example/podium",
        "postgres://ann:12/x?user=hunter2@db.example",
        "postgres://ann:hun@ter2/x@db.example/podium", "postgres://ann@db.example:hunter2/podium",
        "postgres://ann@hun%40ter2/podium"}) {
    SCOPED_TRACE(url);
    const auto server = PostgresServer::FromUrl(Secret(url));
    ASSERT_FALSE(server);
    EXPECT_EQ(server.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(Describe(server.error()), HasSubstr("percent-encoded"));
    for (const char* part : {"hun", "ter2", "db.example"}) {
      EXPECT_THAT(Describe(server.error()), Not(HasSubstr(part)));
    }
  }
  for (const char* url : {"postgres://ann:hun%2Fter2@db.example:1/podium",
                          "postgres://ann:hun%40%3Fter2@db.example:1/podium"}) {
    const auto server = PostgresServer::FromUrl(Secret(url));
    ASSERT_TRUE(server) << Describe(server.error());
    EXPECT_EQ(server->where, "podium on db.example:1");
  }
}

TEST(PostgresErrors, SayWhatMayBeDoneAndWhoMustAct) {
  struct Case {
    const char* state;
    SqlTrouble trouble;
    ErrorCode code;
  };
  for (const Case& c : {Case{"", SqlTrouble::kLost, ErrorCode::kUnavailable},
                        Case{"40001", SqlTrouble::kCollision, ErrorCode::kUnavailable},
                        Case{"40P01", SqlTrouble::kCollision, ErrorCode::kUnavailable},
                        Case{"57014", SqlTrouble::kRefused, ErrorCode::kUnavailable},
                        Case{"57P01", SqlTrouble::kLost, ErrorCode::kUnavailable},
                        Case{"08006", SqlTrouble::kLost, ErrorCode::kUnavailable},
                        Case{"53100", SqlTrouble::kRefused, ErrorCode::kUnavailable},
                        Case{"25006", SqlTrouble::kUnfit, ErrorCode::kUnavailable},
                        Case{"23505", SqlTrouble::kRefused, ErrorCode::kConflict},
                        Case{"23514", SqlTrouble::kRefused, ErrorCode::kInternal},
                        Case{"22021", SqlTrouble::kRefused, ErrorCode::kInvalidArgument},
                        Case{"42601", SqlTrouble::kRefused, ErrorCode::kInternal}}) {
    SCOPED_TRACE(c.state);
    EXPECT_EQ(TroubleOf(c.state), c.trouble);
    const Error error = MakePostgresError(c.state, "podium on db", "what it said");
    EXPECT_EQ(error.code, c.code);
    EXPECT_GT(error.message.size(), 30u);
  }
}

}  // namespace
}  // namespace podium::store
