#include "store/sqlite_schema.h"

#include <array>

#include "store/sqlite_history.h"

namespace podium::store {
namespace {

struct Migration {
  int version;
  const char* name;
  const char* sql;
  Status (*fill)(Connection&) = nullptr;  ///< What SQL alone cannot say.
};

// INV-1 by the database itself: the two partial unique indexes on roles.
constexpr const char* kSpine = R"sql(
CREATE TABLE routes (
  route            TEXT PRIMARY KEY,
  task_type        TEXT NOT NULL,
  policy           TEXT NOT NULL CHECK (policy IN ('fixed', 'ab')),
  sticky_on        TEXT NOT NULL,
  salt             TEXT NOT NULL,
  canary_salt      TEXT NOT NULL,
  previous_primary TEXT,
  primary_since    INTEGER NOT NULL,
  created_at       INTEGER NOT NULL,
  updated_at       INTEGER NOT NULL,
  revision         INTEGER NOT NULL
) STRICT;
CREATE INDEX routes_by_revision ON routes (revision);

CREATE TABLE model_registry (
  model_id        TEXT PRIMARY KEY,
  model_type      TEXT NOT NULL REFERENCES routes (route),
  name            TEXT NOT NULL,
  version         TEXT NOT NULL,
  provider_key    TEXT NOT NULL,
  upstream_model  TEXT NOT NULL,
  artifact_uri    TEXT NOT NULL,
  artifact_sha256 TEXT NOT NULL,
  format          TEXT NOT NULL,
  status          TEXT NOT NULL
    CHECK (status IN ('primary', 'canary', 'shadow', 'arm', 'standby', 'retired')),
  stage           TEXT NOT NULL,
  traffic_bp      INTEGER NOT NULL CHECK (traffic_bp BETWEEN 0 AND 10000),
  traffic_pct     REAL GENERATED ALWAYS AS (traffic_bp / 100.0) VIRTUAL,
  signature       TEXT NOT NULL,
  metrics         TEXT NOT NULL,
  tags            TEXT NOT NULL,
  catalogue_id    TEXT NOT NULL,
  experiment_id   TEXT NOT NULL,
  load            TEXT NOT NULL CHECK (load IN ('eager', 'lazy')),
  source_run      TEXT NOT NULL,
  parent_id       TEXT,
  created_at      INTEGER NOT NULL,
  updated_at      INTEGER NOT NULL,
  revision        INTEGER NOT NULL,
  deleted         INTEGER NOT NULL CHECK (deleted IN (0, 1)),
  CHECK (traffic_bp = 0 OR status = 'canary'),
  CHECK (deleted = 0 OR status = 'retired')
) STRICT;
CREATE UNIQUE INDEX one_primary_per_route ON model_registry (model_type) WHERE status = 'primary';
CREATE UNIQUE INDEX one_canary_per_route ON model_registry (model_type) WHERE status = 'canary';
CREATE UNIQUE INDEX one_placement ON model_registry (model_type, name, version) WHERE deleted = 0;
CREATE INDEX model_registry_in_roles ON model_registry (model_type, created_at, model_id)
  WHERE status NOT IN ('standby', 'retired');
CREATE INDEX model_registry_by_age ON model_registry (model_type, created_at, model_id);
CREATE INDEX model_registry_by_revision ON model_registry (revision);

CREATE TABLE route_arms (
  route     TEXT NOT NULL REFERENCES routes (route),
  model_id  TEXT NOT NULL REFERENCES model_registry (model_id),
  slot      INTEGER NOT NULL,
  weight_bp INTEGER NOT NULL CHECK (weight_bp BETWEEN 0 AND 10000),
  PRIMARY KEY (route, slot),
  UNIQUE (route, model_id)
) STRICT;

CREATE TABLE registry_revision (
  id          INTEGER PRIMARY KEY CHECK (id = 1),
  epoch       INTEGER NOT NULL,
  revision    INTEGER NOT NULL,
  head_hash   TEXT NOT NULL,
  audit_count INTEGER NOT NULL,
  committed_at INTEGER NOT NULL
) STRICT;
INSERT INTO registry_revision VALUES (1, 0, 0, '', 0, 0);
CREATE TRIGGER registry_revision_stays BEFORE DELETE ON registry_revision
BEGIN SELECT RAISE(ABORT, 'registry_revision has one row, always'); END;
CREATE TRIGGER registry_revision_grows BEFORE UPDATE ON registry_revision
WHEN NEW.epoch < OLD.epoch OR (NEW.epoch = OLD.epoch AND NEW.revision <= OLD.revision)
BEGIN SELECT RAISE(ABORT, 'the registry revision only grows'); END;

CREATE TABLE model_promotions (
  revision        INTEGER PRIMARY KEY,
  route           TEXT NOT NULL,
  kind            TEXT NOT NULL,
  from_id         TEXT,
  to_id           TEXT,
  share_before_bp INTEGER NOT NULL,
  share_after_bp  INTEGER NOT NULL,
  undoes          INTEGER,
  actor           TEXT NOT NULL,
  origin          TEXT NOT NULL,
  reason          TEXT NOT NULL,
  request_id      TEXT NOT NULL,
  evidence        TEXT NOT NULL,
  at              INTEGER NOT NULL,
  previous_hash   TEXT NOT NULL,
  hash            TEXT NOT NULL
) STRICT;
CREATE INDEX model_promotions_by_route ON model_promotions (route, revision);
CREATE UNIQUE INDEX undone_once ON model_promotions (undoes) WHERE undoes IS NOT NULL;
CREATE TRIGGER model_promotions_no_update BEFORE UPDATE ON model_promotions
BEGIN SELECT RAISE(ABORT, 'model_promotions is append-only'); END;
CREATE TRIGGER model_promotions_no_delete BEFORE DELETE ON model_promotions
BEGIN SELECT RAISE(ABORT, 'model_promotions is append-only'); END;
CREATE TRIGGER model_promotions_numbered BEFORE INSERT ON model_promotions
WHEN NEW.revision IS NOT (SELECT revision + 1 FROM registry_revision)
  OR NEW.previous_hash IS NOT (SELECT head_hash FROM registry_revision)
BEGIN SELECT RAISE(ABORT, 'an audit row follows the head of the chain'); END;

CREATE TABLE event_outbox (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  revision INTEGER NOT NULL,
  type     TEXT NOT NULL,
  data     TEXT NOT NULL,
  at       INTEGER NOT NULL
) STRICT;
)sql";

// What each route decided by, generation by generation. A file that was written before begins its
// history here. The triggers note every change of what decides, whoever made it, as a row without
// input: podium fills its own before it commits, and those that SQL made when it next reads them.
// A change by SQL that took no new revision counts from the present one.
constexpr const char* kRouteHistory = R"sql(
CREATE TABLE route_history (
  route    TEXT NOT NULL,
  revision INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  source   TEXT NOT NULL CHECK (source IN ('podium', 'sql')),
  input    TEXT,
  PRIMARY KEY (route, revision)
) STRICT, WITHOUT ROWID;
CREATE INDEX route_history_by_revision ON route_history (revision);

CREATE TABLE route_history_start (
  id       INTEGER PRIMARY KEY CHECK (id = 1),
  revision INTEGER NOT NULL
) STRICT;
INSERT INTO route_history_start SELECT 1, revision FROM registry_revision;
INSERT INTO route_history
  SELECT route, head.revision, head.committed_at, 'podium', NULL
  FROM routes CROSS JOIN registry_revision AS head;

CREATE TRIGGER routes_added AFTER INSERT ON routes
BEGIN
  INSERT INTO route_history
    SELECT NEW.route, max(NEW.revision, revision), max(NEW.updated_at, committed_at), 'sql', NULL
    FROM registry_revision WHERE true
    ON CONFLICT (route, revision) DO UPDATE SET at = excluded.at, source = 'sql', input = NULL;
END;
CREATE TRIGGER routes_changed
AFTER UPDATE OF policy, sticky_on, salt, canary_salt ON routes
WHEN (OLD.policy, OLD.sticky_on, OLD.salt, OLD.canary_salt)
  IS NOT (NEW.policy, NEW.sticky_on, NEW.salt, NEW.canary_salt)
BEGIN
  INSERT INTO route_history
    SELECT NEW.route, max(NEW.revision, revision), max(NEW.updated_at, committed_at), 'sql', NULL
    FROM registry_revision WHERE true
    ON CONFLICT (route, revision) DO UPDATE SET at = excluded.at, source = 'sql', input = NULL;
END;

CREATE TRIGGER versions_added AFTER INSERT ON model_registry
WHEN NEW.status IN ('primary', 'canary', 'arm')
BEGIN
  INSERT INTO route_history
    SELECT NEW.model_type, max(NEW.revision, revision), max(NEW.updated_at, committed_at), 'sql',
      NULL
    FROM registry_revision WHERE true
    ON CONFLICT (route, revision) DO UPDATE SET at = excluded.at, source = 'sql', input = NULL;
END;
CREATE TRIGGER versions_changed
AFTER UPDATE OF model_id, model_type, name, version, provider_key, status, traffic_bp, created_at,
  deleted ON model_registry
WHEN (OLD.model_id, OLD.model_type, OLD.name, OLD.version, OLD.provider_key, OLD.status,
    OLD.traffic_bp, OLD.created_at, OLD.deleted)
  IS NOT (NEW.model_id, NEW.model_type, NEW.name, NEW.version, NEW.provider_key, NEW.status,
    NEW.traffic_bp, NEW.created_at, NEW.deleted)
  AND (OLD.status IN ('primary', 'canary', 'arm') OR NEW.status IN ('primary', 'canary', 'arm')
    OR EXISTS (SELECT 1 FROM route_arms
      WHERE route = NEW.model_type AND model_id = NEW.model_id))
BEGIN
  INSERT INTO route_history
    SELECT NEW.model_type, max(NEW.revision, revision), max(NEW.updated_at, committed_at), 'sql',
      NULL
    FROM registry_revision WHERE true
    ON CONFLICT (route, revision) DO UPDATE SET at = excluded.at, source = 'sql', input = NULL;
END;
CREATE TRIGGER versions_moved AFTER UPDATE OF model_type ON model_registry
WHEN OLD.model_type IS NOT NEW.model_type AND OLD.status IN ('primary', 'canary', 'arm')
BEGIN
  INSERT INTO route_history
    SELECT OLD.model_type, max(NEW.revision, revision), max(NEW.updated_at, committed_at), 'sql',
      NULL
    FROM registry_revision WHERE true
    ON CONFLICT (route, revision) DO UPDATE SET at = excluded.at, source = 'sql', input = NULL;
END;
CREATE TRIGGER versions_removed AFTER DELETE ON model_registry
WHEN OLD.status IN ('primary', 'canary', 'arm')
BEGIN
  INSERT INTO route_history
    SELECT OLD.model_type, revision, committed_at, 'sql', NULL FROM registry_revision WHERE true
    ON CONFLICT (route, revision) DO UPDATE SET at = excluded.at, source = 'sql', input = NULL;
END;

-- Arms carry no revision: they are read again with their route, at the next one.
CREATE TRIGGER arms_added AFTER INSERT ON route_arms
BEGIN
  INSERT INTO route_history
    SELECT NEW.route, revision + 1, committed_at, 'sql', NULL FROM registry_revision WHERE true
    ON CONFLICT (route, revision) DO UPDATE SET at = excluded.at, source = 'sql', input = NULL;
END;
CREATE TRIGGER arms_changed AFTER UPDATE ON route_arms
BEGIN
  INSERT INTO route_history
    SELECT NEW.route, revision + 1, committed_at, 'sql', NULL FROM registry_revision WHERE true
    ON CONFLICT (route, revision) DO UPDATE SET at = excluded.at, source = 'sql', input = NULL;
END;
CREATE TRIGGER arms_removed AFTER DELETE ON route_arms
BEGIN
  INSERT INTO route_history
    SELECT OLD.route, revision + 1, committed_at, 'sql', NULL FROM registry_revision WHERE true
    ON CONFLICT (route, revision) DO UPDATE SET at = excluded.at, source = 'sql', input = NULL;
END;
)sql";

