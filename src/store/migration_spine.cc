// Routes, versions, audit, outbox.
//
// INV-1 by the database itself: the two partial unique indexes on roles.
#include "store/migrations.h"

namespace podium::store {
namespace {

constexpr const char* kSqliteSpine = R"sql(
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

constexpr const char* kPostgresSpine = R"sql(
-- Keys compare byte by byte, as SQLite's do: pages come in the same order from both.
CREATE TABLE routes (
  route            TEXT COLLATE "C" PRIMARY KEY,
  task_type        TEXT NOT NULL,
  policy           TEXT NOT NULL CHECK (policy IN ('fixed', 'ab')),
  sticky_on        TEXT NOT NULL,
  salt             TEXT NOT NULL,
  canary_salt      TEXT NOT NULL,
  previous_primary TEXT COLLATE "C",
  primary_since    BIGINT NOT NULL,
  created_at       BIGINT NOT NULL,
  updated_at       BIGINT NOT NULL,
  revision         BIGINT NOT NULL
);
CREATE INDEX routes_by_revision ON routes (revision);

CREATE TABLE model_registry (
  model_id        TEXT COLLATE "C" PRIMARY KEY,
  model_type      TEXT COLLATE "C" NOT NULL REFERENCES routes (route),
  name            TEXT COLLATE "C" NOT NULL,
  version         TEXT COLLATE "C" NOT NULL,
  provider_key    TEXT NOT NULL,
  upstream_model  TEXT NOT NULL,
  artifact_uri    TEXT NOT NULL,
  artifact_sha256 TEXT NOT NULL,
  format          TEXT NOT NULL,
  status          TEXT NOT NULL
    CHECK (status IN ('primary', 'canary', 'shadow', 'arm', 'standby', 'retired')),
  stage           TEXT NOT NULL,
  traffic_bp      BIGINT NOT NULL CHECK (traffic_bp BETWEEN 0 AND 10000),
  traffic_pct     NUMERIC(5, 2) GENERATED ALWAYS AS (traffic_bp * 0.01) STORED,
  signature       TEXT NOT NULL,
  metrics         TEXT NOT NULL,
  tags            TEXT NOT NULL,
  catalogue_id    TEXT NOT NULL,
  experiment_id   TEXT NOT NULL,
  load            TEXT NOT NULL CHECK (load IN ('eager', 'lazy')),
  source_run      TEXT NOT NULL,
  parent_id       TEXT COLLATE "C",
  created_at      BIGINT NOT NULL,
  updated_at      BIGINT NOT NULL,
  revision        BIGINT NOT NULL,
  deleted         BIGINT NOT NULL CHECK (deleted IN (0, 1)),
  CHECK (traffic_bp = 0 OR status = 'canary'),
  CHECK (deleted = 0 OR status = 'retired')
);
CREATE UNIQUE INDEX one_primary_per_route ON model_registry (model_type)
  WHERE status = 'primary';
CREATE UNIQUE INDEX one_canary_per_route ON model_registry (model_type)
  WHERE status = 'canary';
CREATE UNIQUE INDEX one_placement ON model_registry (model_type, name, version) WHERE deleted = 0;
CREATE INDEX model_registry_in_roles ON model_registry (model_type, created_at, model_id)
  WHERE status NOT IN ('standby', 'retired');
CREATE INDEX model_registry_by_age ON model_registry (model_type, created_at, model_id);
CREATE INDEX model_registry_by_revision ON model_registry (revision);

CREATE TABLE route_arms (
  route     TEXT COLLATE "C" NOT NULL REFERENCES routes (route),
  model_id  TEXT COLLATE "C" NOT NULL REFERENCES model_registry (model_id),
  slot      BIGINT NOT NULL,
  weight_bp BIGINT NOT NULL CHECK (weight_bp BETWEEN 0 AND 10000),
  PRIMARY KEY (route, slot),
  UNIQUE (route, model_id)
);

CREATE TABLE registry_revision (
  id           BIGINT PRIMARY KEY CHECK (id = 1),
  epoch        BIGINT NOT NULL,
  revision     BIGINT NOT NULL,
  head_hash    TEXT NOT NULL,
  audit_count  BIGINT NOT NULL,
  committed_at BIGINT NOT NULL
);
INSERT INTO registry_revision VALUES (1, 0, 0, '', 0, 0);

-- Names are looked up where the tables were made, whatever the caller's search_path says.
CREATE FUNCTION podium_refuse() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation'; END $$;

CREATE TRIGGER registry_revision_stays BEFORE DELETE ON registry_revision
  FOR EACH ROW EXECUTE FUNCTION podium_refuse('registry_revision has one row, always');
CREATE TRIGGER registry_revision_is_kept BEFORE TRUNCATE ON registry_revision
  FOR EACH STATEMENT EXECUTE FUNCTION podium_refuse('registry_revision has one row, always');
CREATE TRIGGER registry_revision_grows BEFORE UPDATE ON registry_revision
  FOR EACH ROW
  WHEN (NEW.epoch < OLD.epoch OR (NEW.epoch = OLD.epoch AND NEW.revision <= OLD.revision))
  EXECUTE FUNCTION podium_refuse('the registry revision only grows');

-- Whoever writes routing rows waits for the others, by SQL too: SQLite has one writer anyway.
CREATE FUNCTION podium_take_turn() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$ BEGIN PERFORM 1 FROM registry_revision WHERE id = 1 FOR UPDATE; RETURN NULL; END $$;
CREATE TRIGGER routes_turn BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON routes
  FOR EACH STATEMENT EXECUTE FUNCTION podium_take_turn();
CREATE TRIGGER model_registry_turn BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON model_registry
  FOR EACH STATEMENT EXECUTE FUNCTION podium_take_turn();
CREATE TRIGGER route_arms_turn BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON route_arms
  FOR EACH STATEMENT EXECUTE FUNCTION podium_take_turn();

CREATE TABLE model_promotions (
  revision        BIGINT PRIMARY KEY,
  route           TEXT COLLATE "C" NOT NULL,
  kind            TEXT NOT NULL,
  from_id         TEXT COLLATE "C",
  to_id           TEXT COLLATE "C",
  share_before_bp BIGINT NOT NULL,
  share_after_bp  BIGINT NOT NULL,
  undoes          BIGINT,
  actor           TEXT NOT NULL,
  origin          TEXT NOT NULL,
  reason          TEXT NOT NULL,
  request_id      TEXT NOT NULL,
  evidence        TEXT NOT NULL,
  at              BIGINT NOT NULL,
  previous_hash   TEXT NOT NULL,
  hash            TEXT NOT NULL
);
CREATE INDEX model_promotions_by_route ON model_promotions (route, revision);
CREATE UNIQUE INDEX undone_once ON model_promotions (undoes) WHERE undoes IS NOT NULL;
CREATE TRIGGER model_promotions_no_update
  BEFORE UPDATE ON model_promotions FOR EACH ROW EXECUTE FUNCTION podium_refuse('model_promotions is append-only');
CREATE TRIGGER model_promotions_no_delete
  BEFORE DELETE ON model_promotions FOR EACH ROW EXECUTE FUNCTION podium_refuse('model_promotions is append-only');
CREATE TRIGGER model_promotions_no_truncate BEFORE TRUNCATE ON model_promotions
  FOR EACH STATEMENT EXECUTE FUNCTION podium_refuse('model_promotions is append-only');
CREATE FUNCTION podium_check_audit_place() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM registry_revision
      WHERE revision + 1 = NEW.revision AND head_hash = NEW.previous_hash) THEN
    RAISE EXCEPTION 'an audit row follows the head of the chain'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER model_promotions_numbered BEFORE INSERT ON model_promotions
  FOR EACH ROW EXECUTE FUNCTION podium_check_audit_place();

-- In the order of the commits, since those who write here take turns.
CREATE TABLE event_outbox (
  sequence BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  revision BIGINT NOT NULL,
  type     TEXT NOT NULL,
  data     TEXT NOT NULL,
  at       BIGINT NOT NULL
);
)sql";

}  // namespace

const Migration kSpineMigration = {"spine", kSqliteSpine, kPostgresSpine};

}  // namespace podium::store
