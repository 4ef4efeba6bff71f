#include "store/memory_cost_store.h"

#include <algorithm>
#include <tuple>

#include "base/limits.h"

namespace podium::store {

Result<RecordedCosts> MemoryCostStore::RecordCosts(std::span<const CostEvent> events) {
  const std::lock_guard lock(mutex_);
  const SteadyTime deadline = clock_.SteadyNow() + limits::kRecordTransaction;
  RecordedCosts done;
  for (const CostEvent& event : events.first(std::min(events.size(), limits::kCostBatch))) {
    if (events_.try_emplace(event.event_id, event).second) {
      sums_.Add(event);
      ++done.inserted;
    }
    ++done.taken;
    if (clock_.SteadyNow() >= deadline) break;
  }
  return done;
}

Result<std::size_t> MemoryCostStore::DropCostEvents(WallTime before) {
  const std::lock_guard lock(mutex_);
  return std::erase_if(events_, [&](const auto& row) { return row.second.at < before; });
}

Result<std::vector<ModelCost>> MemoryCostStore::ReadCosts(WallTime from, WallTime to) {
  const std::lock_guard lock(mutex_);
  std::map<std::string, ModelCost> models;
  for (const auto& [id, event] : events_) {
    if (event.at < from || event.at >= to) continue;
    ModelCost& model = models[event.model_id];
    model.model_id = event.model_id;
    model.cost = AddUpTo(model.cost, event.cost.value_or(NanoUsd{}));
    ++model.calls;
    model.tokens_in += event.usage.input_tokens();
    model.tokens_out += event.usage.output_tokens();
    model.priced_tokens += event.cost ? event.usage.total_tokens() : 0;
    model.unpriced_calls += event.cost ? 0 : 1;
    model.estimated_calls += event.usage.estimated ? 1 : 0;
  }
  std::vector<ModelCost> sorted;
  for (auto& [id, model] : models) sorted.push_back(std::move(model));
  std::sort(sorted.begin(), sorted.end(), [](const ModelCost& a, const ModelCost& b) {
    return std::tie(b.cost, a.model_id) < std::tie(a.cost, b.model_id);
  });
  return sorted;
}

Result<std::vector<DailyCost>> MemoryCostStore::ReadDailyCosts() {
  const std::lock_guard lock(mutex_);
  std::vector<DailyCost> days;
  for (const auto& [key, day] : sums_.days()) days.push_back(day);
  return days;
}

Result<std::map<RouteName, ShadowCost>> MemoryCostStore::ReadShadowCosts(WallTime from, WallTime to,
                                                                         const std::string& own) {
  const std::lock_guard lock(mutex_);
  std::map<RouteName, ShadowCost> routes;
  for (const auto& [id, event] : events_) {
    if (event.kind != AttemptKind::kShadow || event.at < from || event.at >= to) continue;
    ShadowCost& sum = routes[RouteName(event.route)];
    const NanoUsd cost = event.cost.value_or(NanoUsd{});
    sum.all = AddUpTo(sum.all, cost);
    if (id.starts_with(own)) sum.own = AddUpTo(sum.own, cost);
  }
  return routes;
}

Result<std::vector<CostEvent>> MemoryCostStore::ReadCostEvents(const std::string& after,
                                                               int limit) {
  const std::lock_guard lock(mutex_);
  std::vector<CostEvent> events;
  for (auto at = events_.upper_bound(after); at != events_.end() && limit > 0; ++at, --limit) {
    events.push_back(at->second);
  }
  return events;
}

Result<Price> MemoryCostStore::AddPrice(const Price& price) {
  const std::lock_guard lock(mutex_);
  if (prices_.size() >= limits::kMaxPrices) {
    return Fail(ErrorCode::kLimited, "there are {} prices, which is the most that are kept",
                limits::kMaxPrices);
  }
  prices_.push_back(price);
  prices_.back().id = static_cast<std::int64_t>(prices_.size());
  prices_.back().created_at = clock_.Now();
  return prices_.back();
}

Result<std::vector<Price>> MemoryCostStore::ReadPrices() {
  const std::lock_guard lock(mutex_);
  return prices_;
}

}  // namespace podium::store
