// A registry that shows a simulation what happens to it, and lets it bend what is read.
#pragma once

#include <functional>

#include "store/registry_store.h"

namespace podium::testing {

/// What is told, and may be changed, on the way to the caller. Each may be empty.
struct StoreHooks {
  /// After every mutation that was accepted.
  std::function<void(const store::Mutation&, const store::Committed&)> committed;
  std::function<void(store::TableDelta&)> table;
  std::function<void(Revision&)> revision;
};

/// Threads: as the wrapped store, which must outlive this one.
class WatchedStore final : public store::RegistryStore {
 public:
  WatchedStore(store::RegistryStore& inner, StoreHooks hooks)
      : inner_(inner), hooks_(std::move(hooks)) {}

  Result<store::Committed> Apply(const store::Mutation& mutation,
                                 const store::MutationContext& context) override;
  Result<Revision> ReadRevision() override;
  Result<store::TableDelta> ReadTable(Revision since) override;
  Result<store::RouteState> ReadRoute(const RouteName& route) override;
  Result<store::RouteAt> ReadRouteAt(const RouteName& route,
                                     const store::HistoryPoint& point) override;
  Result<store::RouteStanding> ReadStanding(const RouteName& route,
                                            const store::HistoryPoint& point) override;
  Result<ModelVersion> FindVersion(const ModelId& id) override;
  Result<store::Page<ModelVersion>> ListVersions(const store::VersionQuery& query) override;
  Result<store::Page<Promotion>> ListPromotions(const store::PromotionQuery& query) override;
  Result<bool> RaiseEpoch(const store::SeenHistory& seen, const std::string& by) override;
  Result<std::int64_t> ReadNewestEvent() override;
  Result<std::vector<store::OutboxEvent>> ReadOutbox(std::int64_t after, int limit) override;
  Result<store::AuditVerdict> VerifyAudit() override;

 private:
  store::RegistryStore& inner_;
  const StoreHooks hooks_;
};

}  // namespace podium::testing
