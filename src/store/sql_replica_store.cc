// SqlStore as a ReplicaStore. Each write may be run again after a commit whose answer was lost: it
// then finds its rows there.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/clock.h"
#include "base/limits.h"
#include "store/sql_store.h"

namespace podium::store {
namespace {

constexpr std::string_view kForgetVersions =
    "DELETE FROM replica_versions WHERE replica IN"
    " (SELECT id FROM replicas WHERE id = $1 OR heartbeat_at <= $2)";
constexpr std::string_view kForgetReplicas =
    "DELETE FROM replicas WHERE id = $1 OR heartbeat_at <= $2";
constexpr std::string_view kJoin =
    "INSERT INTO replicas (id, incarnation, address, build, applied_generation, ready, failed,"
    " joined_at, heartbeat_at) VALUES ($1, $2, $3, $4, 0, 0, 0, $5, $6)";
constexpr std::string_view kBeat =
    "UPDATE replicas SET address = $3, build = $4, applied_generation = $5, ready = $6,"
    " failed = $7, heartbeat_at = $8 WHERE id = $1 AND incarnation = $2 RETURNING 1";
constexpr std::string_view kReport =
    "INSERT INTO replica_versions (model_id, replica, state, error) VALUES ($1, $2, $3, $4)"
    " ON CONFLICT (model_id, replica) DO UPDATE SET state = excluded.state,"
    " error = excluded.error";
constexpr std::string_view kWithdraw =
    "DELETE FROM replica_versions WHERE model_id = $1 AND replica = $2";
constexpr std::string_view kIsMine = "SELECT 1 FROM replicas WHERE id = $1 AND incarnation = $2";
constexpr std::string_view kWithdrawAll = "DELETE FROM replica_versions WHERE replica = $1";
constexpr std::string_view kLeave = "DELETE FROM replicas WHERE id = $1";
constexpr std::string_view kReplicas =
    "SELECT id, incarnation, address, build, applied_generation, ready, failed, joined_at,"
    " heartbeat_at FROM replicas ORDER BY id";
constexpr std::string_view kReadiness =
    "SELECT r.id, r.incarnation, r.address, r.build, r.applied_generation, r.ready, r.failed,"
    " r.joined_at, r.heartbeat_at, v.state, v.error FROM replicas AS r"
    " LEFT JOIN replica_versions AS v ON v.replica = r.id AND v.model_id = $1 ORDER BY r.id";
constexpr std::string_view kFailed =
    "SELECT model_id, error FROM replica_versions WHERE replica = $1 AND state = 'failed'"
    " ORDER BY model_id LIMIT $2";
constexpr std::string_view kForgetWants = "DELETE FROM replica_wants WHERE until_at <= $1";
constexpr std::string_view kWant =
    "INSERT INTO replica_wants (model_id, until_at) VALUES ($1, $2) ON CONFLICT (model_id)"
    " DO UPDATE SET until_at = CASE WHEN replica_wants.until_at > excluded.until_at"
    " THEN replica_wants.until_at ELSE excluded.until_at END";
constexpr std::string_view kWanted =
    "SELECT model_id FROM replica_wants WHERE until_at > $1 ORDER BY model_id";

constexpr std::string_view kNewestBeat = "SELECT COALESCE(MAX(heartbeat_at), 0) FROM replicas";

// Never before the newest beat. A clock that was stepped back would otherwise make all that is in
// the table recent, and wake the dead; who dies while the clock catches up is found out by then.
// One that was stepped forward makes each of the others look dead until its next beat: at most
// limits::kReplicaHeartbeat.
Result<WallTime> NotBeforeNewestBeat(SqlConnection& connection, WallTime now) {
  Query newest(connection, kNewestBeat);
  PODIUM_TRY(newest.Next());
  return std::max(now, WallTimeOf(newest.Int(0)));
}

ReplicaRow RowOf(const Query& row, WallTime now) {
  ReplicaRow replica;
  replica.self = {row.Text(0), row.Text(1), row.Text(2), row.Text(3)};
  replica.applied = Generation(static_cast<std::uint64_t>(row.Int(4)));
  replica.ready = row.Int(5);
  replica.failed = row.Int(6);
  replica.joined_at = WallTimeOf(row.Int(7));
  replica.heartbeat_at = WallTimeOf(row.Int(8));
  replica.silence = std::max(now - replica.heartbeat_at, std::chrono::microseconds(0));
  return replica;
}

Status WriteReports(SqlConnection& connection, const ReplicaBeat& beat) {
  for (const ReplicaVersion& version : beat.reported) {
    PODIUM_TRY(Query(connection, kReport)
                   .Bind(version.id.get())
                   .Bind(beat.self.id)
                   .Bind(version.state == LoadState::kReady ? "ready" : "failed")
                   .Bind(version.error)
                   .Run());
  }
  for (const ModelId& id : beat.withdrawn) {
    PODIUM_TRY(Query(connection, kWithdraw).Bind(id.get()).Bind(beat.self.id).Run());
  }
  return {};
}

Result<bool> WriteBeat(SqlConnection& connection, const ReplicaBeat& beat, WallTime now) {
  Query query(connection, kBeat);
  query.Bind(beat.self.id)
      .Bind(beat.self.incarnation)
      .Bind(beat.self.address)
      .Bind(beat.self.build)
      .Bind(static_cast<std::int64_t>(beat.applied.get()))
      .Bind(beat.ready)
      .Bind(beat.failed)
      .Bind(MicrosOf(now));
  PODIUM_TRY_ASSIGN(const bool known, query.Next());
  if (known) PODIUM_TRY(query.Run());
  return known;
}

}  // namespace

Status SqlStore::Join(const ReplicaIdentity& self) {
  Writing writing;
  writing.turn = WriteTurn::kRecords;
  writing.work = [&](SqlConnection& connection) -> Result<bool> {
    PODIUM_TRY_ASSIGN(const WallTime clock, Now(connection));
    PODIUM_TRY_ASSIGN(const WallTime now, NotBeforeNewestBeat(connection, clock));
    const std::int64_t forgotten = MicrosOf(now - limits::kReplicaForgotten);
    PODIUM_TRY(Query(connection, kForgetVersions).Bind(self.id).Bind(forgotten).Run());
    PODIUM_TRY(Query(connection, kForgetReplicas).Bind(self.id).Bind(forgotten).Run());
    PODIUM_TRY(Query(connection, kJoin)
                   .Bind(self.id)
                   .Bind(self.incarnation)
                   .Bind(self.address)
                   .Bind(self.build)
                   .Bind(MicrosOf(now))
                   .Bind(MicrosOf(now))
                   .Run());
    return true;
  };
  return Write(writing);
}

Result<bool> SqlStore::Beat(const ReplicaBeat& beat) {
  PODIUM_ASSERT(beat.reported.size() <= limits::kReplicaReportBatch);
  PODIUM_ASSERT(beat.withdrawn.size() <= limits::kReplicaReportBatch);
  bool known = false;
  Writing writing;
  writing.turn = WriteTurn::kRecords;
  writing.work = [&](SqlConnection& connection) -> Result<bool> {
    PODIUM_TRY_ASSIGN(const WallTime clock, Now(connection));
    PODIUM_TRY_ASSIGN(const WallTime now, NotBeforeNewestBeat(connection, clock));
    PODIUM_TRY_ASSIGN(known, WriteBeat(connection, beat, now));
    if (known) PODIUM_TRY(WriteReports(connection, beat));
    return known;
  };
  PODIUM_TRY(Write(writing));
  return known;
}

Status SqlStore::Leave(const ReplicaIdentity& self) {
  Writing writing;
  writing.turn = WriteTurn::kRecords;
  writing.work = [&](SqlConnection& connection) -> Result<bool> {
    {
      Query mine(connection, kIsMine);
      PODIUM_TRY_ASSIGN(const bool found, mine.Bind(self.id).Bind(self.incarnation).Next());
      if (!found) return false;
    }
    PODIUM_TRY(Query(connection, kWithdrawAll).Bind(self.id).Run());
    PODIUM_TRY(Query(connection, kLeave).Bind(self.id).Run());
    return true;
  };
  return Write(writing);
}

Result<std::vector<ReplicaRow>> SqlStore::ReadReplicas() {
  return ReadValue<std::vector<ReplicaRow>>(
      [this](SqlConnection& connection) -> Result<std::vector<ReplicaRow>> {
        PODIUM_TRY_ASSIGN(const WallTime clock, Now(connection));
        PODIUM_TRY_ASSIGN(const WallTime now, NotBeforeNewestBeat(connection, clock));
        Query rows(connection, kReplicas);
        std::vector<ReplicaRow> replicas;
        while (true) {
          PODIUM_TRY_ASSIGN(const bool more, rows.Next());
          if (!more) return replicas;
          replicas.push_back(RowOf(rows, now));
        }
      });
}

Result<std::vector<ReplicaReadiness>> SqlStore::ReadReadiness(const ModelId& id) {
  return ReadValue<std::vector<ReplicaReadiness>>(
      [&](SqlConnection& connection) -> Result<std::vector<ReplicaReadiness>> {
        PODIUM_TRY_ASSIGN(const WallTime clock, Now(connection));
        PODIUM_TRY_ASSIGN(const WallTime now, NotBeforeNewestBeat(connection, clock));
        Query rows(connection, kReadiness);
        rows.Bind(id.get());
        std::vector<ReplicaReadiness> all;
        while (true) {
          PODIUM_TRY_ASSIGN(const bool more, rows.Next());
          if (!more) return all;
          ReplicaReadiness one{RowOf(rows, now), std::nullopt};
          if (const std::optional<std::string> state = rows.OptionalText(9)) {
            one.version = {id, *state == "ready" ? LoadState::kReady : LoadState::kFailed,
                           rows.Text(10)};
          }
          all.push_back(std::move(one));
        }
      });
}

Result<std::vector<ReplicaVersion>> SqlStore::ReadFailed(const std::string& replica) {
  return ReadValue<std::vector<ReplicaVersion>>(
      [&](SqlConnection& connection) -> Result<std::vector<ReplicaVersion>> {
        Query rows(connection, kFailed);
        rows.Bind(replica).Bind(std::int64_t{limits::kPageMax});
        std::vector<ReplicaVersion> failed;
        while (true) {
          PODIUM_TRY_ASSIGN(const bool more, rows.Next());
          if (!more) return failed;
          failed.push_back({ModelId(rows.Text(0)), LoadState::kFailed, rows.Text(1)});
        }
      });
}

Status SqlStore::Want(const ModelId& id, std::chrono::milliseconds patience) {
  Writing writing;
  writing.turn = WriteTurn::kRecords;
  writing.work = [&](SqlConnection& connection) -> Result<bool> {
    PODIUM_TRY_ASSIGN(const WallTime now, Now(connection));
    PODIUM_TRY(Query(connection, kForgetWants).Bind(MicrosOf(now)).Run());
    PODIUM_TRY(Query(connection, kWant).Bind(id.get()).Bind(MicrosOf(now + patience)).Run());
    return true;
  };
  return Write(writing);
}

Result<std::vector<ModelId>> SqlStore::ReadWanted() {
  return ReadValue<std::vector<ModelId>>(
      [this](SqlConnection& connection) -> Result<std::vector<ModelId>> {
        PODIUM_TRY_ASSIGN(const WallTime now, Now(connection));
        Query rows(connection, kWanted);
        rows.Bind(MicrosOf(now));
        std::vector<ModelId> ids;
        while (true) {
          PODIUM_TRY_ASSIGN(const bool more, rows.Next());
          if (!more) return ids;
          ids.emplace_back(rows.Text(0));
        }
      });
}

}  // namespace podium::store
