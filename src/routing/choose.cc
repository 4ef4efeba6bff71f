#include "routing/choose.h"

#include <algorithm>
#include <cstddef>

namespace podium::routing {
namespace {

constexpr double kWhole = BasisPoints::kWhole;

Assignment Primary(const CompiledRoute& route, BasisPoints taken) {
  const Reason reason = route.primary == kNoVersion ? Reason::kNoPrimary : Reason::kPrimary;
  return {route.primary, reason, BasisPoints::kWhole - taken.value()};
}

Assignment AssignFixed(const CompiledRoute& route, int fine) {
  const bool canary = route.canary != kNoVersion;
  if (canary && fine < route.canary_share.value()) {
    return {route.canary, Reason::kCanary, route.canary_share.value()};
  }
  return Primary(route, canary ? route.canary_share : BasisPoints());
}

Assignment AssignArm(const CompiledRoute& route, int fine) {
  const auto after =
      std::upper_bound(route.arms.begin(), route.arms.end(), fine,
                       [](int bucket, const ArmSlot& arm) { return bucket < arm.begin; });
  if (after != route.arms.begin()) {
    const ArmSlot& arm = *(after - 1);
    if (fine < arm.end) return {arm.version, Reason::kArm, arm.weight.value()};
  }
  return Primary(route, route.arms_share);
}

SplitUnit SplitOf(const CompiledRoute& route) {
  return route.rollout ? route.rollout->unit : SplitUnit::kRoute;
}

bool IsKeyless(const CompiledRoute& route, const RequestIds& ids) {
  const SplitUnit unit = SplitOf(route);
  return (unit == SplitUnit::kSession && ids.session.empty()) ||
         (unit == SplitUnit::kUser && ids.user.empty());
}

Decision Undecided(const CompiledRoute& route, Generation generation, const RequestIds& ids) {
  const Unit unit = UnitOf(route, ids);
  Decision decision;
  decision.route = &route;
  decision.generation = generation;
  const BucketInput input = BucketInputOf(route);
  decision.bucket = BucketOf(input.layer, input.salt, unit.value);
  decision.unit_kind = unit.kind;
  decision.sticky = unit.kind != UnitKind::kRequest || !ids.request_made_here;
  return decision;
}

}  // namespace

std::string_view NameOf(Reason reason) {
  switch (reason) {
    case Reason::kPrimary:
      return "primary";
    case Reason::kCanary:
      return "canary";
    case Reason::kArm:
      return "arm";
    case Reason::kOverride:
      return "override";
    case Reason::kNoPrimary:
      return "no_primary";
  }
  return "no_primary";
}

Unit UnitOf(UnitKind sticky_on, const RequestIds& ids) {
  if (sticky_on == UnitKind::kUser && !ids.user.empty()) return {UnitKind::kUser, ids.user};
  if (sticky_on != UnitKind::kRequest && !ids.session.empty()) {
    return {UnitKind::kSession, ids.session};
  }
  return {UnitKind::kRequest, ids.request};
}

Unit UnitOf(const CompiledRoute& route, const RequestIds& ids) {
  switch (SplitOf(route)) {
    case SplitUnit::kRoute:
      return UnitOf(route.sticky_on, ids);
    case SplitUnit::kSession:
      if (!ids.session.empty()) return {UnitKind::kSession, ids.session};
      break;
    case SplitUnit::kUser:
      if (!ids.user.empty()) return {UnitKind::kUser, ids.user};
      break;
    case SplitUnit::kRequest:
      break;
  }
  return {UnitKind::kRequest, ids.request};
}

bool Decision::randomised() const {
  const bool by_hand = reason == Reason::kOverride || reason == Reason::kNoPrimary;
  if (by_hand || keyless) return false;
  if (route->policy == RoutePolicy::kAb) return route->arms_share.value() > 0;
  return route->primary != kNoVersion && route->canary_share.value() > 0;
}

// Without a canary and arms nothing depends on the bucket: it is shown all the same, from the
// route's own salt, so that a caller can always say where a unit falls.
BucketInput BucketInputOf(const CompiledRoute& route) {
  if (route.policy == RoutePolicy::kAb) return {Layer::kArms, route.salt};
  return {Layer::kCanary, route.canary_salt.empty() ? route.salt : route.canary_salt};
}

Assignment AssignmentAt(const CompiledRoute& route, int fine) {
  return route.policy == RoutePolicy::kAb ? AssignArm(route, fine) : AssignFixed(route, fine);
}

Decision Choose(const CompiledRoute& route, Generation generation, const RequestIds& ids) {
  Decision decision = Undecided(route, generation, ids);
  decision.keyless = IsKeyless(route, ids);
  const Assignment assigned =
      decision.keyless ? Primary(route, BasisPoints()) : AssignmentAt(route, decision.bucket.fine);
  decision.version = assigned.version;
  decision.reason = assigned.reason;
  decision.propensity = assigned.out_of_whole / kWhole;
  return decision;
}

VersionIndex FindOverride(const CompiledRoute& route, std::string_view wanted) {
  VersionIndex by_version = kNoVersion;
  bool ambiguous = false;
  for (std::size_t i = 0; i < route.versions.size(); ++i) {
    const ModelVersion& row = route.versions[i];
    if (row.model_id.get() == wanted) return static_cast<VersionIndex>(i);
    if (row.version != wanted) continue;
    ambiguous = by_version != kNoVersion;
    by_version = static_cast<VersionIndex>(i);
  }
  return ambiguous ? kNoVersion : by_version;
}

Decision ChooseOverride(const CompiledRoute& route, Generation generation, const RequestIds& ids,
                        VersionIndex version) {
  Decision decision = Undecided(route, generation, ids);
  decision.version = version;
  decision.reason = Reason::kOverride;
  return decision;
}

}  // namespace podium::routing
