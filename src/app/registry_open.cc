#include "app/registry_open.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/log.h"
#include "store/sqlite_store.h"

namespace podium::app {
namespace {

constexpr std::string_view kSqliteScheme = "sqlite:";
constexpr std::chrono::milliseconds kStartPause{250};

// The server is not there yet: nobody could wake this up earlier.
void PauseThread(std::chrono::milliseconds duration) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable nobody;
  nobody.wait_for(lock, duration, [] { return false; });
}

// sqlite:FILE, and sqlite:///FILE as other programs write it.
Result<std::filesystem::path> FileOf(const std::string& url) {
  std::string file = url.substr(kSqliteScheme.size());
  if (file.starts_with("//")) file.erase(0, 2);
  if (!file.empty()) return std::filesystem::path(file);
  return Fail(ErrorCode::kInvalidArgument, "sqlite: names no file: write sqlite:podium.db");
}

Result<RegistryPlace> PlaceOfUrl(const Secret& url) {
  RegistryPlace place;
  if (url.Reveal().starts_with(kSqliteScheme)) {
    PODIUM_TRY_ASSIGN(place.file, FileOf(url.Reveal()));
    return place;
  }
  PODIUM_TRY_ASSIGN(place.postgres, store::PostgresServer::FromUrl(url));
  return place;
}

Result<std::unique_ptr<store::SqlStore>> OpenPostgres(const store::PostgresServer& server,
                                                      const DatabaseSettings& settings,
                                                      const Clock& clock, Rng& rng) {
  store::PostgresOptions options;
  options.pool_size = settings.pool_size;
  if (!settings.direct_url.empty()) {
    PODIUM_TRY_ASSIGN(options.direct, store::PostgresServer::FromUrl(settings.direct_url));
    options.direct->connect_timeout = settings.connect_timeout;
    options.direct->statement_timeout = settings.statement_timeout;
  }
  const SteadyTime deadline = clock.SteadyNow() + settings.start_timeout;
  for (bool told = false; true; told = true) {
    auto opened = store::PostgresStore::Open(server, clock, rng, options);
    if (opened) return std::move(*opened);
    const bool may_come = opened.error().code == ErrorCode::kUnavailable;
    if (!may_come || clock.SteadyNow() >= deadline) return Fail(std::move(opened).error());
    if (!told) {
      LogWarning("the database cannot be reached yet; trying again",
                 {{"error", Describe(opened.error())}});
    }
    PauseThread(kStartPause);
  }
}

}  // namespace

std::string RegistryPlace::Text() const { return postgres ? postgres->where : file.string(); }

Status CheckDatabaseUrl(const Secret& url) {
  PODIUM_TRY(PlaceOfUrl(url));
  return {};
}

Result<RegistryPlace> PlaceOf(const Settings& settings) {
  if (settings.database.url.empty()) return RegistryPlace{settings.data_dir / "podium.db", {}};
  PODIUM_TRY_ASSIGN(RegistryPlace place, PlaceOfUrl(settings.database.url));
  if (place.postgres) {
    place.postgres->connect_timeout = settings.database.connect_timeout;
    place.postgres->statement_timeout = settings.database.statement_timeout;
  }
  return place;
}

Result<std::unique_ptr<store::SqlStore>> OpenRegistry(const Settings& settings, const Clock& clock,
                                                      Rng& rng) {
  PODIUM_TRY_ASSIGN(const RegistryPlace place, PlaceOf(settings));
  if (place.postgres) return OpenPostgres(*place.postgres, settings.database, clock, rng);
  PODIUM_TRY_ASSIGN(std::unique_ptr<store::SqliteStore> store,
                    store::SqliteStore::Open(place.file.string(), clock, rng));
  return std::unique_ptr<store::SqlStore>(std::move(store));
}

void TellWhatWasOpened(const Settings& settings, Revision revision) {
  const Result<RegistryPlace> place = PlaceOf(settings);
  const std::string where = place ? place->Text() : "";
  const char* kind = place && place->postgres ? "database" : "file";
  LogInfo("registry opened", {{kind, where}, {"revision", revision.get()}});
  std::error_code ignored;
  if (revision == Revision() &&
      !std::filesystem::is_empty(settings.data_dir / "artifacts", ignored) && !ignored) {
    LogWarning(
        "the registry is empty, though artifacts are beside it: if it should not be, stop podium "
        "and put a backup in its place",
        {{kind, where}});
  }
}

}  // namespace podium::app
