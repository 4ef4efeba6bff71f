#include "store/sql_rollouts.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "base/clock.h"
#include "domain/rollout_json.h"
#include "store/cursor.h"

namespace podium::store {
namespace {

#define PODIUM_RUNNING "phase IN ('running', 'paused')"
#define PODIUM_SERIES                                                                 \
  "errors, latency_p50, latency_p90, latency_p99, first_token_p50, first_token_p90, " \
  "first_token_p99, cost_p50, cost_p90, cost_p99"
#define PODIUM_HIT_COLUMNS \
  "rollout, epoch, series, unit, incarnation, canary, first_rank, second_rank, bad, seen"

constexpr std::string_view kRolloutById = "SELECT id, phase, body FROM rollouts WHERE id = $1";
constexpr std::string_view kPhaseById = "SELECT phase FROM rollouts WHERE id = $1";
constexpr std::string_view kRunningOfRoute =
    "SELECT id, phase, body FROM rollouts WHERE route = $1 AND " PODIUM_RUNNING;
constexpr std::string_view kRunningIds = "SELECT id FROM rollouts WHERE " PODIUM_RUNNING;
constexpr std::string_view kRolloutPage =
    "SELECT id, phase, body, start_revision FROM rollouts WHERE ($1 = '' OR route = $1)"
    " AND start_revision < $2 ORDER BY start_revision DESC LIMIT $3";
// Apart, so that the small index of those that run answers it: replicas ask every second.
constexpr std::string_view kRunningPage =
    "SELECT id, phase, body, start_revision FROM rollouts WHERE ($1 = '' OR route = $1)"
    " AND start_revision < $2 AND " PODIUM_RUNNING " ORDER BY start_revision DESC LIMIT $3";
constexpr std::string_view kEarlierAttempts =
    "SELECT count(*) FROM rollouts WHERE route = $1 AND artifact = $2";
constexpr std::string_view kLeaseToken = "SELECT token FROM rollout_leases WHERE rollout = $1";
constexpr std::string_view kNewestVerdict =
    "SELECT coalesce(max(number), 0) FROM rollout_verdicts WHERE rollout = $1";
constexpr std::string_view kInsertRollout =
    "INSERT INTO rollouts (id, route, candidate, artifact, phase, start_revision, revision,"
    " ended_at, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
constexpr std::string_view kUpdateRollout =
    "UPDATE rollouts SET phase = $2, revision = $3, ended_at = $4, body = $5 WHERE id = $1";
constexpr std::string_view kUpsertVerdict =
    "INSERT INTO rollout_verdicts (rollout, number, at, decision, sentence, evidence, verdict)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (rollout, number) DO UPDATE SET"
    " at = excluded.at, decision = excluded.decision, sentence = excluded.sentence,"
    " evidence = excluded.evidence, verdict = excluded.verdict";
#define PODIUM_VERDICT \
  "SELECT number, at, decision, sentence, evidence, verdict FROM rollout_verdicts"
constexpr std::string_view kLatestVerdicts = PODIUM_VERDICT
    " WHERE rollout = $1 AND (number = 0 OR number ="
    " (SELECT max(number) FROM rollout_verdicts WHERE rollout = $1)) ORDER BY number";
constexpr std::string_view kNextVerdict =
    PODIUM_VERDICT " WHERE rollout = $1 AND number > $2 ORDER BY number LIMIT 1";
#undef PODIUM_VERDICT

// Numbers are cumulative: what comes late, or twice, never lowers one.
#define PODIUM_MORE(column)                                          \
  column " = CASE WHEN rollout_counts." column " > excluded." column \
         " THEN rollout_counts." column " ELSE excluded." column " END"
constexpr std::string_view kUpsertCount =
    "INSERT INTO rollout_counts (rollout, epoch, incarnation, canary, units, requests,"
    " ineligible, " PODIUM_SERIES
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
    " ON CONFLICT (rollout, epoch, incarnation, canary) DO UPDATE SET "
    PODIUM_MORE("units") ", " PODIUM_MORE("requests") ", " PODIUM_MORE("ineligible") ", "
    PODIUM_MORE("errors") ", " PODIUM_MORE("latency_p50") ", " PODIUM_MORE("latency_p90") ", "
    PODIUM_MORE("latency_p99") ", " PODIUM_MORE("first_token_p50") ", "
    PODIUM_MORE("first_token_p90") ", " PODIUM_MORE("first_token_p99") ", "
    PODIUM_MORE("cost_p50") ", " PODIUM_MORE("cost_p90") ", " PODIUM_MORE("cost_p99");
constexpr std::string_view kCountsOf =
    "SELECT epoch, incarnation, canary, units, requests, ineligible, " PODIUM_SERIES
    " FROM rollout_counts WHERE rollout = $1 ORDER BY epoch, incarnation, canary";

// A rank falls where the outcome of an earlier request comes in later.
constexpr std::string_view kUnlessLess =
    " ON CONFLICT (rollout, epoch, series, unit, incarnation) DO UPDATE SET"
    " first_rank = CASE WHEN rollout_hits.first_rank < excluded.first_rank"
    " THEN rollout_hits.first_rank ELSE excluded.first_rank END,"
    " second_rank = CASE WHEN rollout_hits.second_rank < excluded.second_rank"
    " THEN rollout_hits.second_rank ELSE excluded.second_rank END,"
    " bad = CASE WHEN rollout_hits.bad > excluded.bad"
    " THEN rollout_hits.bad ELSE excluded.bad END,"
    " seen = CASE WHEN rollout_hits.seen > excluded.seen"
    " THEN rollout_hits.seen ELSE excluded.seen END";
constexpr std::string_view kHitsOf =
    "SELECT " PODIUM_HIT_COLUMNS
    " FROM rollout_hits WHERE rollout = $1 AND epoch = $2 ORDER BY series, unit, incarnation";
constexpr std::string_view kVersionsOf =
    "SELECT epoch, version FROM rollout_key_versions WHERE rollout = $1";
constexpr std::string_view kRaiseVersion =
    "INSERT INTO rollout_key_versions (rollout, epoch, version) VALUES ($1, $2, 1)"
    " ON CONFLICT (rollout, epoch) DO UPDATE SET version = rollout_key_versions.version + 1";
constexpr std::string_view kPinOf =
    "SELECT r.revision, coalesce(l.token, 0) FROM rollouts AS r"
    " LEFT JOIN rollout_leases AS l ON l.rollout = r.id WHERE r.id = $1";
constexpr std::size_t kHitColumns = 10;
constexpr std::array<std::size_t, 3> kHitBatches = {100, 10, 1};

#undef PODIUM_MORE
#undef PODIUM_HIT_COLUMNS
#undef PODIUM_SERIES
#undef PODIUM_RUNNING

// Counts beyond it are none that anybody has counted.
std::int64_t Signed(std::uint64_t count) { return static_cast<std::int64_t>(count); }
std::uint64_t Unsigned(std::int64_t count) { return static_cast<std::uint64_t>(count); }
std::uint32_t Small(std::int64_t count) { return static_cast<std::uint32_t>(count); }

// The column counts: that is where people end one by SQL.
Result<Rollout> ReadRolloutColumns(const Query& row) {
  Result<Rollout> rollout = RolloutFromText(row.Text(2));
  const std::optional<RolloutPhase> phase = ParseRolloutPhase(row.Text(1));
  if (rollout && phase) {
    rollout->phase = *phase;
    return rollout;
  }
  return Fail(ErrorCode::kUnprocessable,
              "the row of rollout {} cannot be read ({}): set its phase to 'aborted' by SQL",
              row.Text(0), rollout ? "phase " + row.Text(1) : Describe(rollout.error()));
}

Result<std::int64_t> NumberOf(Query& query) {
  PODIUM_TRY_ASSIGN(const bool found, query.Next());
  return found ? query.Int(0) : 0;
}

Status ReadRunning(SqlConnection& connection, RouteSnapshot& state, std::vector<RowFault>& faults) {
  Query query(connection, kRunningOfRoute);
  query.Bind(state.route->name.get());
  PODIUM_TRY_ASSIGN(const bool found, query.Next());
  if (!found) {
    state.route->rollout.reset();
    return {};
  }
  if (Result<Rollout> rollout = ReadRolloutColumns(query)) {
    state.rollout = std::move(*rollout);
  } else {
    faults.push_back({"rollouts", query.Text(0), rollout.error().message});
    const RolloutId id(query.Text(0));
    if (state.route->rollout && state.route->rollout->id == id) return {};
    state.route->rollout = RolloutMark{id, 0, SplitUnit::kRoute, {}};
    state.mark_made_up = true;
  }
  return {};
}

RolloutVerdict VerdictFrom(const Query& row, const RolloutId& id) {
  return {id,          row.Int(0), WallTimeOf(row.Int(1)), row.Text(2), row.Text(3),
          row.Text(4), row.Text(5)};
}

auto KeyOf(const RolloutHit& hit) {
  return std::tie(hit.rollout, hit.epoch, hit.series, hit.unit, hit.incarnation);
}

// "INSERT … VALUES ($1, …), ($11, …) …".
std::string MakeHitsText(std::size_t rows) {
  std::string text =
      "INSERT INTO rollout_hits (rollout, epoch, series, unit, incarnation, canary, first_rank,"
      " second_rank, bad, seen) VALUES ";
  for (std::size_t row = 0; row < rows; ++row) {
    text += row == 0 ? "(" : ", (";
    for (std::size_t column = 1; column <= kHitColumns; ++column) {
      text += fmt::format("{}${}", column == 1 ? "" : ", ", row * kHitColumns + column);
    }
    text += ")";
  }
  text += kUnlessLess;
  return text;
}

// Each text is made once: few sizes, so that few statements are prepared.
const std::string& HitsText(std::size_t rows) {
  static const auto kTexts = [] {
    std::map<std::size_t, std::string> texts;
    for (const std::size_t size : kHitBatches) texts.emplace(size, MakeHitsText(size));
    return texts;
  }();
  return kTexts.at(rows);
}

Status ReadHits(SqlConnection& connection, const RolloutId& id, std::uint32_t epoch,
                std::vector<RolloutHit>& hits) {
  Query row(connection, kHitsOf);
  row.Bind(id.get()).Bind(std::int64_t{epoch});
  while (true) {
    PODIUM_TRY_ASSIGN(const bool more, row.Next());
    if (!more) return {};
    RolloutHit& hit = hits.emplace_back();
    hit.rollout = id;
    hit.epoch = Small(row.Int(1));
    hit.series = Small(row.Int(2));
    hit.unit = Unsigned(row.Int(3));
    hit.incarnation = row.Text(4);
    hit.canary = row.Int(5) != 0;
    hit.first_rank = Small(row.Int(6));
    hit.second_rank = Small(row.Int(7));
    hit.bad = Small(row.Int(8));
    hit.seen = Small(row.Int(9));
  }
}

}  // namespace

Result<std::optional<Rollout>> ReadRolloutRow(SqlConnection& connection, const RolloutId& id) {
  Query query(connection, kRolloutById);
  query.Bind(id.get());
  PODIUM_TRY_ASSIGN(const bool found, query.Next());
  if (!found) return std::optional<Rollout>();
  PODIUM_TRY_ASSIGN(Rollout rollout, ReadRolloutColumns(query));
  return std::optional(std::move(rollout));
}

Result<std::optional<RolloutPhase>> ReadPhase(SqlConnection& connection, const RolloutId& id) {
  Query query(connection, kPhaseById);
  query.Bind(id.get());
  PODIUM_TRY_ASSIGN(const bool found, query.Next());
  if (!found) return std::optional<RolloutPhase>();
  return ParseRolloutPhase(query.Text(0));
}

Result<Page<Rollout>> ReadRolloutPage(SqlConnection& connection, const RolloutQuery& query,
                                      Revision before) {
  Query rows(connection, query.running_only ? kRunningPage : kRolloutPage);
  rows.Bind(query.route ? query.route->get() : "")
      .Bind(before.get())
      .Bind(std::int64_t{query.limit} + 1);
  Page<Rollout> page;
  for (int row = 0; true; ++row) {
    PODIUM_TRY_ASSIGN(const bool more, rows.Next());
    if (!more) return page;
    if (row == query.limit) break;
    before = Revision(rows.Int(3));
    // A row that cannot be read is reported where the route is changed; a list goes on without it.
    if (Result<Rollout> rollout = ReadRolloutColumns(rows)) {
      page.items.push_back(std::move(*rollout));
    } else {
      page.unread.push_back(rows.Text(0));
    }
  }
  page.next_cursor = EncodeRolloutCursor(before);
  return page;
}

Status ReadRolloutsOf(SqlConnection& connection, const Subject& subject, RouteSnapshot& state,
                      std::vector<RowFault>& faults) {
  if (!state.route) return {};
  PODIUM_TRY(ReadRunning(connection, state, faults));
  if (!subject.rollout.get().empty()) {
    PODIUM_TRY_ASSIGN(state.named_rollout, ReadRolloutRow(connection, subject.rollout));
    Query token(connection, kLeaseToken);
    PODIUM_TRY_ASSIGN(state.lease_token, NumberOf(token.Bind(subject.rollout.get())));
    Query newest(connection, kNewestVerdict);
    PODIUM_TRY_ASSIGN(state.verdicts, NumberOf(newest.Bind(subject.rollout.get())));
  }
  if (!subject.attempts || !state.named) return {};
  Query attempts(connection, kEarlierAttempts);
  attempts.Bind(state.route->name.get()).Bind(ArtifactOf(*state.named));
  PODIUM_TRY_ASSIGN(const std::int64_t earlier, NumberOf(attempts));
  state.earlier_attempts = static_cast<int>(earlier);
  return {};
}

Status WriteRollout(SqlConnection& connection, const Changes& changes) {
  if (!changes.rollout) return {};
  const Rollout& rollout = *changes.rollout;
  if (changes.artifact.empty()) {
    PODIUM_TRY(Query(connection, kUpdateRollout)
                   .Bind(rollout.id.get())
                   .Bind(NameOf(rollout.phase))
                   .Bind(rollout.revision.get())
                   .Bind(MicrosOf(rollout.ended_at))
                   .Bind(RolloutToText(rollout))
                   .Run());
  } else {
    PODIUM_TRY(Query(connection, kInsertRollout)
                   .Bind(rollout.id.get())
                   .Bind(rollout.route.get())
                   .Bind(rollout.candidate.get())
                   .Bind(changes.artifact)
                   .Bind(NameOf(rollout.phase))
                   .Bind(rollout.revision.get())
                   .Bind(rollout.revision.get())
                   .Bind(MicrosOf(rollout.ended_at))
                   .Bind(RolloutToText(rollout))
                   .Run());
  }
  if (!changes.verdict) return {};
  return WriteVerdict(connection, *changes.verdict);
}

Result<std::set<RolloutId>> ReadRunningIds(SqlConnection& connection) {
  Query query(connection, kRunningIds);
  std::set<RolloutId> ids;
  while (true) {
    PODIUM_TRY_ASSIGN(const bool more, query.Next());
    if (!more) return ids;
    ids.insert(RolloutId(query.Text(0)));
  }
}

Status WriteCount(SqlConnection& connection, const RolloutCount& count) {
  Query query(connection, kUpsertCount);
  query.Bind(count.rollout.get())
      .Bind(std::int64_t{count.epoch})
      .Bind(count.incarnation)
      .Bind(std::int64_t{count.canary})
      .Bind(Signed(count.units))
      .Bind(Signed(count.requests))
      .Bind(Signed(count.ineligible));
  for (const std::uint64_t bad : count.bad) query.Bind(Signed(bad));
  return query.Run();
}

std::vector<RolloutHit> MergedHits(std::span<const RolloutHit> hits) {
  std::vector<RolloutHit> sorted(hits.begin(), hits.end());
  std::sort(sorted.begin(), sorted.end(),
            [](const RolloutHit& a, const RolloutHit& b) { return KeyOf(a) < KeyOf(b); });
  std::vector<RolloutHit> merged;
  for (RolloutHit& hit : sorted) {
    if (merged.empty() || KeyOf(merged.back()) != KeyOf(hit)) {
      merged.push_back(std::move(hit));
      continue;
    }
    RolloutHit& kept = merged.back();
    kept.first_rank = std::min(kept.first_rank, hit.first_rank);
    kept.second_rank = std::min(kept.second_rank, hit.second_rank);
    kept.bad = std::max(kept.bad, hit.bad);
    kept.seen = std::max(kept.seen, hit.seen);
  }
  return merged;
}

Result<std::size_t> WriteSomeHits(SqlConnection& connection, std::span<const RolloutHit> hits) {
  const std::size_t size =
      *std::ranges::find_if(kHitBatches, [&](std::size_t one) { return one <= hits.size(); });
  Query query(connection, HitsText(size));
  for (const RolloutHit& hit : hits.first(size)) {
    query.Bind(hit.rollout.get())
        .Bind(std::int64_t{hit.epoch})
        .Bind(std::int64_t{hit.series})
        .Bind(Signed(hit.unit))
        .Bind(hit.incarnation)
        .Bind(std::int64_t{hit.canary})
        .Bind(std::int64_t{hit.first_rank})
        .Bind(std::int64_t{hit.second_rank})
        .Bind(std::int64_t{hit.bad})
        .Bind(std::int64_t{hit.seen});
  }
  PODIUM_TRY(query.Run());
  return size;
}

Result<std::vector<RolloutCount>> ReadCounts(SqlConnection& connection, const RolloutId& id) {
  Query row(connection, kCountsOf);
  row.Bind(id.get());
  std::vector<RolloutCount> counts;
  while (true) {
    PODIUM_TRY_ASSIGN(const bool more, row.Next());
    if (!more) return counts;
    RolloutCount& count = counts.emplace_back();
    count.rollout = id;
    count.epoch = Small(row.Int(0));
    count.incarnation = row.Text(1);
    count.canary = row.Int(2) != 0;
    count.units = Unsigned(row.Int(3));
    count.requests = Unsigned(row.Int(4));
    count.ineligible = Unsigned(row.Int(5));
    for (std::size_t i = 0; i < kRolloutSeries; ++i) {
      count.bad[i] = Unsigned(row.Int(6 + static_cast<int>(i)));
    }
  }
}

Status RaiseVersion(SqlConnection& connection, const RolloutId& id, std::uint32_t epoch) {
  return Query(connection, kRaiseVersion).Bind(id.get()).Bind(std::int64_t{epoch}).Run();
}

Status ReadKeys(SqlConnection& connection, const EpochVersions& known, RolloutEvidence& evidence) {
  const RolloutId& id = evidence.rollout.id;
  evidence.versions.assign(evidence.rollout.epochs.size(), 0);
  Query row(connection, kVersionsOf);
  row.Bind(id.get());
  while (true) {
    PODIUM_TRY_ASSIGN(const bool more, row.Next());
    if (!more) break;
    const std::uint32_t epoch = Small(row.Int(0));
    if (epoch < evidence.versions.size()) evidence.versions[epoch] = row.Int(1);
  }
  for (std::uint32_t epoch = 0; epoch < evidence.versions.size(); ++epoch) {
    if (IsKnownEpoch(known, evidence.versions, epoch)) continue;
    PODIUM_TRY(ReadHits(connection, id, epoch, evidence.hits));
  }
  return {};
}

Status CheckPin(SqlConnection& connection, const RolloutId& id, const LookPin& pin) {
  Query row(connection, kPinOf);
  PODIUM_TRY_ASSIGN(const bool found, row.Bind(id.get()).Next());
  if (!found) return Fail(ErrorCode::kNotFound, "there is no rollout {}", id.get());
  return CheckLook(id, pin, row.Int(1), Revision(row.Int(0)));
}

Status WriteVerdict(SqlConnection& connection, const RolloutVerdict& verdict) {
  return Query(connection, kUpsertVerdict)
      .Bind(verdict.rollout.get())
      .Bind(verdict.number)
      .Bind(MicrosOf(verdict.at))
      .Bind(verdict.decision)
      .Bind(verdict.sentence)
      .Bind(verdict.evidence)
      .Bind(verdict.verdict)
      .Run();
}

Result<LatestVerdicts> ReadLatestRows(SqlConnection& connection, const RolloutId& id) {
  Query row(connection, kLatestVerdicts);
  row.Bind(id.get());
  LatestVerdicts latest;
  while (true) {
    PODIUM_TRY_ASSIGN(const bool more, row.Next());
    if (!more) return latest;
    (row.Int(0) == 0 ? latest.look : latest.decision) = VerdictFrom(row, id);
  }
}

// Row by row, since one may have megabytes: a connection may hold all that a statement finds.
Result<VerdictPage> ReadVerdictRows(SqlConnection& connection, const RolloutId& id,
                                    const VerdictQuery& query) {
  VerdictPage page;
  std::int64_t last = query.after;
  while (true) {
    Query row(connection, kNextVerdict);
    PODIUM_TRY_ASSIGN(const bool found, row.Bind(id.get()).Bind(last).Next());
    if (!found) return page;
    page.more = IsFull(page, query);
    if (page.more) return page;
    page.items.push_back(VerdictFrom(row, id));
    last = page.items.back().number;
  }
}

}  // namespace podium::store