// What calls have cost, and the prices that they were charged by. Amounts are whole nano-dollars:
// SQLite has no exact decimals. The columns in dollars are for those who read by SQL.
constexpr const char* kCosts = R"sql(
CREATE TABLE prices (
  price_id         INTEGER PRIMARY KEY,
  provider_key     TEXT NOT NULL,
  upstream_model   TEXT NOT NULL,
  effective_from   INTEGER NOT NULL,
  input            INTEGER NOT NULL CHECK (input >= 0),
  output           INTEGER NOT NULL CHECK (output >= 0),
  cache_read       INTEGER,
  cache_write_5m   INTEGER,
  cache_write_1h   INTEGER,
  audio_input      INTEGER,
  output_reasoning INTEGER,
  image            INTEGER,
  call             INTEGER,
  actor            TEXT NOT NULL,
  reason           TEXT NOT NULL,
  created_at       INTEGER NOT NULL
) STRICT;
CREATE TRIGGER prices_no_update BEFORE UPDATE ON prices
BEGIN SELECT RAISE(ABORT, 'prices is append-only: add a row'); END;
CREATE TRIGGER prices_no_delete BEFORE DELETE ON prices
BEGIN SELECT RAISE(ABORT, 'prices is append-only: add a row'); END;

CREATE TABLE cost_events (
  event_id         TEXT PRIMARY KEY,
  model_id         TEXT NOT NULL,
  version_id       TEXT NOT NULL,
  route            TEXT NOT NULL,
  provider_key     TEXT NOT NULL,
  upstream_model   TEXT NOT NULL,
  request_id       TEXT NOT NULL,
  user_id          TEXT NOT NULL,
  key_id           TEXT NOT NULL,
  workflow_run_id  TEXT NOT NULL,
  kind             TEXT NOT NULL,
  attempt          INTEGER NOT NULL,
  status           TEXT NOT NULL,
  uncached_input   INTEGER NOT NULL,
  cache_read       INTEGER NOT NULL,
  cache_write_5m   INTEGER NOT NULL,
  cache_write_1h   INTEGER NOT NULL,
  audio_input      INTEGER NOT NULL,
  output_text      INTEGER NOT NULL,
  output_reasoning INTEGER NOT NULL,
  images           INTEGER NOT NULL,
  calls            INTEGER NOT NULL,
  estimated        INTEGER NOT NULL,
  contradictory    INTEGER NOT NULL,
  cost_nano_usd    INTEGER,
  price_id         INTEGER,
  created_at       INTEGER NOT NULL,
  tokens_in        INTEGER GENERATED ALWAYS AS
    (uncached_input + cache_read + cache_write_5m + cache_write_1h + audio_input) VIRTUAL,
  tokens_out       INTEGER GENERATED ALWAYS AS (output_text + output_reasoning) VIRTUAL,
  cost_usd         REAL GENERATED ALWAYS AS (cost_nano_usd / 1e9) VIRTUAL
) STRICT;
CREATE INDEX cost_events_by_time ON cost_events (created_at);

