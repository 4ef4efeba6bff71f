// Which registry the settings mean, and how it is opened.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "app/settings.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/rng.h"
#include "store/postgres/postgres_store.h"
#include "store/sql_store.h"

namespace podium::app {

/// A URL of database.url as it is meant. Its password is in no message.
struct RegistryPlace {
  std::filesystem::path file;                     ///< Of a SQLite registry; else empty.
  std::optional<store::PostgresServer> postgres;  ///< Else none.
  /// For people: the file, or "podium on db.example:5432".
  std::string Text() const;
};
Result<RegistryPlace> PlaceOf(const Settings& settings);

/// kInvalidArgument unless it is a postgres://, postgresql:// or sqlite: URL.
Status CheckDatabaseUrl(const Secret& url);

/// Opens the registry and migrates it. A PostgreSQL that cannot be reached is tried again for
/// database.start_timeout, since it may be starting as well. `clock` and `rng` must outlive it.
Result<std::unique_ptr<store::SqlStore>> OpenRegistry(const Settings& settings, const Clock& clock,
                                                      Rng& rng);

/// What an operator looks for after a restart: is this the registry that was meant?
void TellWhatWasOpened(const Settings& settings, Revision revision);

}  // namespace podium::app
