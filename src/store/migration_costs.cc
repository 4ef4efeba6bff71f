// What calls have cost, and the prices that they were charged by. Amounts are whole nano-dollars:
// SQLite has no exact decimals. The columns in dollars are for those who read by SQL.
#include "store/migrations.h"

namespace podium::store {
namespace {

constexpr const char* kSqliteCosts = R"sql(
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

constexpr const char* kPostgresCosts = R"sql(
CREATE TABLE prices (
  price_id         BIGINT PRIMARY KEY,
  provider_key     TEXT NOT NULL,
  upstream_model   TEXT NOT NULL,
  effective_from   BIGINT NOT NULL,
  input            BIGINT NOT NULL CHECK (input >= 0),
  output           BIGINT NOT NULL CHECK (output >= 0),
  cache_read       BIGINT,
  cache_write_5m   BIGINT,
  cache_write_1h   BIGINT,
  audio_input      BIGINT,
  output_reasoning BIGINT,
  image            BIGINT,
  call             BIGINT,
  actor            TEXT NOT NULL,
  reason           TEXT NOT NULL,
  created_at       BIGINT NOT NULL
);
CREATE TRIGGER prices_no_update BEFORE UPDATE ON prices
  FOR EACH ROW EXECUTE FUNCTION podium_refuse('prices is append-only: add a row');
CREATE TRIGGER prices_no_delete BEFORE DELETE ON prices
  FOR EACH ROW EXECUTE FUNCTION podium_refuse('prices is append-only: add a row');
CREATE TRIGGER prices_no_truncate BEFORE TRUNCATE ON prices
  FOR EACH STATEMENT EXECUTE FUNCTION podium_refuse('prices is append-only: add a row');

CREATE TABLE cost_events (
  event_id         TEXT COLLATE "C" PRIMARY KEY,
  model_id         TEXT COLLATE "C" NOT NULL,
  version_id       TEXT NOT NULL,
  route            TEXT NOT NULL,
  provider_key     TEXT NOT NULL,
  upstream_model   TEXT NOT NULL,
  request_id       TEXT NOT NULL,
  user_id          TEXT NOT NULL,
  key_id           TEXT NOT NULL,
  workflow_run_id  TEXT NOT NULL,
  kind             TEXT NOT NULL,
  attempt          BIGINT NOT NULL,
  status           TEXT NOT NULL,
  uncached_input   BIGINT NOT NULL,
  cache_read       BIGINT NOT NULL,
  cache_write_5m   BIGINT NOT NULL,
  cache_write_1h   BIGINT NOT NULL,
  audio_input      BIGINT NOT NULL,
  output_text      BIGINT NOT NULL,
  output_reasoning BIGINT NOT NULL,
  images           BIGINT NOT NULL,
  calls            BIGINT NOT NULL,
  estimated        BIGINT NOT NULL,
  contradictory    BIGINT NOT NULL,
  cost_nano_usd    BIGINT,
  price_id         BIGINT,
  created_at       BIGINT NOT NULL,
  tokens_in        BIGINT GENERATED ALWAYS AS
    (uncached_input + cache_read + cache_write_5m + cache_write_1h + audio_input) STORED,
  tokens_out       BIGINT GENERATED ALWAYS AS (output_text + output_reasoning) STORED,
  cost_usd         NUMERIC(20, 9) GENERATED ALWAYS AS (cost_nano_usd * 0.000000001) STORED
);
CREATE INDEX cost_events_by_time ON cost_events (created_at);

CREATE TABLE model_daily_costs (
  model_id            TEXT COLLATE "C" NOT NULL,
  day                 TEXT COLLATE "C" NOT NULL,
  total_calls         BIGINT NOT NULL,
  total_cost_nano_usd BIGINT NOT NULL,
  total_tokens        BIGINT NOT NULL,
  unpriced_calls      BIGINT NOT NULL,
  total_cost_usd      NUMERIC(20, 9) GENERATED ALWAYS AS (total_cost_nano_usd * 0.000000001) STORED,
  PRIMARY KEY (model_id, day)
);
)sql";

}  // namespace

const Migration kCostsMigration = {"costs", kSqliteCosts, kPostgresCosts};

}  // namespace podium::store
