#include "store/sql_history.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "store/sql.h"
#include "store/sql_rows.h"

namespace podium::store {
namespace {

Result<std::optional<HistoryRow>> NextRow(Query& query) {
  PODIUM_TRY_ASSIGN(const bool found, query.Next());
  if (!found) return std::optional<HistoryRow>();
  HistoryRow row;
  row.revision = Revision(query.Int(0));
  row.at = WallTime(WallTime::duration(query.Int(1)));
  row.source = query.Text(2) == "podium" ? HistorySource::kPodium : HistorySource::kSql;
  row.input = query.OptionalText(3);
  return std::optional(std::move(row));
}

Result<std::optional<HistoryRow>> RowAt(SqlConnection& connection, const RouteName& route,
                                        Revision revision) {
  Query query(connection, sql::kHistoryAt);
  query.Bind(route.get()).Bind(revision.get());
  return NextRow(query);
}

Result<std::optional<HistoryRow>> RowAfter(SqlConnection& connection, const RouteName& route,
                                           Revision revision) {
  Query query(connection, sql::kHistoryAfter);
  query.Bind(route.get()).Bind(revision.get());
  return NextRow(query);
}

Status Fill(SqlConnection& connection, const RouteName& route, Revision revision,
            const std::string& input) {
  return Query(connection, sql::kFillHistory)
      .Bind(route.get())
      .Bind(revision.get())
      .Bind(input)
      .Run();
}

Result<Revision> StartOf(SqlConnection& connection) {
  Query query(connection, sql::kHistoryStart);
  PODIUM_TRY_ASSIGN(const bool found, query.Next());
  return Revision(found ? query.Int(0) : 0);
}

// The newest row of a route may lack its input, if SQL wrote it: the table itself still has it.
Result<RouteState> InputNow(SqlConnection& connection, const RouteName& route) {
  Subject subject;
  subject.route = route;
  std::vector<RowFault> faults;
  PODIUM_TRY_ASSIGN(const RouteSnapshot state, ReadSnapshot(connection, subject, faults));
  if (!state.route) return Fail(ErrorCode::kNotFound, "there is no route {}", route.get());
  return RoutingInput(*state.route, state.versions);
}

// The newest revision committed by then; 0 for a time before all of them.
Result<Revision> RevisionBy(SqlConnection& connection, WallTime at, Revision newest) {
  std::int64_t before = 0;  // Committed by then, or 0.
  std::int64_t after = newest.get() + 1;
  while (after - before > 1) {
    const std::int64_t middle = before + (after - before) / 2;
    Query query(connection, sql::kPromotionTime);
    query.Bind(middle);
    PODIUM_TRY_ASSIGN(const bool found, query.Next());
    const bool by_then = found && query.Int(1) <= at.time_since_epoch().count();
    // A row may have been cut out of the trail: then it is the next one that tells.
    if (by_then) before = std::max(middle, query.Int(0));
    if (!by_then) after = middle;
  }
  return Revision(before);
}

Result<Revision> Asked(SqlConnection& connection, const HistoryPoint& point, const Head& head) {
  if (point.generation) return RevisionIn(head, *point.generation);
  if (!point.at || *point.at >= head.at) return head.revision;
  return RevisionBy(connection, *point.at, head.revision);
}

// The rows of one route in (after, upto], in pieces: a long trail costs no memory.
Status ReplayTrail(SqlConnection& connection, const RouteName& route, Revision upto,
                   AuditReplay& replay) {
  Revision last(0);
  for (bool more = true; more;) {
    Query rows(connection, sql::kPromotionsOfRoute);
    rows.Bind(route.get())
        .Bind(last.get())
        .Bind(upto.get())
        .Bind(std::int64_t{limits::kAuditWalkRows});
    int seen = 0;
    for (; true; ++seen) {
      PODIUM_TRY_ASSIGN(const bool found, rows.Next());
      if (!found) break;
      PODIUM_TRY_ASSIGN(const Promotion row, ReadPromotionRow(rows));
      last = row.revision;
      replay.Add(row);
    }
    more = seen == limits::kAuditWalkRows;
  }
  return {};
}

Result<std::string> StickyOn(SqlConnection& connection, const RouteName& route) {
  std::vector<RowFault> faults;
  PODIUM_TRY_ASSIGN(const std::optional<Route> row, ReadRouteRow(connection, route, faults));
  if (!row) return Fail(ErrorCode::kNotFound, "there is no route {}", route.get());
  return row->sticky_on;
}

Result<RouteStanding> StandingAt(SqlConnection& connection, const RouteName& route, Revision asked,
                                 const Head& head) {
  AuditReplay replay(route);
  PODIUM_TRY(ReplayTrail(connection, route, asked, replay));
  RouteStanding standing = std::move(replay).Take();
  if (!standing.newest) {
    Query first(connection, sql::kPromotionsOfRoute);
    first.Bind(route.get()).Bind(asked.get()).Bind(head.revision.get()).Bind(std::int64_t{1});
    PODIUM_TRY_ASSIGN(const bool found, first.Next());
    return NotYetThere(route, MakeGeneration(head.epoch, asked),
                       MakeGeneration(head.epoch, found ? Revision(first.Int(0)) : head.revision));
  }
  standing.revision = asked;
  for (const ModelId& id : HoldersOf(standing)) {
    PODIUM_TRY_ASSIGN(std::optional<ModelVersion> row, ReadVersion(connection, id));
    if (row) {
      standing.versions.push_back(std::move(*row));
    } else {
      standing.unknown.push_back(
          fmt::format("version {} has no row any more: it was removed by SQL", id.get()));
    }
  }
  return standing;
}

}  // namespace

Status KeepHistory(SqlConnection& connection, const RouteSnapshot& state, const Changes& changes,
                   const Sealed& sealed, const Head& head) {
  const RouteName& route = changes.route.name;
  PODIUM_TRY_ASSIGN(const std::optional<HistoryRow> newest,
                    RowAt(connection, route, head.revision));
  const HistoryStep step = NextStep(newest, InputBefore(state), InputAfter(state, changes));
  if (step.fill) PODIUM_TRY(Fill(connection, route, newest->revision, *step.fill));
  if (step.add) {
    PODIUM_TRY(Query(connection, sql::kUpsertHistory)
                   .Bind(route.get())
                   .Bind(sealed.audit.revision.get())
                   .Bind(std::int64_t{sealed.audit.at.time_since_epoch().count()})
                   .Bind(*step.add)
                   .Run());
  } else {
    // Rows were rewritten as they were: what the triggers marked is no change.
    PODIUM_TRY(Query(connection, sql::kDropHistory)
                   .Bind(route.get())
                   .Bind(sealed.audit.revision.get())
                   .Run());
  }
  PODIUM_TRY_ASSIGN(const Revision start, StartOf(connection));
  // Only a route that has a row just above the old floor can lose one: the rest is not looked at.
  return Query(connection, sql::kPruneHistory)
      .Bind(RangeOf(head, start).oldest.get())
      .Bind(RangeOf(sealed.head, start).oldest.get())
      .Run();
}

Status FillHistory(SqlConnection& connection) {
  std::vector<std::pair<RouteName, Revision>> marked;
  {
    Query query(connection, sql::kUnfilledHistory);
    while (true) {
      PODIUM_TRY_ASSIGN(const bool more, query.Next());
      if (!more) break;
      marked.emplace_back(RouteName(query.Text(0)), Revision(query.Int(1)));
    }
  }
  for (const auto& [route, revision] : marked) {
    Result<RouteState> input = InputNow(connection, route);
    if (input) {
      PODIUM_TRY(Fill(connection, route, revision, InputToText(*input)));
    } else if (input.error().code == ErrorCode::kUnavailable) {
      return Fail(std::move(input).error());  // The file, not the row: all of it has failed.
    }
    // Else a row that makes no sense: ReadTable's to report, and no reason to refuse the file.
  }
  return {};
}

Result<RouteStanding> ReadTrail(SqlConnection& connection, const RouteName& route,
                                const HistoryPoint& point) {
  PODIUM_TRY_ASSIGN(const Head head, ReadHead(connection));
  // Said before anything of generations: a mistyped route is the likelier mistake.
  PODIUM_TRY(StickyOn(connection, route));
  PODIUM_TRY_ASSIGN(const Revision asked, Asked(connection, point, head));
  return StandingAt(connection, route, asked, head);
}

Result<RouteAt> ReadHistory(SqlConnection& connection, const RouteName& route,
                            const HistoryPoint& point) {
  PODIUM_TRY_ASSIGN(const Head head, ReadHead(connection));
  PODIUM_TRY_ASSIGN(const Revision start, StartOf(connection));
  PODIUM_TRY_ASSIGN(const std::optional<HistoryRow> first,
                    RowAfter(connection, route, Revision(-1)));
  // Said before anything of generations: a mistyped route is the likelier mistake.
  if (!first) return Fail(ErrorCode::kNotFound, "there is no route {}", route.get());
  PODIUM_TRY_ASSIGN(const Revision asked, Asked(connection, point, head));
  if (asked < RangeOf(head, start).oldest) {
    PODIUM_TRY_ASSIGN(const RouteStanding standing, StandingAt(connection, route, asked, head));
    PODIUM_TRY_ASSIGN(const std::string sticky_on, StickyOn(connection, route));
    return AsRouteAt(standing, head.epoch, sticky_on);
  }
  PODIUM_TRY_ASSIGN(const std::optional<HistoryRow> row, RowAt(connection, route, asked));
  PODIUM_TRY_ASSIGN(const std::optional<HistoryRow> next, RowAfter(connection, route, asked));
  const Generation generation = MakeGeneration(head.epoch, asked);
  if (!row) return NotYetThere(route, generation, MakeGeneration(head.epoch, first->revision));
  RouteAt found;
  if (row->input) {
    PODIUM_TRY_ASSIGN(found.input, InputFromText(route, *row->input));
  } else if (next && next->revision <= head.revision) {
    return OverwrittenUnread(route, generation);
  } else {
    PODIUM_TRY_ASSIGN(found.input, InputNow(connection, route));
  }
  found.generation = generation;
  found.since = MakeGeneration(head.epoch, row->revision);
  found.since_at = row->at;
  found.by_sql = row->source == HistorySource::kSql || (next && next->revision > head.revision);
  return found;
}

}  // namespace podium::store
