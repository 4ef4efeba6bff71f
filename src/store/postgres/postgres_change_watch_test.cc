// Whoever commits, the watch hears of it; a connection that was cut is made anew.
#include "store/postgres/postgres_change_watch.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "store/postgres/postgres_fixture.h"
#include "testing/sim_clock.h"

namespace podium::store {
namespace {

using namespace std::chrono_literals;

class PostgresWatch : public ::testing::Test {
 protected:
  void Change() {
    ModelVersion version;
    version.route = RouteName("iris");
    version.version = std::to_string(++changes_);
    version.provider_key = "local";
    ASSERT_TRUE(store_->Apply(RegisterVersion{version}, {}));
  }

  testing::TempDir folder_;
  testing::SimClock clock_;
  const SystemClock system_;
  SeededRng rng_{1};
  std::unique_ptr<PostgresStore> store_ = OpenPostgres(clock_, rng_, folder_);
  PostgresChangeWatch watch_{ServerAt(PostgresUrl(folder_)), system_};
  int changes_ = 0;
};

constexpr auto kLong = 20s;  // It comes at once, or the test fails.

TEST_F(PostgresWatch, HearsOfCommitsAndOfVersionsThatAreWanted) {
  EXPECT_EQ(watch_.Wait(kLong), true) << "what was before is not known";
  Change();
  EXPECT_EQ(watch_.Wait(kLong), true);
  EXPECT_EQ(watch_.Wait(0ms), false);
  ASSERT_TRUE(store_->Want(ModelId("m"), 1000ms));
  EXPECT_EQ(watch_.Wait(kLong), true);
  ASSERT_TRUE(store_->Join({"a", "first", "", ""}));
  ASSERT_TRUE(store_->Beat({{"a", "first", "", ""}, Generation(1), {}, {}, 0, 0}));
  EXPECT_EQ(watch_.Wait(0ms), false) << "beats are nobody's news";
}

TEST_F(PostgresWatch, AConnectionThatWasCutIsAnErrorThenNews) {
  EXPECT_EQ(watch_.Wait(kLong), true);
  auto other = PostgresConnection::Open(ServerAt(PostgresUrl(folder_)), system_);
  ASSERT_TRUE(other);
  ASSERT_TRUE(
      (*other)->Execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE query LIKE 'LISTEN%' AND datname = current_database()"));
  Result<bool> heard = watch_.Wait(kLong);
  // The server's last word may come before the end of the connection.
  if (heard && !*heard) heard = watch_.Wait(kLong);
  EXPECT_FALSE(heard);
  Change();
  EXPECT_EQ(watch_.Wait(kLong), true);
}

TEST_F(PostgresWatch, StopEndsEveryWait) {
  EXPECT_EQ(watch_.Wait(kLong), true);
  watch_.Stop();
  EXPECT_EQ(watch_.Wait(1h), false);
  watch_.Rest(1h);
}

}  // namespace
}  // namespace podium::store
