// Rows of the registry for the tests of this module: a test names only what matters to it.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "routing/table.h"

namespace podium::routing {

inline BasisPoints Share(int basis_points) { return BasisPoints::From(basis_points).value(); }
inline WallTime Day(int day) { return WallTime(std::chrono::hours(24 * day)); }

class VersionRow {
 public:
  explicit VersionRow(std::string id, VersionStatus status = VersionStatus::kStandby) {
    row_.version = id + "-version";
    row_.model_id = ModelId(std::move(id));
    row_.route = RouteName("tumour");
    row_.provider_key = kLocalProvider;
    row_.status = status;
  }
  VersionRow& On(std::string route) { return row_.route = RouteName(std::move(route)), *this; }
  VersionRow& Version(std::string version) { return row_.version = std::move(version), *this; }
  VersionRow& Provider(std::string key) { return row_.provider_key = std::move(key), *this; }
  VersionRow& Taking(int basis_points) { return row_.share = Share(basis_points), *this; }
  VersionRow& Created(int day) { return row_.created_at = Day(day), *this; }
  VersionRow& Deleted() { return row_.deleted = true, *this; }
  operator ModelVersion() const { return row_; }  // NOLINT(google-explicit-constructor): a builder.

 private:
  ModelVersion row_;
};

inline VersionRow Primary(std::string id) {
  return VersionRow(std::move(id), VersionStatus::kPrimary);
}
inline VersionRow Canary(std::string id, int basis_points) {
  return VersionRow(std::move(id), VersionStatus::kCanary).Taking(basis_points);
}
inline VersionRow Arm(std::string id) { return VersionRow(std::move(id), VersionStatus::kArm); }

class RouteRow {
 public:
  explicit RouteRow(std::string name = "tumour") {
    row_.name = RouteName(std::move(name));
    row_.sticky_on = "session";
    row_.salt = "arms-salt";
    row_.canary_salt = "r1";
  }
  RouteRow& StickyOn(std::string unit) { return row_.sticky_on = std::move(unit), *this; }
  RouteRow& Salt(std::string salt) { return row_.salt = std::move(salt), *this; }
  RouteRow& CanarySalt(std::string salt) { return row_.canary_salt = std::move(salt), *this; }
  RouteRow& Previous(std::string id) {
    return row_.previous_primary = ModelId(std::move(id)), *this;
  }
  RouteRow& RollingOut(SplitUnit unit) {
    row_.rollout.emplace();
    row_.rollout->unit = unit;
    return *this;
  }
  RouteRow& Ab() { return row_.policy = RoutePolicy::kAb, *this; }
  /// The next slot, as the store numbers them.
  RouteRow& WithArm(std::string id, int basis_points) {
    return WithArmAt(static_cast<int>(row_.arms.size()), std::move(id), basis_points);
  }
  RouteRow& WithArmAt(int slot, std::string id, int basis_points) {
    row_.policy = RoutePolicy::kAb;
    row_.arms.push_back({ModelId(std::move(id)), slot, Share(basis_points)});
    return *this;
  }
  operator Route() const { return row_; }  // NOLINT(google-explicit-constructor): a builder.

 private:
  Route row_;
};

}  // namespace podium::routing
