// SqlStore as a RolloutStore. Leases, evidence and looks wait for no change of the registry; each
// write may be run again after a commit whose answer was lost: it then finds its rows there.
#include <limits>
#include <set>
#include <utility>

#include "base/clock.h"
#include "base/limits.h"
#include "store/cursor.h"
#include "store/sql_rollouts.h"
#include "store/sql_row_lists.h"
#include "store/sql_store.h"

namespace podium::store {
namespace {

// The row stays for good, so that tokens only grow. A lease that ends later than anybody can have
// asked for is of a clock that was stepped back since: whoever waits for it waits for nobody.
constexpr std::string_view kTakeLease =
    "INSERT INTO rollout_leases (rollout, owner, token, until_at) VALUES ($1, $2, 1, $3)"
    " ON CONFLICT (rollout) DO UPDATE SET"
    " token = rollout_leases.token"
    " + CASE WHEN rollout_leases.owner = excluded.owner THEN 0 ELSE 1 END,"
    " owner = excluded.owner, until_at = excluded.until_at"
    " WHERE rollout_leases.owner = excluded.owner OR rollout_leases.until_at <= $4"
    " OR rollout_leases.until_at > $5 RETURNING token";
constexpr std::string_view kGiveUpLease =
    "UPDATE rollout_leases SET owner = '', until_at = 0 WHERE rollout = $1 AND owner = $2";
constexpr std::string_view kLeaseOf =
    "SELECT l.owner, l.token, l.until_at FROM rollout_leases AS l"
    " JOIN rollouts AS r ON r.id = l.rollout WHERE l.rollout = $1 AND l.owner <> ''"
    " AND l.until_at > $2 AND r.phase IN ('running', 'paused')";
constexpr std::string_view kCountHits =
    "SELECT count(*) FROM rollout_hits WHERE rollout = $1 AND epoch = $2 AND series = $3";
constexpr std::string_view kOldHits =
    "DELETE FROM rollout_hits WHERE rollout = $1 AND (epoch, series, unit, incarnation) IN"
    " (SELECT epoch, series, unit, incarnation FROM rollout_hits WHERE rollout = $1 LIMIT $2)"
    " RETURNING 1";
constexpr std::string_view kRolloutWithOldHits =
    "SELECT id FROM rollouts AS r WHERE ended_at > 0 AND ended_at < $1"
    " AND EXISTS (SELECT 1 FROM rollout_hits AS h WHERE h.rollout = r.id) LIMIT 1";

Failure NoRollout(const RolloutId& id) {
  return Fail(ErrorCode::kNotFound, "there is no rollout {}", id.get());
}

Result<Rollout> ReadKnown(SqlConnection& connection, const RolloutId& id) {
  PODIUM_TRY_ASSIGN(std::optional<Rollout> rollout, ReadRolloutRow(connection, id));
  if (!rollout) return NoRollout(id);
  return std::move(*rollout);
}

Result<std::optional<RolloutLease>> TakeLeaseRow(SqlConnection& connection, const RolloutId& id,
                                                 const std::string& owner,
                                                 std::chrono::milliseconds duration, WallTime now) {
  RolloutLease lease{owner, 0, now + duration};
  Query query(connection, kTakeLease);
  query.Bind(id.get())
      .Bind(owner)
      .Bind(MicrosOf(lease.until))
      .Bind(MicrosOf(now))
      .Bind(MicrosOf(now + 2 * duration));
  PODIUM_TRY_ASSIGN(const bool taken, query.Next());
  if (!taken) return std::optional<RolloutLease>();
  lease.token = query.Int(0);
  PODIUM_TRY(query.Run());
  return std::optional(std::move(lease));
}

/// How far a batch of evidence has come, over its transactions.
struct EvidenceProgress {
  std::size_t counts = 0;
  std::size_t hits = 0;
};

template <typename Row>
std::vector<Row> OfRunning(std::span<const Row> rows, const std::set<RolloutId>& running) {
  std::vector<Row> kept;
  for (const Row& row : rows) {
    if (running.contains(row.rollout)) kept.push_back(row);
  }
  return kept;
}

}  // namespace

Result<Rollout> SqlStore::FindRollout(const RolloutId& id) {
  return ReadValue<Rollout>([&id](SqlConnection& connection) { return ReadKnown(connection, id); });
}

Result<Page<Rollout>> SqlStore::ListRollouts(const RolloutQuery& query) {
  PODIUM_TRY(CheckPageLimit(query.limit));
  Revision before(std::numeric_limits<std::int64_t>::max());
  if (!query.cursor.empty()) {
    PODIUM_TRY_ASSIGN(before, DecodeRolloutCursor(query.cursor));
  }
  return ReadValue<Page<Rollout>>(
      [&](SqlConnection& connection) { return ReadRolloutPage(connection, query, before); });
}

Result<std::optional<RolloutLease>> SqlStore::TakeLease(const RolloutId& id,
                                                        const std::string& owner,
                                                        std::chrono::milliseconds duration) {
  std::optional<RolloutLease> lease;
  Writing writing;
  writing.turn = WriteTurn::kRecords;
  writing.work = [&](SqlConnection& connection) -> Result<bool> {
    lease.reset();
    PODIUM_TRY_ASSIGN(const std::optional<RolloutPhase> phase, ReadPhase(connection, id));
    if (!phase) return NoRollout(id);
    if (HasEnded(*phase)) return false;
    PODIUM_TRY_ASSIGN(const WallTime now, Now(connection));
    PODIUM_TRY_ASSIGN(lease, TakeLeaseRow(connection, id, owner, duration, now));
    return lease.has_value();
  };
  PODIUM_TRY(Write(writing));
  return lease;
}

Result<std::optional<RolloutLease>> SqlStore::FindLease(const RolloutId& id) {
  using Lease = std::optional<RolloutLease>;
  return ReadValue<Lease>([&](SqlConnection& connection) -> Result<Lease> {
    PODIUM_TRY_ASSIGN(const WallTime now, Now(connection));
    Query row(connection, kLeaseOf);
    PODIUM_TRY_ASSIGN(const bool found, row.Bind(id.get()).Bind(MicrosOf(now)).Next());
    if (!found) return Lease();
    return Lease(RolloutLease{row.Text(0), row.Int(1), WallTimeOf(row.Int(2))});
  });
}

Status SqlStore::GiveUpLease(const RolloutId& id, const std::string& owner) {
  Writing writing;
  writing.turn = WriteTurn::kRecords;
  writing.work = [&](SqlConnection& connection) -> Result<bool> {
    PODIUM_TRY(Query(connection, kGiveUpLease).Bind(id.get()).Bind(owner).Run());
    return true;
  };
  return Write(writing);
}

Status SqlStore::RecordEvidence(std::span<const RolloutCount> counts,
                                std::span<const RolloutHit> hits) {
  const std::vector<RolloutHit> merged = MergedHits(hits);
  EvidenceProgress done;
  while (done.counts < counts.size() || done.hits < merged.size()) {
    EvidenceProgress next;
    Writing writing;
    writing.turn = WriteTurn::kRecords;
    writing.work = [&](SqlConnection& connection) -> Result<bool> {
      next = done;
      const SteadyTime deadline = clock_.SteadyNow() + limits::kRecordTransaction;
      PODIUM_TRY_ASSIGN(const std::set<RolloutId> running, ReadRunningIds(connection));
      bool wrote = false;
      std::set<std::pair<RolloutId, std::uint32_t>> raised;
      for (; next.counts < counts.size(); ++next.counts) {
        if (!running.contains(counts[next.counts].rollout)) continue;
        PODIUM_TRY(WriteCount(connection, counts[next.counts]));
        wrote = true;
      }
      while (next.hits < merged.size() && (!wrote || clock_.SteadyNow() < deadline)) {
        // A slice of the keys: all of it, if any, goes into one statement or a few.
        const std::span<const RolloutHit> slice = std::span(merged).subspan(
            next.hits, std::min(merged.size() - next.hits, limits::kEvidenceSlice));
        const std::vector<RolloutHit> kept = OfRunning(slice, running);
        for (const RolloutHit& hit : kept) {  // Sorted, so that no two wait for each other.
          if (!raised.emplace(hit.rollout, hit.epoch).second) continue;
          PODIUM_TRY(RaiseVersion(connection, hit.rollout, hit.epoch));
        }
        std::span<const RolloutHit> left = kept;
        while (!left.empty()) {
          PODIUM_TRY_ASSIGN(const std::size_t written, WriteSomeHits(connection, left));
          left = left.subspan(written);
          wrote = true;
        }
        next.hits += slice.size();
      }
      return wrote;
    };
    PODIUM_TRY(Write(writing));
    done = next;
  }
  return {};
}

Result<RolloutEvidence> SqlStore::ReadEvidence(const RolloutId& id, const EpochVersions& known) {
  return ReadValue<RolloutEvidence>([&](SqlConnection& connection) -> Result<RolloutEvidence> {
    PODIUM_TRY_ASSIGN(const Transaction view,
                      Transaction::Begin(connection, Transaction::Kind::kRead));
    RolloutEvidence evidence;
    PODIUM_TRY_ASSIGN(evidence.rollout, ReadKnown(connection, id));
    PODIUM_TRY_ASSIGN(evidence.counts, ReadCounts(connection, id));
    PODIUM_TRY(ReadKeys(connection, known, evidence));
    PODIUM_TRY_ASSIGN(evidence.now, Now(connection));
    return evidence;
  });
}

Result<std::uint64_t> SqlStore::CountHits(const RolloutId& id, std::uint32_t epoch,
                                          std::uint32_t series) {
  return ReadValue<std::uint64_t>([&](SqlConnection& connection) -> Result<std::uint64_t> {
    Query row(connection, kCountHits);
    row.Bind(id.get()).Bind(std::int64_t{epoch}).Bind(std::int64_t{series});
    PODIUM_TRY_ASSIGN(const bool found, row.Next());
    return found ? static_cast<std::uint64_t>(row.Int(0)) : 0;
  });
}

Status SqlStore::KeepLook(const RolloutVerdict& verdict, const LookPin& pin) {
  Writing writing;
  writing.turn = WriteTurn::kRecords;
  writing.work = [&](SqlConnection& connection) -> Result<bool> {
    PODIUM_TRY(CheckPin(connection, verdict.rollout, pin));
    RolloutVerdict look = verdict;
    look.number = 0;
    PODIUM_TRY_ASSIGN(look.at, Now(connection));
    PODIUM_TRY(WriteVerdict(connection, look));
    return true;
  };
  return Write(writing);
}

Result<LatestVerdicts> SqlStore::ReadLatestVerdicts(const RolloutId& id) {
  return ReadValue<LatestVerdicts>(
      [&id](SqlConnection& connection) { return ReadLatestRows(connection, id); });
}

Result<VerdictPage> SqlStore::ReadVerdictPage(const RolloutId& id, const VerdictQuery& query) {
  PODIUM_TRY(CheckPageLimit(query.limit));
  return ReadValue<VerdictPage>(
      [&](SqlConnection& connection) { return ReadVerdictRows(connection, id, query); });
}

Result<std::size_t> SqlStore::DropRolloutHits(WallTime ended_before) {
  std::size_t dropped = 0;
  Writing writing;
  writing.turn = WriteTurn::kRecords;
  writing.work = [&](SqlConnection& connection) -> Result<bool> {
    dropped = 0;
    std::string id;
    {
      Query oldest(connection, kRolloutWithOldHits);
      PODIUM_TRY_ASSIGN(const bool found, oldest.Bind(MicrosOf(ended_before)).Next());
      if (!found) return false;
      id = oldest.Text(0);
    }
    Query drop(connection, kOldHits);
    drop.Bind(id).Bind(static_cast<std::int64_t>(limits::kEvidenceSlice));
    PODIUM_TRY_ASSIGN(dropped, CountRows(drop));
    return dropped > 0;
  };
  PODIUM_TRY(Write(writing));
  return dropped;
}

}  // namespace podium::store