CREATE TABLE model_daily_costs (
  model_id            TEXT NOT NULL,
  day                 TEXT NOT NULL,
  total_calls         INTEGER NOT NULL,
  total_cost_nano_usd INTEGER NOT NULL,
  total_tokens        INTEGER NOT NULL,
  unpriced_calls      INTEGER NOT NULL,
  total_cost_usd      REAL GENERATED ALWAYS AS (total_cost_nano_usd / 1e9) VIRTUAL,
  PRIMARY KEY (model_id, day)
) STRICT, WITHOUT ROWID;
)sql";

constexpr std::array<Migration, 3> kMigrations = {
    {{1, "spine", kSpine}, {2, "route_history", kRouteHistory, FillHistory}, {3, "costs", kCosts}}};

Result<std::int64_t> CountOf(Connection& connection, std::string_view sql) {
  Query query(connection, sql);
  PODIUM_TRY(query.Next());
  return query.Int(0);
}

// 0 for an empty file.
Result<int> SchemaOf(Connection& connection, const std::string& path) {
  PODIUM_TRY_ASSIGN(
      const std::int64_t tracked,
      CountOf(connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'schema_migrations'"));
  if (tracked == 0) {
    PODIUM_TRY_ASSIGN(const std::int64_t others,
                      CountOf(connection, "SELECT count(*) FROM sqlite_schema"));
    if (others == 0) return 0;
    return Fail(ErrorCode::kUnprocessable,
                "{} is a SQLite database of something else than podium: name another file", path);
  }
  PODIUM_TRY_ASSIGN(const std::int64_t schema,
                    CountOf(connection, "SELECT coalesce(max(version), 0) FROM schema_migrations"));
  if (schema <= kSchemaVersion) return static_cast<int>(schema);
  return Fail(
      ErrorCode::kUnprocessable,
      "the registry file {} has schema {}, this podium knows schemas up to {}: use the newer "
      "podium that wrote it",
      path, schema, kSchemaVersion);
}

Status Run(Connection& connection, const Migration& migration, const Clock& clock) {
  PODIUM_TRY(connection.Execute(migration.sql));
  if (migration.fill != nullptr) PODIUM_TRY(migration.fill(connection));
  return Query(connection, "INSERT INTO schema_migrations VALUES ($1, $2, $3)")
      .Bind(std::int64_t{migration.version})
      .Bind(std::string_view(migration.name))
      .Bind(std::int64_t{clock.Now().time_since_epoch().count()})
      .Run();
}

}  // namespace

const int kSchemaVersion = kMigrations.back().version;

Status MigrateSqlite(Connection& connection, const std::string& path, const Clock& clock) {
  {
    // One view for all that is read: between two reads another process may migrate.
    PODIUM_TRY_ASSIGN(const Transaction view,
                      Transaction::Begin(connection, Transaction::Kind::kRead));
    PODIUM_TRY_ASSIGN(const int seen, SchemaOf(connection, path));
    if (seen == kSchemaVersion) return {};
  }
  PODIUM_TRY_ASSIGN(Transaction transaction,
                    Transaction::Begin(connection, Transaction::Kind::kWrite));
  // Read again under the lock: another process may have been quicker.
  PODIUM_TRY_ASSIGN(const int current, SchemaOf(connection, path));
  PODIUM_TRY(connection.Execute(
      "CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY, "
      "name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT"));
  for (const Migration& migration : kMigrations) {
    if (migration.version > current) PODIUM_TRY(Run(connection, migration, clock));
  }
  return transaction.Commit();
}

}  // namespace podium::store
