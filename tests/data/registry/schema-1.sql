PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT;
INSERT INTO schema_migrations VALUES(1,'spine',1795264867591738);
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
INSERT INTO routes VALUES('iris','','fixed','session','qjs74efqjs9a','dpbenakvb970',NULL,4,1795264867642785,1795264867673453,6);
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
INSERT INTO model_registry VALUES('iris.1','iris','iris','1','local','','file:55bc83040e3f536200d5d99addaeaba4ecfbf8e6edaa6d25526128c7db9b65f1.onnx','55bc83040e3f536200d5d99addaeaba4ecfbf8e6edaa6d25526128c7db9b65f1','onnx','primary','',0,'','{"auc":0.9}','{"team":"a"}','','','eager','',NULL,1795264867642785,1795264867670365,4,0);
INSERT INTO model_registry VALUES('iris.2','iris','iris','2','local','','file:55bc83040e3f536200d5d99addaeaba4ecfbf8e6edaa6d25526128c7db9b65f1.onnx','55bc83040e3f536200d5d99addaeaba4ecfbf8e6edaa6d25526128c7db9b65f1','onnx','canary','',1000,'','{"auc":0.9}','{"team":"a"}','','','eager','',NULL,1795264867654611,1795264867673453,6,0);
INSERT INTO model_registry VALUES('iris.3','iris','iris','3','local','','file:55bc83040e3f536200d5d99addaeaba4ecfbf8e6edaa6d25526128c7db9b65f1.onnx','55bc83040e3f536200d5d99addaeaba4ecfbf8e6edaa6d25526128c7db9b65f1','onnx','standby','',0,'','{"auc":0.9}','{"team":"a"}','','','eager','',NULL,1795264867660827,1795264867660827,3,0);
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
INSERT INTO registry_revision VALUES(1,0,6,'9b2377f9f2ab176ce035517eafe8c5c542f516c661588eedda94d82da318fe73',6,1795264867673453);
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
INSERT INTO model_promotions VALUES(1,'iris','register',NULL,'iris.1',0,0,NULL,'local','api','','ax9k04mk3hbdtc','{"route_salt":"qjs74efqjs9a"}',1795264867642785,'','699bf7702e7674dbd5076adc8037c6a3c43df5ddac273ac2ac688aa55052c803');
INSERT INTO model_promotions VALUES(2,'iris','register',NULL,'iris.2',0,0,NULL,'local','api','','rvqdbkeqym84yh','',1795264867654611,'699bf7702e7674dbd5076adc8037c6a3c43df5ddac273ac2ac688aa55052c803','b3a6a0463745bfbaa40fca5f0477a77e6316ae813d87dea4eb7eb674f9910a51');
INSERT INTO model_promotions VALUES(3,'iris','register',NULL,'iris.3',0,0,NULL,'local','api','','4bkgv83trh5q8w','',1795264867660827,'b3a6a0463745bfbaa40fca5f0477a77e6316ae813d87dea4eb7eb674f9910a51','683167ead608cbebf750f65d1a12521d0f43108f114b47d62f9b90ad41517565');
INSERT INTO model_promotions VALUES(4,'iris','activate',NULL,'iris.1',0,0,NULL,'local','api','','ebseft82w4m547','',1795264867670365,'683167ead608cbebf750f65d1a12521d0f43108f114b47d62f9b90ad41517565','abe2fd60def7afbf0f1df48c25286133c5101edc265e3ced0d885ce370e3c38d');
INSERT INTO model_promotions VALUES(5,'iris','ramp',NULL,'iris.2',0,500,NULL,'local','api','','cb1t8n6yeq8ww5','{"canary_salt":"dpbenakvb970"}',1795264867672004,'abe2fd60def7afbf0f1df48c25286133c5101edc265e3ced0d885ce370e3c38d','a26ecc6262f2f596a01ac6e7068525c7ff8267e1a8124cddee633a4ede7eb709');
INSERT INTO model_promotions VALUES(6,'iris','ramp','iris.2','iris.2',500,1000,NULL,'local','api','','achqr99v4rbvvw','',1795264867673453,'a26ecc6262f2f596a01ac6e7068525c7ff8267e1a8124cddee633a4ede7eb709','9b2377f9f2ab176ce035517eafe8c5c542f516c661588eedda94d82da318fe73');
CREATE TABLE event_outbox (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  revision INTEGER NOT NULL,
  type     TEXT NOT NULL,
  data     TEXT NOT NULL,
  at       INTEGER NOT NULL
) STRICT;
INSERT INTO event_outbox VALUES(1,1,'podium.version.registered','{"revision":1,"route":"iris","kind":"register","from":null,"to":"iris.1","traffic_pct_before":0.0,"traffic_pct_after":0.0,"undoes":null,"actor":"local","origin":"api","reason":"","request_id":"ax9k04mk3hbdtc","at":"2026-11-21T12:41:07.642785Z","head_hash":"699bf7702e7674dbd5076adc8037c6a3c43df5ddac273ac2ac688aa55052c803","audit_count":1}',1795264867642785);
INSERT INTO event_outbox VALUES(2,2,'podium.version.registered','{"revision":2,"route":"iris","kind":"register","from":null,"to":"iris.2","traffic_pct_before":0.0,"traffic_pct_after":0.0,"undoes":null,"actor":"local","origin":"api","reason":"","request_id":"rvqdbkeqym84yh","at":"2026-11-21T12:41:07.654611Z","head_hash":"b3a6a0463745bfbaa40fca5f0477a77e6316ae813d87dea4eb7eb674f9910a51","audit_count":2}',1795264867654611);
INSERT INTO event_outbox VALUES(3,3,'podium.version.registered','{"revision":3,"route":"iris","kind":"register","from":null,"to":"iris.3","traffic_pct_before":0.0,"traffic_pct_after":0.0,"undoes":null,"actor":"local","origin":"api","reason":"","request_id":"4bkgv83trh5q8w","at":"2026-11-21T12:41:07.660827Z","head_hash":"683167ead608cbebf750f65d1a12521d0f43108f114b47d62f9b90ad41517565","audit_count":3}',1795264867660827);
INSERT INTO event_outbox VALUES(4,4,'podium.version.activated','{"revision":4,"route":"iris","kind":"activate","from":null,"to":"iris.1","traffic_pct_before":0.0,"traffic_pct_after":0.0,"undoes":null,"actor":"local","origin":"api","reason":"","request_id":"ebseft82w4m547","at":"2026-11-21T12:41:07.670365Z","head_hash":"abe2fd60def7afbf0f1df48c25286133c5101edc265e3ced0d885ce370e3c38d","audit_count":4}',1795264867670365);
INSERT INTO event_outbox VALUES(5,5,'podium.canary.changed','{"revision":5,"route":"iris","kind":"ramp","from":null,"to":"iris.2","traffic_pct_before":0.0,"traffic_pct_after":5.0,"undoes":null,"actor":"local","origin":"api","reason":"","request_id":"cb1t8n6yeq8ww5","at":"2026-11-21T12:41:07.672004Z","head_hash":"a26ecc6262f2f596a01ac6e7068525c7ff8267e1a8124cddee633a4ede7eb709","audit_count":5}',1795264867672004);
INSERT INTO event_outbox VALUES(6,6,'podium.canary.changed','{"revision":6,"route":"iris","kind":"ramp","from":"iris.2","to":"iris.2","traffic_pct_before":5.0,"traffic_pct_after":10.0,"undoes":null,"actor":"local","origin":"api","reason":"","request_id":"achqr99v4rbvvw","at":"2026-11-21T12:41:07.673453Z","head_hash":"9b2377f9f2ab176ce035517eafe8c5c542f516c661588eedda94d82da318fe73","audit_count":6}',1795264867673453);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('event_outbox',6);
CREATE INDEX routes_by_revision ON routes (revision);
CREATE UNIQUE INDEX one_primary_per_route ON model_registry (model_type) WHERE status = 'primary';
CREATE UNIQUE INDEX one_canary_per_route ON model_registry (model_type) WHERE status = 'canary';
CREATE UNIQUE INDEX one_placement ON model_registry (model_type, name, version) WHERE deleted = 0;
CREATE INDEX model_registry_in_roles ON model_registry (model_type, created_at, model_id)
  WHERE status NOT IN ('standby', 'retired');
CREATE INDEX model_registry_by_age ON model_registry (model_type, created_at, model_id);
CREATE INDEX model_registry_by_revision ON model_registry (revision);
CREATE TRIGGER registry_revision_stays BEFORE DELETE ON registry_revision
BEGIN SELECT RAISE(ABORT, 'registry_revision has one row, always'); END;
CREATE TRIGGER registry_revision_grows BEFORE UPDATE ON registry_revision
WHEN NEW.epoch < OLD.epoch OR (NEW.epoch = OLD.epoch AND NEW.revision <= OLD.revision)
BEGIN SELECT RAISE(ABORT, 'the registry revision only grows'); END;
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
COMMIT;
