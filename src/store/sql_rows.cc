#include "store/sql_rows.h"

#include <map>
#include <utility>

#include "base/clock.h"
#include "domain/rollout_json.h"
#include "store/follow_row.h"
#include "store/row_text.h"
#include "store/shadow_row.h"
#include "store/sql.h"
#include "store/sql_history.h"
#include "store/sql_rollouts.h"

namespace podium::store {
namespace {

std::optional<ModelId> IdOf(std::optional<std::string> text) {
  return text ? std::optional(ModelId(std::move(*text))) : std::nullopt;
}
std::optional<std::string> TextOf(const std::optional<ModelId>& id) {
  return id ? std::optional(id->get()) : std::nullopt;
}

template <typename T>
Result<T> Known(std::optional<T> parsed, std::string_view what, const std::string& text) {
  if (parsed) return *parsed;
  return Fail(ErrorCode::kUnprocessable, "{} '{}' is not known", what, text);
}

template <typename T>
Result<T> Field(Result<T> parsed, std::string_view what) {
  if (parsed) return parsed;
  return Fail(ErrorCode::kUnprocessable, "{}: {}", what, Describe(parsed.error()));
}

Result<Route> ReadRouteColumns(const Query& row) {
  Route route;
  route.name = RouteName(row.Text(0));
  route.task_type = row.Text(1);
  PODIUM_TRY_ASSIGN(route.policy, Known(ParseRoutePolicy(row.Text(2)), "policy", row.Text(2)));
  route.sticky_on = row.Text(3);
  route.salt = row.Text(4);
  route.canary_salt = row.Text(5);
  route.previous_primary = IdOf(row.OptionalText(6));
  route.primary_since = Revision(row.Int(7));
  route.created_at = WallTimeOf(row.Int(8));
  route.updated_at = WallTimeOf(row.Int(9));
  route.revision = Revision(row.Int(10));
  return route;
}

// The arms of a bound statement, to the routes that they belong to.
Status ReadArms(Query& query, std::vector<Route>& routes, std::vector<RowFault>& faults) {
  std::map<std::string, Route*> by_name;
  for (Route& route : routes) by_name.emplace(route.name.get(), &route);
  while (true) {
    PODIUM_TRY_ASSIGN(const bool more, query.Next());
    if (!more) return {};
    const auto route = by_name.find(query.Text(0));
    if (route == by_name.end()) continue;  // Of a route whose own row cannot be read.
    const Result<BasisPoints> weight = BasisPoints::From(query.Int(3));
    if (weight) {
      route->second->arms.push_back(
          {ModelId(query.Text(1)), static_cast<int>(query.Int(2)), *weight});
    } else {
      faults.push_back({"route_arms", query.Text(0) + "/" + query.Text(1), weight.error().message});
    }
  }
}

// A route whose column cannot be read goes on routing, since that does not depend on it; what must
// not happen is that somebody takes it for a route that nobody drives (CheckFollowRead).
void ReadFollowColumn(const Query& row, Route& route, std::vector<RowFault>& faults) {
  const std::optional<std::string> text = row.OptionalText(11);
  if (!text) return;
  if (Result<Follow> follow = FollowFromText(*text)) {
    route.follow = std::move(*follow);
  } else {
    faults.push_back({"routes", route.name.get(), follow.error().message});
  }
}

// Without its mark a route's traffic is split as its own rule says, and nothing is counted. The row
// of the rollout is what verbs go by; the next move of it writes the mark anew.
void ReadRolloutColumn(const Query& row, Route& route, std::vector<RowFault>& faults) {
  const std::optional<std::string> text = row.OptionalText(12);
  if (!text) return;
  if (Result<RolloutMark> mark = MarkFromText(*text)) {
    route.rollout = std::move(*mark);
  } else {
    faults.push_back({"routes", route.name.get(), mark.error().message});
  }
}

// The same for shadow and challenger: without them the route serves as ever, and copies nothing.
void ReadShadowColumns(const Query& row, Route& route, std::vector<RowFault>& faults) {
  if (const std::optional<std::string> text = row.OptionalText(13)) {
    if (Result<ShadowPlan> plan = ShadowFromText(*text)) {
      route.shadow = std::move(*plan);
    } else {
      faults.push_back({"routes", route.name.get(), plan.error().message});
    }
  }
  if (const std::optional<std::string> text = row.OptionalText(14)) {
    if (Result<ChallengerPlan> plan = ChallengerFromText(*text)) {
      route.challenger = std::move(*plan);
    } else {
      faults.push_back({"routes", route.name.get(), plan.error().message});
    }
  }
}

// The routes of a bound statement, without their arms.
Result<std::vector<Route>> ReadRoutes(Query& query, std::vector<RowFault>& faults) {
  std::vector<Route> routes;
  while (true) {
    PODIUM_TRY_ASSIGN(const bool more, query.Next());
    if (!more) return routes;
    Result<Route> route = ReadRouteColumns(query);
    if (route) {
      ReadFollowColumn(query, *route, faults);
      ReadRolloutColumn(query, *route, faults);
      ReadShadowColumns(query, *route, faults);
      routes.push_back(std::move(*route));
    } else {
      faults.push_back({"routes", query.Text(0), route.error().message});
    }
  }
}

Result<std::vector<Promotion>> ReadStanding(SqlConnection& connection, const RouteName& route) {
  Query query(connection, sql::kStandingPromotions);
  query.Bind(route.get());
  std::vector<Promotion> standing;
  while (true) {
    PODIUM_TRY_ASSIGN(const bool more, query.Next());
    if (!more) return standing;
    PODIUM_TRY_ASSIGN(Promotion promotion, ReadPromotionRow(query));
    standing.push_back(std::move(promotion));
  }
}

// The row of a bound statement that has one at most.
Result<std::optional<ModelVersion>> ReadOne(Query& query) {
  PODIUM_TRY_ASSIGN(const bool found, query.Next());
  if (!found) return std::optional<ModelVersion>();
  Result<ModelVersion> row = ReadVersionRow(query);
  if (row) return std::optional(std::move(*row));
  return Fail(ErrorCode::kUnprocessable, "the row of version {} cannot be read: {}", query.Text(0),
              row.error().message);
}

Result<std::vector<ModelVersion>> ReadRoles(SqlConnection& connection, const RouteName& route,
                                            std::vector<RowFault>& faults) {
  Query query(connection, sql::kVersionsInRoles);
  query.Bind(route.get());
  return ReadVersions(query, faults);
}

Result<std::optional<ModelVersion>> ReadTwin(SqlConnection& connection, const Subject& subject) {
  if (subject.version.empty()) return std::optional<ModelVersion>();
  Query query(connection, sql::kVersionAtPlace);
  query.Bind(subject.route.get()).Bind(subject.name).Bind(subject.version);
  return ReadOne(query);
}

Result<bool> Exists(SqlConnection& connection, const ModelId& id) {
  if (id.get().empty()) return false;
  Query query(connection, sql::kVersionExists);
  return query.Bind(id.get()).Next();
}

Status WriteVersion(SqlConnection& connection, const ModelVersion& row) {
  return Query(connection, sql::kUpsertVersion)
      .Bind(row.model_id.get())
      .Bind(row.route.get())
      .Bind(row.name)
      .Bind(row.version)
      .Bind(row.provider_key)
      .Bind(row.upstream_model)
      .Bind(row.artifact_uri)
      .Bind(row.artifact_sha256)
      .Bind(row.format)
      .Bind(NameOf(row.status))
      .Bind(row.stage)
      .Bind(std::int64_t{row.share.value()})
      .Bind(row.signature)
      .Bind(MetricsToText(row.metrics))
      .Bind(TagsToText(row.tags))
      .Bind(row.catalogue_id)
      .Bind(row.experiment_id)
      .Bind(NameOf(row.load))
      .Bind(row.source_run)
      .BindOptional(TextOf(row.parent_id))
      .Bind(MicrosOf(row.created_at))
      .Bind(MicrosOf(row.updated_at))
      .Bind(row.revision.get())
      .Bind(std::int64_t{row.deleted})
      .Run();
}

Status WriteRoute(SqlConnection& connection, const Route& route) {
  std::optional<std::string> follow;
  if (route.follow) follow = FollowToText(*route.follow);
  std::optional<std::string> rollout;
  if (route.rollout) rollout = MarkToText(*route.rollout);
  std::optional<std::string> shadow;
  if (route.shadow) shadow = ShadowToText(*route.shadow);
  std::optional<std::string> challenger;
  if (route.challenger) challenger = ChallengerToText(*route.challenger);
  return Query(connection, sql::kUpsertRoute)
      .Bind(route.name.get())
      .Bind(route.task_type)
      .Bind(NameOf(route.policy))
      .Bind(route.sticky_on)
      .Bind(route.salt)
      .Bind(route.canary_salt)
      .BindOptional(TextOf(route.previous_primary))
      .Bind(route.primary_since.get())
      .Bind(MicrosOf(route.created_at))
      .Bind(MicrosOf(route.updated_at))
      .Bind(route.revision.get())
      .BindOptional(follow)
      .BindOptional(rollout)
      .BindOptional(shadow)
      .BindOptional(challenger)
      .Run();
}

Status WriteArms(SqlConnection& connection, const Route& route) {
  PODIUM_TRY(Query(connection, sql::kDeleteArms).Bind(route.name.get()).Run());
  for (const RouteArm& arm : route.arms) {
    PODIUM_TRY(Query(connection, sql::kInsertArm)
                   .Bind(route.name.get())
                   .Bind(arm.model_id.get())
                   .Bind(std::int64_t{arm.slot})
                   .Bind(std::int64_t{arm.weight.value()})
                   .Run());
  }
  return {};
}

Status WritePromotion(SqlConnection& connection, const Promotion& row) {
  return Query(connection, sql::kInsertPromotion)
      .Bind(row.revision.get())
      .Bind(row.route.get())
      .Bind(NameOf(row.kind))
      .BindOptional(TextOf(row.from))
      .BindOptional(TextOf(row.to))
      .Bind(std::int64_t{row.share_before.value()})
      .Bind(std::int64_t{row.share_after.value()})
      .BindOptional(row.undoes ? std::optional(row.undoes->get()) : std::nullopt)
      .Bind(row.actor)
      .Bind(row.origin)
      .Bind(row.reason)
      .Bind(row.request_id)
      .Bind(row.evidence)
      .Bind(MicrosOf(row.at))
      .Bind(row.previous_hash)
      .Bind(row.hash)
      .Run();
}

}  // namespace

Status WriteEvent(SqlConnection& connection, const OutboxEvent& event) {
  return Query(connection, sql::kInsertEvent)
      .Bind(event.revision.get())
      .Bind(event.type)
      .Bind(event.data)
      .Bind(MicrosOf(event.at))
      .Run();
}

Status MoveHead(SqlConnection& connection, const Head& head) {
  return Query(connection, sql::kMoveHead)
      .Bind(std::int64_t{head.epoch})
      .Bind(head.revision.get())
      .Bind(head.chain.hash)
      .Bind(head.chain.count)
      .Bind(MicrosOf(head.at))
      .Run();
}

Result<Head> ReadHead(SqlConnection& connection) {
  Query query(connection, sql::kHead);
  PODIUM_TRY_ASSIGN(const bool found, query.Next());
  if (!found) {
    return Fail(ErrorCode::kUnavailable,
                "the registry has lost its revision row: restore it from a backup");
  }
  return Head{static_cast<std::uint32_t>(query.Int(0)), Revision(query.Int(1)),
              ChainHead{query.Text(2), query.Int(3)}, WallTimeOf(query.Int(4))};
}

Result<ModelVersion> ReadVersionRow(const Query& row) {
  ModelVersion version;
  version.model_id = ModelId(row.Text(0));
  version.route = RouteName(row.Text(1));
  version.name = row.Text(2);
  version.version = row.Text(3);
  version.provider_key = row.Text(4);
  version.upstream_model = row.Text(5);
  version.artifact_uri = row.Text(6);
  version.artifact_sha256 = row.Text(7);
  version.format = row.Text(8);
  PODIUM_TRY_ASSIGN(version.status, Known(ParseVersionStatus(row.Text(9)), "status", row.Text(9)));
  version.stage = row.Text(10);
  PODIUM_TRY_ASSIGN(version.share, Field(BasisPoints::From(row.Int(11)), "traffic_bp"));
  version.signature = row.Text(12);
  PODIUM_TRY(Field(CheckObjectText(version.signature), "signature"));
  PODIUM_TRY_ASSIGN(version.metrics, Field(MetricsFromText(row.Text(13)), "metrics"));
  PODIUM_TRY_ASSIGN(version.tags, Field(TagsFromText(row.Text(14)), "tags"));
  version.catalogue_id = row.Text(15);
  version.experiment_id = row.Text(16);
  PODIUM_TRY_ASSIGN(version.load, Known(ParseLoadPolicy(row.Text(17)), "load", row.Text(17)));
  version.source_run = row.Text(18);
  version.parent_id = IdOf(row.OptionalText(19));
  version.created_at = WallTimeOf(row.Int(20));
  version.updated_at = WallTimeOf(row.Int(21));
  version.revision = Revision(row.Int(22));
  version.deleted = row.Int(23) != 0;
  return version;
}

Result<Promotion> ReadPromotionRow(const Query& row) {
  Promotion promotion;
  promotion.revision = Revision(row.Int(0));
  promotion.route = RouteName(row.Text(1));
  PODIUM_TRY_ASSIGN(promotion.kind, Known(ParsePromotionKind(row.Text(2)), "kind", row.Text(2)));
  promotion.from = IdOf(row.OptionalText(3));
  promotion.to = IdOf(row.OptionalText(4));
  PODIUM_TRY_ASSIGN(promotion.share_before,
                    Field(BasisPoints::From(row.Int(5)), "share_before_bp"));
  PODIUM_TRY_ASSIGN(promotion.share_after, Field(BasisPoints::From(row.Int(6)), "share_after_bp"));
  if (const auto undoes = row.OptionalInt(7)) promotion.undoes = Revision(*undoes);
  promotion.actor = row.Text(8);
  promotion.origin = row.Text(9);
  promotion.reason = row.Text(10);
  promotion.request_id = row.Text(11);
  promotion.evidence = row.Text(12);
  promotion.at = WallTimeOf(row.Int(13));
  promotion.previous_hash = row.Text(14);
  promotion.hash = row.Text(15);
  return promotion;
}

Result<std::optional<ModelVersion>> ReadVersion(SqlConnection& connection, const ModelId& id) {
  Query query(connection, sql::kVersionById);
  query.Bind(id.get());
  return ReadOne(query);
}

Result<std::optional<Route>> ReadRouteRow(SqlConnection& connection, const RouteName& name,
                                          std::vector<RowFault>& faults) {
  Query query(connection, sql::kRouteByName);
  query.Bind(name.get());
  const std::size_t before = faults.size();
  PODIUM_TRY_ASSIGN(std::vector<Route> routes, ReadRoutes(query, faults));
  if (!routes.empty()) {
    Query arms(connection, sql::kArmsOfRoute);
    arms.Bind(name.get());
    PODIUM_TRY(ReadArms(arms, routes, faults));
    return std::optional(std::move(routes.front()));
  }
  if (faults.size() == before) return std::optional<Route>();
  return Fail(ErrorCode::kUnprocessable, "the row of route {} cannot be read: {}", name.get(),
              faults.back().problem);
}

Status CheckFollowRead(const std::vector<RowFault>& faults) {
  for (const RowFault& fault : faults) {
    if (fault.table != "routes" || !fault.problem.starts_with("follow: ")) continue;
    return Fail(ErrorCode::kUnprocessable,
                "who drives route {} cannot be read from its row ({}): set its column follow to "
                "NULL by SQL, then have it follow anew",
                fault.key, fault.problem);
  }
  return {};
}

Result<std::vector<ModelVersion>> ReadVersions(Query& query, std::vector<RowFault>& faults) {
  std::vector<ModelVersion> rows;
  while (true) {
    PODIUM_TRY_ASSIGN(const bool more, query.Next());
    if (!more) return rows;
    Result<ModelVersion> row = ReadVersionRow(query);
    if (row) {
      rows.push_back(std::move(*row));
    } else {
      faults.push_back({"model_registry", query.Text(0), row.error().message});
    }
  }
}

Result<std::vector<Route>> ReadRoutesSince(SqlConnection& connection, Revision since,
                                           std::vector<RowFault>& faults) {
  Query query(connection, sql::kRoutesSince);
  query.Bind(since.get());
  PODIUM_TRY_ASSIGN(std::vector<Route> routes, ReadRoutes(query, faults));
  if (routes.empty()) return routes;
  Query arms(connection, sql::kArmsSince);
  arms.Bind(since.get());
  PODIUM_TRY(ReadArms(arms, routes, faults));
  return routes;
}

Result<RouteSnapshot> ReadSnapshot(SqlConnection& connection, const Subject& subject,
                                   std::vector<RowFault>& faults) {
  RouteSnapshot state;
  if (!subject.id.get().empty()) {
    PODIUM_TRY_ASSIGN(state.named, ReadVersion(connection, subject.id));
  }
  RouteName route = subject.route;
  if (route.get().empty() && state.named) route = state.named->route;
  if (route.get().empty()) return state;
  PODIUM_TRY_ASSIGN(state.route, ReadRouteRow(connection, route, faults));
  PODIUM_TRY_ASSIGN(state.versions, ReadRoles(connection, route, faults));
  PODIUM_TRY_ASSIGN(state.twin, ReadTwin(connection, subject));
  PODIUM_TRY_ASSIGN(state.parent_exists, Exists(connection, subject.parent));
  if (subject.history) {
    PODIUM_TRY_ASSIGN(state.standing_promotions, ReadStanding(connection, route));
  }
  for (const ModelId& id : AlsoNeeded(subject, state)) {
    PODIUM_TRY_ASSIGN(const std::optional<ModelVersion> row, ReadVersion(connection, id));
    if (row) Include(state, *row);
  }
  PODIUM_TRY(ReadRolloutsOf(connection, subject, state, faults));
  return state;
}

Status WriteChanges(SqlConnection& connection, const RouteSnapshot& state, const Changes& changes,
                    const Sealed& sealed, const Head& head) {
  PODIUM_TRY(WriteRoute(connection, changes.route));
  for (const ModelVersion& row : changes.versions) PODIUM_TRY(WriteVersion(connection, row));
  PODIUM_TRY(WriteArms(connection, changes.route));
  PODIUM_TRY(WriteRollout(connection, changes));
  PODIUM_TRY(KeepHistory(connection, state, changes, sealed, head));
  PODIUM_TRY(WritePromotion(connection, sealed.audit));
  PODIUM_TRY(WriteEvent(connection, sealed.event));
  return MoveHead(connection, sealed.head);
}

}  // namespace podium::store
