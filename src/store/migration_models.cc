// MLflow's registry: names of models, versions and aliases, with their own audit trail. No routing
// input: nothing here takes a revision. Tags are JSON objects, as those of model_registry are.
#include "store/migrations.h"

namespace podium::store {
namespace {

constexpr const char* kSqliteModels = R"sql(
CREATE TABLE registered_models (
  name        TEXT PRIMARY KEY,
  description TEXT,
  tags        TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE model_versions (
  name             TEXT NOT NULL,
  version          INTEGER NOT NULL CHECK (version > 0),
  stage            TEXT NOT NULL CHECK (stage IN
    ('None', 'Staging', 'Production', 'Archived', 'Deleted_Internal')),
  description      TEXT NOT NULL,
  source           TEXT NOT NULL,
  storage_location TEXT NOT NULL,
  run_id           TEXT NOT NULL,
  run_link         TEXT NOT NULL,
  logged_model_id  TEXT NOT NULL,
  user_id          TEXT NOT NULL,
  tags             TEXT NOT NULL,
  created_at       INTEGER NOT NULL,
  updated_at       INTEGER NOT NULL,
  PRIMARY KEY (name, version)
) STRICT;
CREATE INDEX model_versions_by_stage ON model_versions (name, stage, version);
CREATE INDEX model_versions_by_run ON model_versions (run_id, name, version) WHERE run_id <> '';

CREATE TABLE model_aliases (
  name    TEXT NOT NULL,
  alias   TEXT NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (name, alias)
) STRICT, WITHOUT ROWID;

CREATE TABLE model_audit (
  number        INTEGER PRIMARY KEY CHECK (number > 0),
  model         TEXT NOT NULL,
  version       INTEGER NOT NULL,
  kind          TEXT NOT NULL,
  before_change TEXT NOT NULL,
  after_change  TEXT NOT NULL,
  actor         TEXT NOT NULL,
  origin        TEXT NOT NULL,
  request_id    TEXT NOT NULL,
  at            INTEGER NOT NULL,
  previous_hash TEXT NOT NULL,
  hash          TEXT NOT NULL
) STRICT;
CREATE INDEX model_audit_by_model ON model_audit (model, number);
CREATE TRIGGER model_audit_no_update BEFORE UPDATE ON model_audit
BEGIN SELECT RAISE(ABORT, 'model_audit is append-only'); END;
CREATE TRIGGER model_audit_no_delete BEFORE DELETE ON model_audit
BEGIN SELECT RAISE(ABORT, 'model_audit is append-only'); END;

CREATE TABLE model_audit_head (
  id    INTEGER PRIMARY KEY CHECK (id = 1),
  hash  TEXT NOT NULL,
  count INTEGER NOT NULL
) STRICT;
INSERT INTO model_audit_head VALUES (1, '', 0);
)sql";

constexpr const char* kPostgresModels = R"sql(
CREATE TABLE registered_models (
  name        TEXT COLLATE "C" PRIMARY KEY,
  description TEXT,
  tags        TEXT NOT NULL,
  created_at  BIGINT NOT NULL,
  updated_at  BIGINT NOT NULL
);

CREATE TABLE model_versions (
  name             TEXT COLLATE "C" NOT NULL,
  version          BIGINT NOT NULL CHECK (version > 0),
  stage            TEXT COLLATE "C" NOT NULL CHECK (stage IN
    ('None', 'Staging', 'Production', 'Archived', 'Deleted_Internal')),
  description      TEXT NOT NULL,
  source           TEXT NOT NULL,
  storage_location TEXT NOT NULL,
  run_id           TEXT COLLATE "C" NOT NULL,
  run_link         TEXT NOT NULL,
  logged_model_id  TEXT NOT NULL,
  user_id          TEXT NOT NULL,
  tags             TEXT NOT NULL,
  created_at       BIGINT NOT NULL,
  updated_at       BIGINT NOT NULL,
  PRIMARY KEY (name, version)
);
CREATE INDEX model_versions_by_stage ON model_versions (name, stage, version);
CREATE INDEX model_versions_by_run ON model_versions (run_id, name, version) WHERE run_id <> '';

CREATE TABLE model_aliases (
  name    TEXT COLLATE "C" NOT NULL,
  alias   TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (name, alias)
);

CREATE TABLE model_audit (
  number        BIGINT PRIMARY KEY CHECK (number > 0),
  model         TEXT COLLATE "C" NOT NULL,
  version       BIGINT NOT NULL,
  kind          TEXT NOT NULL,
  before_change TEXT NOT NULL,
  after_change  TEXT NOT NULL,
  actor         TEXT NOT NULL,
  origin        TEXT NOT NULL,
  request_id    TEXT NOT NULL,
  at            BIGINT NOT NULL,
  previous_hash TEXT NOT NULL,
  hash          TEXT NOT NULL
);
CREATE INDEX model_audit_by_model ON model_audit (model, number);
CREATE TRIGGER model_audit_no_update BEFORE UPDATE ON model_audit
  FOR EACH ROW EXECUTE FUNCTION podium_refuse('model_audit is append-only');
CREATE TRIGGER model_audit_no_delete BEFORE DELETE ON model_audit
  FOR EACH ROW EXECUTE FUNCTION podium_refuse('model_audit is append-only');
CREATE TRIGGER model_audit_no_truncate BEFORE TRUNCATE ON model_audit
  FOR EACH STATEMENT EXECUTE FUNCTION podium_refuse('model_audit is append-only');

CREATE TABLE model_audit_head (
  id    BIGINT PRIMARY KEY CHECK (id = 1),
  hash  TEXT NOT NULL,
  count BIGINT NOT NULL
);
INSERT INTO model_audit_head VALUES (1, '', 0);
)sql";

}  // namespace

const Migration kModelsMigration = {"models", kSqliteModels, kPostgresModels};

}  // namespace podium::store
