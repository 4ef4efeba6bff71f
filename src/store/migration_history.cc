// What each route decided by, generation by generation. A registry that was written before begins
// its history here. The triggers note every change of what decides, whoever made it, as a row
// without input: podium fills its own before it commits, and those that SQL made when it next reads
// them. A change by SQL that took no new revision counts from the present one.
#include "store/migrations.h"
#include "store/sql_history.h"

namespace podium::store {
namespace {

constexpr const char* kSqliteHistory = R"sql(
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

constexpr const char* kPostgresHistory = R"sql(
CREATE TABLE route_history (
  route    TEXT COLLATE "C" NOT NULL,
  revision BIGINT NOT NULL,
  at       BIGINT NOT NULL,
  source   TEXT NOT NULL CHECK (source IN ('podium', 'sql')),
  input    TEXT,
  PRIMARY KEY (route, revision)
);
CREATE INDEX route_history_by_revision ON route_history (revision);

CREATE TABLE route_history_start (
  id       BIGINT PRIMARY KEY CHECK (id = 1),
  revision BIGINT NOT NULL
);
INSERT INTO route_history_start SELECT 1, revision FROM registry_revision;
INSERT INTO route_history
  SELECT route, head.revision, head.committed_at, 'podium', NULL
  FROM routes CROSS JOIN registry_revision AS head;

CREATE FUNCTION podium_mark_route(changed TEXT, from_revision BIGINT, from_time BIGINT)
RETURNS void LANGUAGE sql SET search_path FROM CURRENT
AS $$
  INSERT INTO route_history
    SELECT changed, greatest(from_revision, revision), greatest(from_time, committed_at), 'sql',
      NULL
    FROM registry_revision
    ON CONFLICT (route, revision) DO UPDATE SET at = excluded.at, source = 'sql', input = NULL;
$$;

CREATE FUNCTION podium_mark_of_route() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$ BEGIN PERFORM podium_mark_route(NEW.route, NEW.revision, NEW.updated_at); RETURN NULL; END $$;
CREATE TRIGGER routes_added AFTER INSERT ON routes
  FOR EACH ROW EXECUTE FUNCTION podium_mark_of_route();
CREATE TRIGGER routes_changed AFTER UPDATE OF policy, sticky_on, salt, canary_salt ON routes
  FOR EACH ROW
  WHEN ((OLD.policy, OLD.sticky_on, OLD.salt, OLD.canary_salt)
    IS DISTINCT FROM (NEW.policy, NEW.sticky_on, NEW.salt, NEW.canary_salt))
  EXECUTE FUNCTION podium_mark_of_route();

CREATE FUNCTION podium_mark_of_version() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN PERFORM podium_mark_route(NEW.model_type, NEW.revision, NEW.updated_at); RETURN NULL; END $$;
CREATE TRIGGER versions_added AFTER INSERT ON model_registry
  FOR EACH ROW WHEN (NEW.status IN ('primary', 'canary', 'arm'))
  EXECUTE FUNCTION podium_mark_of_version();

CREATE FUNCTION podium_mark_of_changed_version() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
  IF OLD.status IN ('primary', 'canary', 'arm') OR NEW.status IN ('primary', 'canary', 'arm')
      OR EXISTS (SELECT 1 FROM route_arms
        WHERE route = NEW.model_type AND model_id = NEW.model_id) THEN
    PERFORM podium_mark_route(NEW.model_type, NEW.revision, NEW.updated_at);
  END IF;
  IF OLD.model_type <> NEW.model_type AND OLD.status IN ('primary', 'canary', 'arm') THEN
    PERFORM podium_mark_route(OLD.model_type, NEW.revision, NEW.updated_at);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER versions_changed
  AFTER UPDATE OF model_id, model_type, name, version, provider_key, status, traffic_bp, created_at,
    deleted ON model_registry
  FOR EACH ROW
  WHEN ((OLD.model_id, OLD.model_type, OLD.name, OLD.version, OLD.provider_key, OLD.status,
      OLD.traffic_bp, OLD.created_at, OLD.deleted)
    IS DISTINCT FROM (NEW.model_id, NEW.model_type, NEW.name, NEW.version, NEW.provider_key,
      NEW.status, NEW.traffic_bp, NEW.created_at, NEW.deleted))
  EXECUTE FUNCTION podium_mark_of_changed_version();

CREATE FUNCTION podium_mark_of_removed_version() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$ BEGIN PERFORM podium_mark_route(OLD.model_type, 0, 0); RETURN NULL; END $$;
CREATE TRIGGER versions_removed AFTER DELETE ON model_registry
  FOR EACH ROW WHEN (OLD.status IN ('primary', 'canary', 'arm'))
  EXECUTE FUNCTION podium_mark_of_removed_version();

-- Arms carry no revision: they are read again with their route, at the next one.
CREATE FUNCTION podium_mark_of_arm() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
  changed TEXT := CASE WHEN TG_OP = 'DELETE' THEN OLD.route ELSE NEW.route END;
BEGIN
  PERFORM podium_mark_route(changed, revision + 1, 0) FROM registry_revision;
  RETURN NULL;
END $$;
CREATE TRIGGER arms_marked AFTER INSERT OR UPDATE OR DELETE ON route_arms
  FOR EACH ROW EXECUTE FUNCTION podium_mark_of_arm();
)sql";

}  // namespace

const Migration kHistoryMigration = {"route_history", kSqliteHistory, kPostgresHistory,
                                     FillHistory};

}  // namespace podium::store
