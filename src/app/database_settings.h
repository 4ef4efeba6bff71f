// Where the registry is kept: database.* of the settings.
#pragma once

#include <chrono>

#include "base/limits.h"
#include "base/secret.h"

namespace podium::app {

struct DatabaseSettings {
  /// database.url, or DATABASE_URL; empty: podium.db in the data directory. postgres://,
  /// postgresql:// or sqlite:PATH.
  Secret url;
  /// database.direct_url, or DATABASE_DIRECT_URL: where notices are listened for; empty: `url`.
  Secret direct_url;
  int pool_size = limits::kDatabasePool;                                 ///< database.pool_size
  std::chrono::milliseconds connect_timeout = limits::kDatabaseConnect;  ///< database.*
  std::chrono::milliseconds statement_timeout = limits::kDatabaseStatement;
  /// database.start_timeout: how long a server that starts waits for PostgreSQL to answer.
  std::chrono::milliseconds start_timeout = limits::kDatabaseStart;
};

}  // namespace podium::app
