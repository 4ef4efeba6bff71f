#include "testing/faulty_store.h"

#include <atomic>
#include <memory>
#include <utility>

namespace podium::testing {

void FaultyStore::Follow(Script script) {
  const std::lock_guard lock(mutex_);
  script_ = std::move(script);
}

void FaultyStore::Fail(StoreCall call, int times, Error error, Moment moment) {
  auto left = std::make_shared<std::atomic<int>>(times);
  Follow([=](StoreCall asked, Moment now) -> std::optional<Error> {
    if (asked != call || now != moment || left->fetch_sub(1) <= 0) return std::nullopt;
    return error;
  });
}

void FaultyStore::GoDown(Error error) {
  Follow([error = std::move(error)](StoreCall, Moment) { return std::optional(error); });
}

int FaultyStore::calls(StoreCall call) const {
  const std::lock_guard lock(mutex_);
  return counts_[static_cast<std::size_t>(call)];
}

std::optional<Error> FaultyStore::Ask(StoreCall call, Moment moment) const {
  Script script;
  {
    const std::lock_guard lock(mutex_);
    script = script_;
  }
  // Outside the lock: a script may block until the test lets it go on.
  return script ? script(call, moment) : std::nullopt;
}

template <typename Work>
auto FaultyStore::Run(StoreCall call, const Work& work) -> decltype(work()) {
  {
    const std::lock_guard lock(mutex_);
    ++counts_[static_cast<std::size_t>(call)];
  }
  if (auto error = Ask(call, Moment::kBefore)) return Failure(std::move(*error));
  auto answer = work();
  if (auto error = Ask(call, Moment::kAfter)) return Failure(std::move(*error));
  return answer;
}

Result<store::Committed> FaultyStore::Apply(const store::Mutation& mutation,
                                            const store::MutationContext& context) {
  return Run(StoreCall::kApply, [&] { return inner_->Apply(mutation, context); });
}
Result<Revision> FaultyStore::ReadRevision() {
  return Run(StoreCall::kReadRevision, [&] { return inner_->ReadRevision(); });
}
Result<store::TableDelta> FaultyStore::ReadTable(Revision since) {
  return Run(StoreCall::kReadTable, [&] { return inner_->ReadTable(since); });
}
Result<store::RouteState> FaultyStore::ReadRoute(const RouteName& route) {
  return Run(StoreCall::kReadRoute, [&] { return inner_->ReadRoute(route); });
}
Result<store::RouteAt> FaultyStore::ReadRouteAt(const RouteName& route,
                                                const store::HistoryPoint& point) {
  return Run(StoreCall::kReadRouteAt, [&] { return inner_->ReadRouteAt(route, point); });
}
Result<store::RouteStanding> FaultyStore::ReadStanding(const RouteName& route,
                                                       const store::HistoryPoint& point) {
  return Run(StoreCall::kReadRouteAt, [&] { return inner_->ReadStanding(route, point); });
}
Result<ModelVersion> FaultyStore::FindVersion(const ModelId& id) {
  return Run(StoreCall::kFindVersion, [&] { return inner_->FindVersion(id); });
}
Result<store::Page<ModelVersion>> FaultyStore::ListVersions(const store::VersionQuery& query) {
  return Run(StoreCall::kListVersions, [&] { return inner_->ListVersions(query); });
}
Result<store::Page<Promotion>> FaultyStore::ListPromotions(const store::PromotionQuery& query) {
  return Run(StoreCall::kListPromotions, [&] { return inner_->ListPromotions(query); });
}
Result<bool> FaultyStore::RaiseEpoch(const store::SeenHistory& seen, const std::string& by) {
  return Run(StoreCall::kRaiseEpoch, [&] { return inner_->RaiseEpoch(seen, by); });
}
Result<std::int64_t> FaultyStore::ReadNewestEvent() {
  return Run(StoreCall::kReadNewestEvent, [&] { return inner_->ReadNewestEvent(); });
}
Result<std::vector<store::OutboxEvent>> FaultyStore::ReadOutbox(std::int64_t after, int limit) {
  return Run(StoreCall::kReadOutbox, [&] { return inner_->ReadOutbox(after, limit); });
}
Result<store::AuditVerdict> FaultyStore::VerifyAudit() {
  return Run(StoreCall::kVerifyAudit, [&] { return inner_->VerifyAudit(); });
}

}  // namespace podium::testing
