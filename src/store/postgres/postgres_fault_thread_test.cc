// The connection is cut at every single request of every kind of mutation, before it reaches the
// server and after the server has done it: all or nothing, exactly once, and the store goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <thread>
#include <vector>

#include "store/postgres/postgres_fixture.h"
#include "store/store_contract.h"
#include "store/swept_mutations_fixture.h"
#include "testing/postgres_proxy.h"

namespace podium::store {
namespace {

using ::testing::HasSubstr;
using testing::PostgresProxy;
using testing::PostgresTestServer;
using Cut = PostgresProxy::Cut;

/// No chance at all: an attempt that is made again leaves the same rows.
class SameRng final : public Rng {
 public:
  std::uint64_t Next64() override { return 42; }
};

/// A registry whose rows can be put back as they were, by somebody whom no trigger stops.
class KeptDatabase {
 public:
  explicit KeptDatabase(const std::string& url)
      : connection_(std::move(*PostgresConnection::Open(ServerAt(url), clock_))) {}

  void Keep() {
    Do("CREATE SCHEMA kept");
    Do(ForEachTable("CREATE TABLE kept.%1$I AS SELECT %2$s FROM %1$I;"));
    put_back_ = "BEGIN; SET LOCAL session_replication_role = replica;" +
                ForEachTable(
                    "DELETE FROM %1$I; INSERT INTO %1$I (%2$s) OVERRIDING SYSTEM VALUE "
                    "SELECT %2$s FROM kept.%1$I;") +
                "COMMIT";
  }
  void PutBack() { Do(put_back_); }
  /// Every row of every table, without the numbers of events: attempts that failed leave gaps.
  std::string Rows() {
    return Sql(ForEachTable("SELECT '%1$I: ' || %3$s AS line FROM %1$I UNION ALL ") +
               "SELECT '' AS line ORDER BY line");
  }
  std::string Sql(const std::string& statement) {
    Query query(*connection_, statement);
    std::string rows;
    while (true) {
      const auto more = query.Next();
      EXPECT_TRUE(more) << Describe(more.error());
      if (!more || !*more) return rows;
      rows += query.Text(0) + "\n";
    }
  }

 private:
  void Do(const std::string& statements) {
    const Status done = connection_->Execute(statements);
    ASSERT_TRUE(done) << Describe(done.error());
  }
  /// The statement for each table; made of the schema, so that no table is forgotten. %2 are its
  /// columns, %3 those that are compared, as text.
  std::string ForEachTable(const std::string& statement) {
    return Sql("SELECT string_agg(format($$" + statement +
               "$$, t, stored, compared), '') FROM (SELECT table_name AS t, "
               "string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position) AS stored, "
               "'ROW(' || string_agg(CASE column_name WHEN 'sequence' THEN '0' ELSE "
               "quote_ident(column_name) END, ', ' ORDER BY ordinal_position) || ')::text' AS "
               "compared FROM information_schema.columns WHERE table_schema = 'public' AND "
               "is_generated = 'NEVER' AND table_name <> 'schema_migrations' GROUP BY 1) AS c");
  }

  const SystemClock clock_;
  const std::unique_ptr<PostgresConnection> connection_;
  std::string put_back_;
};

class PostgresFaults : public ::testing::TestWithParam<SweptMutation> {
 protected:
  void SetUp() override {
    Registry registry(*store_);
    mutation_ = Prepare(registry, GetParam());
    database_.Keep();
    before_ = database_.Rows();
    ASSERT_THAT(before_, HasSubstr("model_promotions: ("));
    ASSERT_TRUE(store_->Apply(mutation_, {}));
    after_ = database_.Rows();
    ASSERT_NE(before_, after_);
    cut_store_ = OpenThroughProxy();
  }

  std::unique_ptr<PostgresStore> OpenThroughProxy() {
    PostgresOptions options;
    options.dated_by = &clock_;
    auto opened = PostgresStore::Open(ServerAt(proxy_.Through(url_)), clock_, rng_, options);
    EXPECT_TRUE(opened) << Describe(opened.error());
    return opened ? std::move(*opened) : nullptr;
  }

  /// False when there is no such request.
  bool Try(int nth, Cut cut, bool stays) {
    database_.PutBack();
    PostgresStore* store = cut_store_.get();
    proxy_.Arm(nth, cut, stays);
    const auto answer = store->Apply(mutation_, {});
    const bool struck = proxy_.Disarm();
    const std::string found = database_.Rows();
    if (!struck || !stays) {
      // A single cut is nobody's business: it is tried again, or found to be there.
      EXPECT_TRUE(answer) << Describe(answer.error());
      EXPECT_EQ(found, after_);
      return struck;
    }
    EXPECT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable) << Describe(answer.error());
    if (found == before_) {
      const auto again = store->Apply(mutation_, {});
      EXPECT_TRUE(again) << Describe(again.error());
    } else {
      ++done_in_doubt_;
      EXPECT_THAT(answer.error().message, HasSubstr("see whether it is there"));
    }
    EXPECT_EQ(database_.Rows(), after_);
    EXPECT_TRUE(store->VerifyAudit()->intact());
    return true;
  }

