// A registry that fails when a test says so: before a call has done anything, or after it has done
// everything and only the answer is lost.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "store/registry_store.h"

namespace podium::testing {

enum class StoreCall : std::uint8_t {
  kApply,
  kReadRevision,
  kReadTable,
  kReadRoute,
  kReadRouteAt,
  kFindVersion,
  kListVersions,
  kListPromotions,
  kReadOutbox,
  kVerifyAudit,
  kRaiseEpoch,
  kReadNewestEvent,
  kReadRollout,   ///< Of RolloutStore (testing/sim/sim_rollout_store.h), as
  kWriteRollout,  ///< leases, evidence and looks are.
};

enum class Moment : std::uint8_t {
  kBefore,  ///< Nothing happened.
  kAfter,   ///< It happened, but the caller will never know.
};

/// Threads: all methods from any thread. The wrapped store must outlive this one.
class FaultyStore final : public store::RegistryStore {
 public:
  explicit FaultyStore(store::RegistryStore& inner) : inner_(&inner) {}
  /// As when a backup is put in the registry's place. REQUIRES: no call is under way.
  void Become(store::RegistryStore& other) { inner_ = &other; }

  /// Asked at both moments of every call; an Error makes the call fail with it. May also block, to
  /// hold a call where it is. Without one (`nullptr`) nothing fails.
  using Script = std::function<std::optional<Error>(StoreCall, Moment)>;
  void Follow(Script script);
  /// The next `times` calls of this kind fail with `error`.
  void Fail(StoreCall call, int times, Error error, Moment moment = Moment::kBefore);
  /// Every call fails, as when the database is gone, until Heal.
  void GoDown(Error error);
  void Heal() { Follow(nullptr); }
  /// Calls so far, the failed ones too.
  int calls(StoreCall call) const;

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
  template <typename Work>
  auto Run(StoreCall call, const Work& work) -> decltype(work());
  std::optional<Error> Ask(StoreCall call, Moment moment) const;

  store::RegistryStore* inner_;
  mutable std::mutex mutex_;
  Script script_;                                      // Protected by mutex_.
  std::vector<int> counts_ = std::vector<int>(14, 0);  // Protected by mutex_.
};

}  // namespace podium::testing
