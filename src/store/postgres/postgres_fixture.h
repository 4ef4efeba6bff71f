// What the tests on PostgreSQL share: a registry of its own for each folder, on the test server.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "store/postgres/postgres_schema.h"
#include "store/postgres/postgres_store.h"
#include "testing/postgres_server.h"
#include "testing/temp_dir.h"

namespace podium::store {

inline PostgresServer ServerAt(const std::string& url) {
  Result<PostgresServer> server = PostgresServer::FromUrl(Secret(url));
  EXPECT_TRUE(server) << Describe(server.error());
  return server ? *server : PostgresServer();
}

/// The URL of the folder's database, with the newest schema and no rows. Copied from one that was
/// migrated once: a step of the schema takes longer than most tests.
inline std::string PostgresUrl(const testing::TempDir& folder) {
  testing::PostgresTestServer& server = testing::PostgresTestServer::Shared();
  static const bool made = [&] {
    server.CreateEmpty("podium_model");
    const PostgresServer model = ServerAt(server.UrlOf("podium_model"));
    const SystemClock clock;
    auto connection = PostgresConnection::Open(model, clock);
    EXPECT_TRUE(connection) << Describe(connection.error());
    const Status migrated = MigratePostgres(**connection, model);
    EXPECT_TRUE(migrated) << Describe(migrated.error());
    return true;
  }();
  static_cast<void>(made);
  return server.UrlFor(folder.path(), "podium_model");
}

/// Rows are dated by `clock`, as those of the other stores.
inline std::unique_ptr<PostgresStore> OpenPostgres(const Clock& clock, Rng& rng,
                                                   const testing::TempDir& folder) {
  PostgresOptions options;
  options.dated_by = &clock;
  auto opened = PostgresStore::Open(ServerAt(PostgresUrl(folder)), clock, rng, options);
  EXPECT_TRUE(opened) << Describe(opened.error());
  return opened ? std::move(*opened) : nullptr;
}

}  // namespace podium::store
