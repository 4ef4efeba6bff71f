// Who serves from this registry, and what each of them can serve. Nothing here is routing input.
#include "store/migrations.h"

namespace podium::store {
namespace {

constexpr const char* kSqliteReplicas = R"sql(
CREATE TABLE replicas (
  id                 TEXT PRIMARY KEY,
  incarnation        TEXT NOT NULL,
  address            TEXT NOT NULL,
  build              TEXT NOT NULL,
  applied_generation INTEGER NOT NULL,
  ready              INTEGER NOT NULL,
  failed             INTEGER NOT NULL,
  joined_at          INTEGER NOT NULL,
  heartbeat_at       INTEGER NOT NULL
) STRICT;

CREATE TABLE replica_versions (
  model_id TEXT NOT NULL,
  replica  TEXT NOT NULL REFERENCES replicas (id),
  state    TEXT NOT NULL CHECK (state IN ('ready', 'failed')),
  error    TEXT NOT NULL,
  PRIMARY KEY (model_id, replica)
) STRICT, WITHOUT ROWID;
CREATE INDEX replica_versions_by_replica ON replica_versions (replica, state, model_id);

CREATE TABLE replica_wants (
  model_id TEXT PRIMARY KEY,
  until_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

constexpr const char* kPostgresReplicas = R"sql(
CREATE TABLE replicas (
  id                 TEXT COLLATE "C" PRIMARY KEY,
  incarnation        TEXT NOT NULL,
  address            TEXT NOT NULL,
  build              TEXT NOT NULL,
  applied_generation BIGINT NOT NULL,
  ready              BIGINT NOT NULL,
  failed             BIGINT NOT NULL,
  joined_at          BIGINT NOT NULL,
  heartbeat_at       BIGINT NOT NULL
);

CREATE TABLE replica_versions (
  model_id TEXT COLLATE "C" NOT NULL,
  replica  TEXT COLLATE "C" NOT NULL REFERENCES replicas (id),
  state    TEXT COLLATE "C" NOT NULL CHECK (state IN ('ready', 'failed')),
  error    TEXT NOT NULL,
  PRIMARY KEY (model_id, replica)
);
CREATE INDEX replica_versions_by_replica ON replica_versions (replica, state, model_id);

CREATE TABLE replica_wants (
  model_id TEXT COLLATE "C" PRIMARY KEY,
  until_at BIGINT NOT NULL
);

-- Heard at the commit, by whoever listens: changes by SQL are told of as well.
CREATE FUNCTION tell_of_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('podium_changes', '');
  RETURN NULL;
END $$;
CREATE TRIGGER registry_moved AFTER UPDATE ON registry_revision
  FOR EACH STATEMENT EXECUTE FUNCTION tell_of_change();
CREATE TRIGGER version_wanted AFTER INSERT OR UPDATE ON replica_wants
  FOR EACH STATEMENT EXECUTE FUNCTION tell_of_change();
)sql";

}  // namespace

const Migration kReplicasMigration = {"replicas", kSqliteReplicas, kPostgresReplicas};

}  // namespace podium::store
