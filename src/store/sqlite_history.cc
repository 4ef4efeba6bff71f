#include "store/sqlite_history.h"

#include <utility>

#include "store/sql.h"
#include "store/sqlite_rows.h"

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

Result<std::optional<HistoryRow>> RowAt(Connection& connection, const RouteName& route,
                                        Revision revision) {
  Query query(connection, sql::kHistoryAt);
  query.Bind(route.get()).Bind(revision.get());
  return NextRow(query);
}

Result<std::optional<HistoryRow>> RowAfter(Connection& connection, const RouteName& route,
                                           Revision revision) {
  Query query(connection, sql::kHistoryAfter);
  query.Bind(route.get()).Bind(revision.get());
  return NextRow(query);
}

Status Fill(Connection& connection, const RouteName& route, Revision revision,
            const std::string& input) {
  return Query(connection, sql::kFillHistory)
      .Bind(route.get())
      .Bind(revision.get())
      .Bind(input)
      .Run();
}

Result<Revision> StartOf(Connection& connection) {
  Query query(connection, sql::kHistoryStart);
  PODIUM_TRY_ASSIGN(const bool found, query.Next());
  return Revision(found ? query.Int(0) : 0);
}

// The newest row of a route may lack its input, if SQL wrote it: the table itself still has it.
Result<RouteState> InputNow(Connection& connection, const RouteName& route) {
  Subject subject;
  subject.route = route;
  std::vector<RowFault> faults;
  PODIUM_TRY_ASSIGN(const RouteSnapshot state, ReadSnapshot(connection, subject, faults));
  if (!state.route) return Fail(ErrorCode::kNotFound, "there is no route {}", route.get());
  return RoutingInput(*state.route, state.versions);
}

Result<Revision> Asked(Connection& connection, const HistoryPoint& point, const Head& head,
                       const HistoryRange& range) {
  if (point.generation) return RevisionIn(range, *point.generation);
  if (!point.at || *point.at >= head.at) return head.revision;
  Query query(connection, sql::kRevisionBy);
  query.Bind(std::int64_t{point.at->time_since_epoch().count()}).Bind(range.oldest.get());
  PODIUM_TRY_ASSIGN(const bool found, query.Next());
  if (!found) return OlderThanKept(*point.at, range);
  return Revision(query.Int(0));
}

}  // namespace

Status KeepHistory(Connection& connection, const RouteSnapshot& state, const Changes& changes,
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

Status FillHistory(Connection& connection) {
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
    // A row that cannot be read is ReadTable's to report, and no reason to refuse the file.
    if (const Result<RouteState> input = InputNow(connection, route)) {
      PODIUM_TRY(Fill(connection, route, revision, InputToText(*input)));
    }
  }
  return {};
}

Result<RouteAt> ReadHistory(Connection& connection, const RouteName& route,
                            const HistoryPoint& point) {
  PODIUM_TRY_ASSIGN(const Head head, ReadHead(connection));
  PODIUM_TRY_ASSIGN(const Revision start, StartOf(connection));
  const HistoryRange range = RangeOf(head, start);
  PODIUM_TRY_ASSIGN(const std::optional<HistoryRow> first,
                    RowAfter(connection, route, Revision(-1)));
  // Said before anything of generations: a mistyped route is the likelier mistake.
  if (!first) return Fail(ErrorCode::kNotFound, "there is no route {}", route.get());
  PODIUM_TRY_ASSIGN(const Revision asked, Asked(connection, point, head, range));
  PODIUM_TRY_ASSIGN(const std::optional<HistoryRow> row, RowAt(connection, route, asked));
  PODIUM_TRY_ASSIGN(const std::optional<HistoryRow> next, RowAfter(connection, route, asked));
  const Generation generation = MakeGeneration(range.epoch, asked);
  if (!row) return NotYetThere(route, generation, MakeGeneration(range.epoch, first->revision));
  RouteAt found;
  if (row->input) {
    PODIUM_TRY_ASSIGN(found.input, InputFromText(route, *row->input));
  } else if (next && next->revision <= head.revision) {
    return OverwrittenUnread(route, generation);
  } else {
    PODIUM_TRY_ASSIGN(found.input, InputNow(connection, route));
  }
  found.generation = generation;
  found.since = MakeGeneration(range.epoch, row->revision);
  found.since_at = row->at;
  found.by_sql = row->source == HistorySource::kSql || (next && next->revision > head.revision);
  return found;
}

}  // namespace podium::store
