// Rollouts: their rows, who drives each, what was counted of it and what was found. A row's `body`
// is the whole of it as JSON; the columns beside it are what is searched by, and `phase` counts.
#include "store/migrations.h"

namespace podium::store {
namespace {

constexpr const char* kSqliteRollouts = R"sql(
ALTER TABLE routes ADD COLUMN rollout TEXT;

CREATE TABLE rollouts (
  id             TEXT PRIMARY KEY,
  route          TEXT NOT NULL,
  candidate      TEXT NOT NULL,
  artifact       TEXT NOT NULL,
  phase          TEXT NOT NULL
    CHECK (phase IN ('running', 'paused', 'promoted', 'rolled_back', 'aborted')),
  start_revision INTEGER NOT NULL,
  revision       INTEGER NOT NULL,
  ended_at       INTEGER NOT NULL,
  body           TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX rollouts_running ON rollouts (route) WHERE phase IN ('running', 'paused');
CREATE UNIQUE INDEX rollouts_by_start ON rollouts (start_revision);
CREATE INDEX rollouts_by_route ON rollouts (route, artifact);

CREATE TABLE rollout_counts (
  rollout         TEXT NOT NULL REFERENCES rollouts (id),
  epoch           INTEGER NOT NULL,
  incarnation     TEXT NOT NULL,
  canary          INTEGER NOT NULL,
  units           INTEGER NOT NULL,
  requests        INTEGER NOT NULL,
  ineligible      INTEGER NOT NULL,
  errors          INTEGER NOT NULL,
  latency_p50     INTEGER NOT NULL,
  latency_p90     INTEGER NOT NULL,
  latency_p99     INTEGER NOT NULL,
  first_token_p50 INTEGER NOT NULL,
  first_token_p90 INTEGER NOT NULL,
  first_token_p99 INTEGER NOT NULL,
  cost_p50        INTEGER NOT NULL,
  cost_p90        INTEGER NOT NULL,
  cost_p99        INTEGER NOT NULL,
  PRIMARY KEY (rollout, epoch, incarnation, canary)
) STRICT, WITHOUT ROWID;

CREATE TABLE rollout_hits (
  rollout     TEXT NOT NULL REFERENCES rollouts (id),
  epoch       INTEGER NOT NULL,
  series      INTEGER NOT NULL,
  unit        INTEGER NOT NULL,
  incarnation TEXT NOT NULL,
  canary      INTEGER NOT NULL,
  first_rank  INTEGER NOT NULL,
  second_rank INTEGER NOT NULL,
  bad         INTEGER NOT NULL,
  seen        INTEGER NOT NULL,
  PRIMARY KEY (rollout, epoch, series, unit, incarnation)
) STRICT, WITHOUT ROWID;

CREATE TABLE rollout_leases (
  rollout  TEXT PRIMARY KEY REFERENCES rollouts (id),
  owner    TEXT NOT NULL,
  token    INTEGER NOT NULL,
  until_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE rollout_verdicts (
  rollout  TEXT NOT NULL REFERENCES rollouts (id),
  number   INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  decision TEXT NOT NULL,
  sentence TEXT NOT NULL,
  evidence TEXT NOT NULL,
  verdict  TEXT NOT NULL,
  PRIMARY KEY (rollout, number)
) STRICT;

-- What the coins of a route are thrown for decides its calls.
DROP TRIGGER routes_changed;
CREATE TRIGGER routes_changed
AFTER UPDATE OF policy, sticky_on, salt, canary_salt, rollout ON routes
WHEN (OLD.policy, OLD.sticky_on, OLD.salt, OLD.canary_salt, OLD.rollout)
  IS NOT (NEW.policy, NEW.sticky_on, NEW.salt, NEW.canary_salt, NEW.rollout)
BEGIN
  INSERT INTO route_history
    SELECT NEW.route, max(NEW.revision, revision), max(NEW.updated_at, committed_at), 'sql', NULL
    FROM registry_revision WHERE true
    ON CONFLICT (route, revision) DO UPDATE SET at = excluded.at, source = 'sql', input = NULL;
END;
)sql";

constexpr const char* kPostgresRollouts = R"sql(
ALTER TABLE routes ADD COLUMN rollout TEXT;

CREATE TABLE rollouts (
  id             TEXT COLLATE "C" PRIMARY KEY,
  route          TEXT COLLATE "C" NOT NULL,
  candidate      TEXT COLLATE "C" NOT NULL,
  artifact       TEXT COLLATE "C" NOT NULL,
  phase          TEXT NOT NULL
    CHECK (phase IN ('running', 'paused', 'promoted', 'rolled_back', 'aborted')),
  start_revision BIGINT NOT NULL,
  revision       BIGINT NOT NULL,
  ended_at       BIGINT NOT NULL,
  body           TEXT NOT NULL
);
CREATE UNIQUE INDEX rollouts_running ON rollouts (route) WHERE phase IN ('running', 'paused');
CREATE UNIQUE INDEX rollouts_by_start ON rollouts (start_revision);
CREATE INDEX rollouts_by_route ON rollouts (route, artifact);

CREATE TABLE rollout_counts (
  rollout         TEXT COLLATE "C" NOT NULL REFERENCES rollouts (id),
  epoch           BIGINT NOT NULL,
  incarnation     TEXT COLLATE "C" NOT NULL,
  canary          BIGINT NOT NULL,
  units           BIGINT NOT NULL,
  requests        BIGINT NOT NULL,
  ineligible      BIGINT NOT NULL,
  errors          BIGINT NOT NULL,
  latency_p50     BIGINT NOT NULL,
  latency_p90     BIGINT NOT NULL,
  latency_p99     BIGINT NOT NULL,
  first_token_p50 BIGINT NOT NULL,
  first_token_p90 BIGINT NOT NULL,
  first_token_p99 BIGINT NOT NULL,
  cost_p50        BIGINT NOT NULL,
  cost_p90        BIGINT NOT NULL,
  cost_p99        BIGINT NOT NULL,
  PRIMARY KEY (rollout, epoch, incarnation, canary)
);

CREATE TABLE rollout_hits (
  rollout     TEXT COLLATE "C" NOT NULL REFERENCES rollouts (id),
  epoch       BIGINT NOT NULL,
  series      BIGINT NOT NULL,
  unit        BIGINT NOT NULL,
  incarnation TEXT COLLATE "C" NOT NULL,
  canary      BIGINT NOT NULL,
  first_rank  BIGINT NOT NULL,
  second_rank BIGINT NOT NULL,
  bad         BIGINT NOT NULL,
  seen        BIGINT NOT NULL,
  PRIMARY KEY (rollout, epoch, series, unit, incarnation)
);

CREATE TABLE rollout_leases (
  rollout  TEXT COLLATE "C" PRIMARY KEY REFERENCES rollouts (id),
  owner    TEXT NOT NULL,
  token    BIGINT NOT NULL,
  until_at BIGINT NOT NULL
);

CREATE TABLE rollout_verdicts (
  rollout  TEXT COLLATE "C" NOT NULL REFERENCES rollouts (id),
  number   BIGINT NOT NULL,
  at       BIGINT NOT NULL,
  decision TEXT NOT NULL,
  sentence TEXT NOT NULL,
  evidence TEXT NOT NULL,
  verdict  TEXT NOT NULL,
  PRIMARY KEY (rollout, number)
);

-- What the coins of a route are thrown for decides its calls.
DROP TRIGGER routes_changed ON routes;
CREATE TRIGGER routes_changed
  AFTER UPDATE OF policy, sticky_on, salt, canary_salt, rollout ON routes
  FOR EACH ROW
  WHEN ((OLD.policy, OLD.sticky_on, OLD.salt, OLD.canary_salt, OLD.rollout)
    IS DISTINCT FROM (NEW.policy, NEW.sticky_on, NEW.salt, NEW.canary_salt, NEW.rollout))
  EXECUTE FUNCTION podium_mark_of_route();
)sql";

}  // namespace

const Migration kRolloutsMigration = {"rollouts", kSqliteRollouts, kPostgresRollouts};

}  // namespace podium::store
