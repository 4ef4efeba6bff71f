// /api/v1/routes/{route}/explain and /api/v1/explain: why a unit is, or a request was, given its
// version.
#include <charconv>
#include <utility>

#include "control/admin/context.h"
#include "control/admin/explain_json.h"
#include "control/admin/query.h"
#include "domain/names.h"

namespace podium::control {
namespace {

/// What is asked about: a unit on a route, at a point of its history.
struct Question {
  RouteName route;
  UnitKind kind = UnitKind::kSession;
  std::string key;
  store::HistoryPoint point;
};

Result<UnitKind> KindOf(const net::RequestHead& head) {
  const std::string kind = QueryText(head, "kind").value_or("session");
  for (const UnitKind known : {UnitKind::kSession, UnitKind::kUser, UnitKind::kRequest}) {
    if (kind == NameOf(known)) return known;
  }
  return Fail(ErrorCode::kInvalidArgument, "kind must be session, user or request, not \"{}\"",
              kind);
}

Result<store::HistoryPoint> PointOf(const net::RequestHead& head) {
  store::HistoryPoint point;
  if (const auto text = QueryText(head, "generation")) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (error != std::errc() || end != text->data() + text->size()) {
      return Fail(ErrorCode::kInvalidArgument, "generation must be a number, not \"{}\"", *text);
    }
    point.generation = Generation(number);
  }
  if (const auto text = QueryText(head, "at")) {
    if (point.generation) {
      return Fail(ErrorCode::kInvalidArgument, "name a generation or a time, not both");
    }
    PODIUM_TRY_ASSIGN(point.at, ReadTime("at", *text));
  }
  return point;
}

Result<Question> QuestionOf(const AdminCall& call) {
  const net::RequestHead& head = call.exchange.head();
  PODIUM_TRY(CheckQuery(head, {"key", "kind", "generation", "at"}));
  Question question;
  question.route = RouteName(std::string(call.captures.Get("route")));
  question.key = QueryText(head, "key").value_or("");
  if (question.key.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "key is required: the session (or with kind=request the request) id to explain");
  }
  PODIUM_TRY(CheckText("key", question.key, limits::kMaxUnitBytes));
  PODIUM_TRY_ASSIGN(question.kind, KindOf(head));
  PODIUM_TRY_ASSIGN(question.point, PointOf(head));
  return question;
}

routing::RequestIds IdsOf(UnitKind kind, const std::string& key) {
  routing::RequestIds ids;
  if (kind == UnitKind::kSession) ids.session = key;
  if (kind == UnitKind::kUser) ids.user = key;
  if (kind == UnitKind::kRequest) ids.request = key;
  return ids;
}

// Blocking: runs on the pool for reads.
Result<Replay> ReplayOf(const AdminContext& context, const Question& question) {
  PODIUM_TRY_ASSIGN(store::RouteAt at, context.store.ReadRouteAt(question.route, question.point));
  Replay replay;
  routing::CompileResult compiled =
      routing::CompileRoute({std::move(at.input.route), std::move(at.input.versions)},
                            NamesOf(context.options.providers));
  replay.route = std::move(compiled.route);
  for (routing::CompileFault& fault : compiled.faults) {
    replay.faults.push_back(std::move(fault.problem));
  }
  replay.explanation =
      routing::Explain(*replay.route, at.generation, IdsOf(question.kind, question.key));
  replay.since = at.since;
  replay.since_at = at.since_at;
  replay.by_sql = at.by_sql;
  return replay;
}

AdminReply ExplainKey(AdminCall& call) {
  const Result<Question> question = QuestionOf(call);
  if (!question) co_return Fail(question.error());
  auto read = RunOn(call.context.pools.reads,
                    [&]() -> Result<Json> {  // Json: the replay borrows from the question.
                      PODIUM_TRY_ASSIGN(const Replay replay, ReplayOf(call.context, *question));
                      return ToJson(replay);
                    });
  Result<Json> json = co_await std::move(read);
  if (!json) co_return Fail(std::move(json).error());
  co_return JsonResponse(*json);
}

Failure NotKept(const view::RecentRequests& recent, const std::string& id,
                const view::RecentRequests::Found& found) {
  return Fail(ErrorCode::kNotFound,
              "request {} is not among the last {} requests of this replica ({} on each of {} "
              "cores; {} kept, the oldest of {}): use --key with its session or request id",
              id, limits::kRecentRequests, recent.per_core(), recent.cores(), found.kept,
              found.oldest ? FormatUtc(*found.oldest) : "no time yet");
}

// Blocking: runs on the pool for reads.
Result<Json> ExplainRequest(const AdminContext& context, const std::string& id) {
  const view::RecentRequests::Found found = context.recent.Find(id);
  if (!found.request) return NotKept(context.recent, id, found);
  const view::RecentRequest& request = *found.request;
  RequestAnswer answer{request, context.stats.NameOf(request.assigned),
                       context.stats.NameOf(request.served), found.matches, WhyNoReplay(request)};
  if (!answer.why_no_replay.empty()) return ToJson(answer, nullptr);
  const Question question{RouteName(request.route),
                          request.unit_kind,
                          request.unit,
                          {request.generation, std::nullopt}};
  const Result<Replay> replay = ReplayOf(context, question);
  if (!replay) answer.why_no_replay = replay.error().message;
  return ToJson(answer, replay ? &*replay : nullptr);
}

AdminReply ExplainById(AdminCall& call) {
  const net::RequestHead& head = call.exchange.head();
  if (Status known = CheckQuery(head, {"request_id"}); !known) {
    co_return Fail(std::move(known).error());
  }
  const std::string id = QueryText(head, "request_id").value_or("");
  if (id.empty()) {
    co_return Fail(ErrorCode::kInvalidArgument,
                   "request_id is required: the x-request-id of an answer");
  }
  if (Status good = CheckText("request_id", id, limits::kMaxUnitBytes); !good) {
    co_return Fail(std::move(good).error());
  }
  auto read = RunOn(call.context.pools.reads, [&] { return ExplainRequest(call.context, id); });
  Result<Json> json = co_await std::move(read);
  if (!json) co_return Fail(std::move(json).error());
  co_return JsonResponse(*json);
}

}  // namespace

void AddExplainEndpoints(AdminRoutes& routes) {
  routes.Add(net::HttpMethod::kGet, "/api/v1/routes/{route}/explain", {ExplainKey});
  routes.Add(net::HttpMethod::kGet, "/api/v1/explain", {ExplainById});
}

}  // namespace podium::control
