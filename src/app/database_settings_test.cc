// DATABASE_URL says which registry is served: a mistake in it must never lead to another one, and
// what it holds must never be shown.
#include "app/database_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "app/finding.h"
#include "app/registry_open.h"
#include "app/settings_load.h"

namespace podium::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

LoadedSettings LoadEnvironment(Environment environment) {
  SettingsSources sources;
  sources.environment = std::move(environment);
  return LoadSettings(sources);
}

TEST(DatabaseSettings, TheUrlSaysWhichRegistryIsMeant) {
  struct Case {
    const char* url;
    const char* place;
  };
  for (const Case& c :
       {Case{"", "podium-data/podium.db"},
        Case{"postgres://ann:pw@db.example/podium", "podium on db.example"},
        Case{"postgresql://db.example:1/podium", "podium on db.example:1"},
        Case{"sqlite:other.db", "other.db"}, Case{"sqlite:///srv/other.db", "/srv/other.db"}}) {
    SCOPED_TRACE(c.url);
    const LoadedSettings loaded = LoadEnvironment({{"DATABASE_URL", c.url}});
    EXPECT_TRUE(loaded.findings.empty());
    const auto place = PlaceOf(loaded.settings);
    ASSERT_TRUE(place) << Describe(place.error());
    EXPECT_EQ(place->Text(), c.place);
  }
}

TEST(DatabaseSettings, AWrongUrlIsAMistakeAndIsNotRepeated) {
  for (const char* url : {"mysql://ann:hunter2@db/podium", "postgres://ann:hunter2@db/x?hunter2=1",
                          "hunter2", "sqlite:"}) {
    SCOPED_TRACE(url);
    const LoadedSettings loaded = LoadEnvironment({{"DATABASE_URL", url}});
    ASSERT_EQ(loaded.findings.size(), 1u);
    EXPECT_EQ(loaded.findings[0].severity, Severity::kError);
    EXPECT_THAT(loaded.findings[0].message, HasSubstr("database.url"));
    EXPECT_THAT(loaded.findings[0].message, Not(HasSubstr("hunter2")));
  }
}

TEST(DatabaseSettings, LimitsOfThePoolAndTheWaits) {
  EXPECT_TRUE(LoadEnvironment({{"PODIUM_DATABASE_POOL_SIZE", "100"}}).findings.empty());
  EXPECT_FALSE(LoadEnvironment({{"PODIUM_DATABASE_POOL_SIZE", "101"}}).findings.empty());
  EXPECT_FALSE(LoadEnvironment({{"PODIUM_DATABASE_POOL_SIZE", "0"}}).findings.empty());
  EXPECT_FALSE(LoadEnvironment({{"PODIUM_DATABASE_STATEMENT_TIMEOUT", "99ms"}}).findings.empty());
  EXPECT_FALSE(LoadEnvironment({{"PODIUM_DATABASE_CONNECT_TIMEOUT", "61s"}}).findings.empty());
  const LoadedSettings loaded = LoadEnvironment({{"PODIUM_DATABASE_CONNECT_TIMEOUT", "2s"},
                                                 {"PODIUM_DATABASE_STATEMENT_TIMEOUT", "3s"},
                                                 {"DATABASE_URL", "postgres://db/podium"}});
  const auto place = PlaceOf(loaded.settings);
  ASSERT_TRUE(place && place->postgres);
  EXPECT_EQ(place->postgres->connect_timeout, std::chrono::seconds(2));
  EXPECT_EQ(place->postgres->statement_timeout, std::chrono::seconds(3));
}

}  // namespace
}  // namespace podium::app
