// Keys under which callers have created something, so that a request sent twice creates it once.
#include "store/migrations.h"

namespace podium::store {
namespace {

constexpr const char* kSqliteIdempotency = R"sql(
CREATE TABLE idempotency_keys (
  key         TEXT PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  revision    INTEGER NOT NULL,
  at          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_time ON idempotency_keys (at, key);
)sql";

constexpr const char* kPostgresIdempotency = R"sql(
CREATE TABLE idempotency_keys (
  key         TEXT COLLATE "C" PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  revision    BIGINT NOT NULL,
  at          BIGINT NOT NULL
);
CREATE INDEX idempotency_keys_by_time ON idempotency_keys (at, key);
)sql";

}  // namespace

const Migration kIdempotencyMigration = {"idempotency", kSqliteIdempotency, kPostgresIdempotency};

}  // namespace podium::store
