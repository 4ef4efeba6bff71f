// The index of predictions, and what turned out to be true of them. The key begins with the route,
// so that a comparison reads one stretch of the table; ids sort by time.
#include "store/migrations.h"

namespace podium::store {
namespace {

constexpr const char* kSqlitePredictions = R"sql(
CREATE TABLE prediction_index (
  route          TEXT NOT NULL,
  id             TEXT NOT NULL,
  request_id     TEXT NOT NULL,
  unit           TEXT NOT NULL,
  unit_kind      TEXT NOT NULL,
  assigned       TEXT NOT NULL,
  served         TEXT NOT NULL,
  arm            TEXT NOT NULL,
  reason         TEXT NOT NULL,
  propensity     TEXT NOT NULL,
  keep           TEXT NOT NULL,
  bucket         INTEGER NOT NULL,
  generation     INTEGER NOT NULL,
  outcome        TEXT NOT NULL,
  status         INTEGER NOT NULL,
  latency_us     INTEGER NOT NULL,
  cost_nano_usd  INTEGER,
  request_rows   INTEGER NOT NULL,
  scores         TEXT NOT NULL,
  replica        TEXT NOT NULL,
  segment        TEXT NOT NULL,
  segment_offset INTEGER NOT NULL,
  answered_at    INTEGER NOT NULL,
  PRIMARY KEY (route, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX prediction_index_by_id ON prediction_index (id);
CREATE INDEX prediction_index_by_request ON prediction_index (request_id);
CREATE INDEX prediction_index_by_unit ON prediction_index (unit, id);
CREATE INDEX prediction_index_of_failures ON prediction_index (route, id) WHERE outcome <> 'ok';

CREATE TABLE prediction_feedback (
  route       TEXT NOT NULL,
  request_id  TEXT NOT NULL,
  request_row INTEGER NOT NULL,
  label       TEXT,
  score       TEXT,
  prediction  TEXT,
  actor       TEXT NOT NULL,
  given_at    INTEGER NOT NULL,
  PRIMARY KEY (route, request_id, request_row)
) STRICT, WITHOUT ROWID;
CREATE INDEX prediction_feedback_by_time ON prediction_feedback (given_at);
)sql";

constexpr const char* kPostgresPredictions = R"sql(
CREATE TABLE prediction_index (
  route          TEXT COLLATE "C" NOT NULL,
  id             TEXT COLLATE "C" NOT NULL,
  request_id     TEXT COLLATE "C" NOT NULL,
  unit           TEXT COLLATE "C" NOT NULL,
  unit_kind      TEXT NOT NULL,
  assigned       TEXT NOT NULL,
  served         TEXT NOT NULL,
  arm            TEXT NOT NULL,
  reason         TEXT NOT NULL,
  propensity     TEXT NOT NULL,
  keep           TEXT NOT NULL,
  bucket         BIGINT NOT NULL,
  generation     BIGINT NOT NULL,
  outcome        TEXT NOT NULL,
  status         BIGINT NOT NULL,
  latency_us     BIGINT NOT NULL,
  cost_nano_usd  BIGINT,
  request_rows   BIGINT NOT NULL,
  scores         TEXT NOT NULL,
  replica        TEXT NOT NULL,
  segment        TEXT NOT NULL,
  segment_offset BIGINT NOT NULL,
  answered_at    BIGINT NOT NULL,
  PRIMARY KEY (route, id)
);
CREATE UNIQUE INDEX prediction_index_by_id ON prediction_index (id);
CREATE INDEX prediction_index_by_request ON prediction_index (request_id);
CREATE INDEX prediction_index_by_unit ON prediction_index (unit, id);
CREATE INDEX prediction_index_of_failures ON prediction_index (route, id) WHERE outcome <> 'ok';

CREATE TABLE prediction_feedback (
  route       TEXT COLLATE "C" NOT NULL,
  request_id  TEXT COLLATE "C" NOT NULL,
  request_row BIGINT NOT NULL,
  label       TEXT,
  score       TEXT,
  prediction  TEXT,
  actor       TEXT NOT NULL,
  given_at    BIGINT NOT NULL,
  PRIMARY KEY (route, request_id, request_row)
);
CREATE INDEX prediction_feedback_by_time ON prediction_feedback (given_at);
)sql";

}  // namespace

const Migration kPredictionsMigration = {"predictions", kSqlitePredictions, kPostgresPredictions};

}  // namespace podium::store
