// A number for the keys of each epoch of a rollout that grows with each write of them, so that who
// has read them need not read them again.
#include "store/migrations.h"

namespace podium::store {
namespace {

constexpr const char* kSqliteVersions = R"sql(
CREATE TABLE rollout_key_versions (
  rollout TEXT NOT NULL REFERENCES rollouts (id),
  epoch   INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (rollout, epoch)
) STRICT, WITHOUT ROWID;
)sql";

constexpr const char* kPostgresVersions = R"sql(
CREATE TABLE rollout_key_versions (
  rollout TEXT COLLATE "C" NOT NULL REFERENCES rollouts (id),
  epoch   BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (rollout, epoch)
);
)sql";

}  // namespace

const Migration kRolloutVersionsMigration = {"rollout_key_versions", kSqliteVersions,
                                             kPostgresVersions};

}  // namespace podium::store
