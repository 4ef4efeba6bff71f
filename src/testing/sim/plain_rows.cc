#include "testing/sim/plain_rows.h"

#include <xxhash.h>

#include <algorithm>

#include "base/assert.h"

namespace podium::testing {
namespace {

constexpr int kBuckets = 10'000;

// XXH3-64 of salt, separator and unit; its last two decimal digits, then the two before them.
int FineBucket(const std::string& salt, char separator, const std::string& unit) {
  const std::string text = salt + separator + unit;
  const std::uint64_t hash = XXH3_64bits(text.data(), text.size());
  return static_cast<int>(hash % 100 * 100 + hash / 100 % 100);
}

// 0, 1/2, 1/4, 3/4, 1/8 … of the ring for the pairs of slots 0-1, 2-3, …
int PairOrigin(int slot) {
  double place = 0;
  double half = 0.5;
  for (int pair = slot / 2; pair > 0; pair /= 2, half /= 2) place += (pair % 2) * half;
  return static_cast<int>(place * kBuckets);
}

// Each arm walks from its origin, even slots up and odd ones down, over what is still free.
std::vector<int> LayOut(const std::vector<RouteArm>& arms) {
  if (arms.empty()) return {};
  std::vector<int> owner(kBuckets, -1);
  for (std::size_t i = 0; i < arms.size(); ++i) {
    int at = PairOrigin(arms[i].slot);
    const int step = arms[i].slot % 2 == 0 ? 1 : -1;
    if (step < 0) at -= 1;
    for (int left = arms[i].weight.value(); left > 0; at += step) {
      int& holder = owner[static_cast<std::size_t>((at + kBuckets) % kBuckets)];
      if (holder != -1) continue;
      holder = static_cast<int>(i);
      --left;
    }
  }
  return owner;
}

const ModelVersion* Unless(const ModelVersion* row, const BadRows& bad) {
  return row == nullptr || bad.contains(row->model_id) ? nullptr : row;
}

}  // namespace

const ModelVersion* PlainRoute::Holder(VersionStatus status) const {
  const auto found = std::find_if(versions.begin(), versions.end(),
                                  [&](const auto& item) { return item.second.status == status; });
  return found == versions.end() ? nullptr : &found->second;
}

int PlainRoute::Count(VersionStatus status) const {
  return static_cast<int>(std::count_if(versions.begin(), versions.end(), [&](const auto& item) {
    return item.second.status == status;
  }));
}

bool PlainRoute::IsLive(const ModelId& id) const {
  const auto found = versions.find(id);
  if (found == versions.end()) return false;
  if (found->second.status == VersionStatus::kPrimary) return true;
  if (found->second.status == VersionStatus::kCanary) return found->second.share.value() > 0;
  return std::any_of(row.arms.begin(), row.arms.end(), [&](const RouteArm& arm) {
    return arm.model_id == id && arm.weight.value() > 0;
  });
}

bool PlainRoute::HasBad(const BadRows& bad) const {
  return std::any_of(bad.begin(), bad.end(),
                     [&](const auto& item) { return versions.contains(item.first); });
}

PlainAssignment AssignPlainly(const PlainRoute& route, const std::string& unit,
                              const BadRows& bad) {
  PlainAssignment assigned;
  const ModelVersion* challenger = nullptr;
  if (route.row.policy == RoutePolicy::kAb) {
    assigned.bucket = FineBucket(route.row.salt, '\x1E', unit);
    assigned.reason = "arm";
    const int arm = route.arm_of_bucket[static_cast<std::size_t>(assigned.bucket)];
    if (arm >= 0) {
      challenger = &route.versions.at(route.row.arms[static_cast<std::size_t>(arm)].model_id);
    }
  } else {
    const std::string& salt =
        route.row.canary_salt.empty() ? route.row.salt : route.row.canary_salt;
    assigned.bucket = FineBucket(salt, '\x1F', unit);
    assigned.reason = "canary";
    const ModelVersion* canary = route.Holder(VersionStatus::kCanary);
    if (canary != nullptr && assigned.bucket < canary->share.value()) challenger = canary;
  }
  assigned.version = Unless(challenger, bad);
  if (assigned.version != nullptr) return assigned;
  assigned.version = Unless(route.Holder(VersionStatus::kPrimary), bad);
  assigned.reason = assigned.version == nullptr ? "no_primary" : "primary";
  return assigned;
}

void RowHistory::Absorb(const store::TableDelta& delta) {
  PODIUM_ASSERT(delta.revision.get() == revision().get() + 1);
  std::map<RouteName, std::shared_ptr<PlainRoute>> changed;
  PlainTable table = now();
  const auto route_of = [&](const RouteName& name) -> PlainRoute& {
    std::shared_ptr<PlainRoute>& route = changed[name];
    if (!route) {
      const auto before = table.find(name);
      route = before == table.end() ? std::make_shared<PlainRoute>()
                                    : std::make_shared<PlainRoute>(*before->second);
    }
    return *route;
  };
  for (const Route& row : delta.routes) {
    route_of(row.name).row = row;
    route_of(row.name).arm_of_bucket = LayOut(row.arms);
  }
  for (const ModelVersion& row : delta.versions) {
    PlainRoute& route = route_of(row.route);
    route.versions.erase(row.model_id);
    if (!row.deleted) route.versions.emplace(row.model_id, row);
  }
  for (auto& [name, route] : changed) table[name] = std::move(route);
  tables_.push_back(std::move(table));
}

const PlainRoute* RowHistory::RouteAt(Revision revision, const RouteName& route) const {
  const PlainTable& table = At(revision);
  const auto found = table.find(route);
  return found == table.end() ? nullptr : found->second.get();
}

const PlainRoute* RowHistory::RouteOf(const ModelId& id) const {
  for (const auto& [name, route] : now()) {
    if (route->versions.contains(id)) return route.get();
  }
  return nullptr;
}

}  // namespace podium::testing
