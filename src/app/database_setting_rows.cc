// The settings of the registry's database.
#include <utility>

#include "app/registry_open.h"
#include "app/setting_rows.h"

namespace podium::app {
namespace {

template <typename T>
auto OfDatabase(T DatabaseSettings::* member) {
  return
      [member](Settings& settings, const std::string&) -> T& { return settings.database.*member; };
}

SettingRow UrlRow() {
  SettingRow row = Row("database.url", "URL",
                       "Where the registry is: postgresql://USER:PASSWORD@HOST/DATABASE, which "
                       "many servers can share, or sqlite:FILE; without it podium.db in data_dir.");
  row.env = "DATABASE_URL";
  row.is_secret = true;
  row.set = [](Settings& settings, const std::string&,
               const std::vector<std::string>& values) -> Status {
    Secret url(values.at(0));
    if (auto checked = CheckDatabaseUrl(url); !checked) return Wrong(std::move(checked).error());
    settings.database.url = std::move(url);
    return {};
  };
  row.show = [](const Settings& settings) {
    return std::string(settings.database.url.empty() ? "" : "(set)");
  };
  return row;
}

SettingRow DirectUrlRow() {
  SettingRow row = Row("database.direct_url", "URL",
                       "The same PostgreSQL without a pooler between, to hear of changes at once; "
                       "without it database.url.");
  row.env = "DATABASE_DIRECT_URL";
  row.is_secret = true;
  row.set = [](Settings& settings, const std::string&,
               const std::vector<std::string>& values) -> Status {
    Secret url(values.at(0));
    if (auto read = store::PostgresServer::FromUrl(url); !read) {
      return Wrong(std::move(read).error());
    }
    settings.database.direct_url = std::move(url);
    return {};
  };
  row.show = [](const Settings& settings) {
    return std::string(settings.database.direct_url.empty() ? "" : "(set)");
  };
  return row;
}

}  // namespace

std::vector<SettingRow> DatabaseSettingRows() {
  using namespace std::chrono_literals;
  return {
      UrlRow(),
      DirectUrlRow(),
      WholeRow("database.pool_size", OfDatabase(&DatabaseSettings::pool_size), 1,
               limits::kMaxDatabasePool, "Connections to PostgreSQL, at most, of this server."),
      DurationRow("database.connect_timeout", OfDatabase(&DatabaseSettings::connect_timeout), 100ms,
                  1min, "How long PostgreSQL may take to answer a new connection."),
      DurationRow("database.statement_timeout", OfDatabase(&DatabaseSettings::statement_timeout),
                  100ms, 10min,
                  "How long one statement may take in PostgreSQL, its wait for locks included."),
      DurationRow("database.start_timeout", OfDatabase(&DatabaseSettings::start_timeout), 0us, 1h,
                  "How long a server that starts tries to reach PostgreSQL before it gives up."),
  };
}

}  // namespace podium::app
