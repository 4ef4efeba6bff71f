#include "testing/sim/watched_store.h"

namespace podium::testing {

Result<store::Committed> WatchedStore::Apply(const store::Mutation& mutation,
                                             const store::MutationContext& context) {
  Result<store::Committed> done = inner_.Apply(mutation, context);
  if (done && hooks_.committed) hooks_.committed(mutation, *done);
  return done;
}
Result<Revision> WatchedStore::ReadRevision() {
  Result<Revision> revision = inner_.ReadRevision();
  if (revision && hooks_.revision) hooks_.revision(*revision);
  return revision;
}
Result<store::TableDelta> WatchedStore::ReadTable(Revision since) {
  Result<store::TableDelta> delta = inner_.ReadTable(since);
  if (delta && hooks_.table) hooks_.table(*delta);
  return delta;
}
Result<store::RouteState> WatchedStore::ReadRoute(const RouteName& route) {
  return inner_.ReadRoute(route);
}
Result<store::RouteAt> WatchedStore::ReadRouteAt(const RouteName& route,
                                                 const store::HistoryPoint& point) {
  return inner_.ReadRouteAt(route, point);
}
Result<store::RouteStanding> WatchedStore::ReadStanding(const RouteName& route,
                                                        const store::HistoryPoint& point) {
  return inner_.ReadStanding(route, point);
}
Result<ModelVersion> WatchedStore::FindVersion(const ModelId& id) { return inner_.FindVersion(id); }
Result<store::Page<ModelVersion>> WatchedStore::ListVersions(const store::VersionQuery& query) {
  return inner_.ListVersions(query);
}
Result<store::Page<Promotion>> WatchedStore::ListPromotions(const store::PromotionQuery& query) {
  return inner_.ListPromotions(query);
}
Result<bool> WatchedStore::RaiseEpoch(const store::SeenHistory& seen, const std::string& by) {
  return inner_.RaiseEpoch(seen, by);
}
Result<std::int64_t> WatchedStore::ReadNewestEvent() { return inner_.ReadNewestEvent(); }
Result<std::vector<store::OutboxEvent>> WatchedStore::ReadOutbox(std::int64_t after, int limit) {
  return inner_.ReadOutbox(after, limit);
}
Result<store::AuditVerdict> WatchedStore::VerifyAudit() { return inner_.VerifyAudit(); }

}  // namespace podium::testing