  testing::TempDir folder_;
  testing::SimClock clock_;
  SameRng rng_;
  const std::string url_ = PostgresUrl(folder_);
  KeptDatabase database_{url_};
  std::unique_ptr<PostgresStore> store_ = OpenPostgres(clock_, rng_, folder_);
  PostgresProxy proxy_{PostgresTestServer::Shared().directory()};
  std::unique_ptr<PostgresStore> cut_store_;  // A cut takes its statements along: it goes on cold.
  Mutation mutation_;
  std::string before_;
  std::string after_;
  int done_in_doubt_ = 0;
};

TEST_P(PostgresFaults, Inv2EveryCutLeavesAllOrNothing) {
  int points = 0;
  for (const Cut cut : {Cut::kRequest, Cut::kAnswer}) {
    for (const bool stays : {false, true}) {
      // Nothing is there before the COMMIT: where it stays cut, a few places do.
      const int step = stays && cut == Cut::kRequest ? 4 : 1;
      for (int nth = 1; true; nth += step) {
        SCOPED_TRACE(fmt::format("{} {} is cut{}", cut == Cut::kRequest ? "request" : "answer", nth,
                                 stays ? ", and nobody gets through after it" : ""));
        if (!Try(nth, cut, stays)) break;
        ASSERT_FALSE(HasFailure());
        ++points;
      }
    }
  }
  std::cout << fmt::format("swept {}: {} points\n", GetParam().name, points);
  EXPECT_GT(points, 3 * 10);
  EXPECT_EQ(done_in_doubt_, 1) << "the answer to the COMMIT";
}

INSTANTIATE_TEST_SUITE_P(Kinds, PostgresFaults, ::testing::ValuesIn(SweptMutations()),
                         [](const auto& info) {
                           std::string name;
                           for (const char c : info.param.name) name += c == ' ' ? '_' : c;
                           return name;
                         });

// Replicas that start together: one migrates, the others wait for it.
TEST(PostgresStarts, ManyAtOnceMigrateOnce) {
  const testing::TempDir folder;
  const std::string url = PostgresTestServer::Shared().UrlFor(folder.path());
  const SystemClock clock;
  SystemRng rng;
  std::vector<std::thread> starts;
  std::vector<std::string> said(4, "not started");
  for (std::string& answer : said) {
    starts.emplace_back([&] {
      const auto opened = PostgresStore::Open(ServerAt(url), clock, rng);
      answer = opened ? "open" : Describe(opened.error());
    });
  }
  for (std::thread& start : starts) start.join();
  EXPECT_THAT(said, ::testing::Each("open"));
  EXPECT_EQ(PostgresTestServer::Shared().Sql(url, "SELECT count(*) FROM schema_migrations"),
            fmt::to_string(NewestSchema()));
}

// Two replicas, each with several threads: every change is one revision, and none is lost.
TEST(PostgresReplicas, ChangesOfManyThreadsTakeTurns) {
  constexpr int kThreads = 4;
  constexpr int kEach = 10;
  const testing::TempDir folder;
  const std::string url = PostgresUrl(folder);
  const SystemClock clock;
  SystemRng rng;
  auto one = PostgresStore::Open(ServerAt(url), clock, rng);
  auto other = PostgresStore::Open(ServerAt(url), clock, rng);
  ASSERT_TRUE(one && other);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      PostgresStore& store = t % 2 == 0 ? **one : **other;
      for (int i = 0; i < kEach; ++i) {
        const auto done = store.Apply(RegisterVersion{Row(fmt::format("v{}-{}", t, i))}, {});
        EXPECT_TRUE(done) << Describe(done.error());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ((*one)->ReadRevision()->get(), kThreads * kEach);
  EXPECT_EQ((*other)->ReadRoute(RouteName("iris"))->versions.size(), std::size_t{kThreads * kEach});
  EXPECT_TRUE((*other)->VerifyAudit()->intact());
}

// What a server commits while the operator's command waits for its turn is not written over.
TEST(PostgresReplicas, AnEpochIsRaisedInItsTurnAndByTheDatabasesClock) {
  const testing::TempDir folder;
  const std::string url = PostgresUrl(folder);
  const SystemClock clock;
  auto server = PostgresConnection::Open(ServerAt(url), clock);
  auto operators = PostgresConnection::Open(ServerAt(url), clock);
  ASSERT_TRUE(server && operators);
  ASSERT_TRUE(
      (*server)->Execute("BEGIN; SET LOCAL session_replication_role = replica; "
                         "UPDATE registry_revision SET revision = 7"));
  std::thread raising([&] {
    const auto head = RaisePostgresEpoch(**operators, 4, "a test");
    ASSERT_TRUE(head) << Describe(head.error());
    EXPECT_EQ(head->epoch, 5u);
    EXPECT_EQ(head->revision.get(), 7);
  });
  const std::string waiting =
      "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
      "wait_event_type = 'Lock'";
  int looks = 100'000;
  while (PostgresTestServer::Shared().Sql(url, waiting) != "1" && --looks > 0) {
    std::this_thread::yield();
  }
  EXPECT_GT(looks, 0) << "nobody waits for a turn";
  EXPECT_TRUE((*server)->Execute("COMMIT"));
  raising.join();
  EXPECT_EQ(PostgresTestServer::Shared().Sql(
                url, "SELECT revision || ' ' || epoch FROM registry_revision"),
            "7 5");
  EXPECT_EQ(PostgresTestServer::Shared().Sql(
                url,
                "SELECT count(*) FROM registry_revision WHERE committed_at <= "
                "extract(epoch FROM clock_timestamp()) * 1000000"),
            "1");
}

}  // namespace
}  // namespace podium::store
