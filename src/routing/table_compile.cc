// One route's rows into one compiled route.

#include <algorithm>
#include <span>
#include <tuple>
#include <utility>

#include "domain/names.h"
#include "routing/arm_layout.h"
#include "routing/table.h"

namespace podium::routing {
namespace {

class RouteCompilation {
 public:
  RouteCompilation(const RouteRows& rows, const std::vector<std::string>& known_providers)
      : rows_(rows), known_providers_(known_providers), route_(std::make_shared<CompiledRoute>()) {}

  CompileResult Run() && {
    CopyRoute();
    CollectVersions();
    FillRoles();
    if (route_->policy == RoutePolicy::kAb) PlaceArms();
    return {std::move(route_), std::move(faults_)};
  }

 private:
  template <typename... Args>
  void Fault(std::string_view row, fmt::format_string<Args...> problem, Args&&... args) {
    faults_.push_back(
        {rows_.route.name, std::string(row), fmt::format(problem, std::forward<Args>(args)...)});
  }

  void CopyRoute() {
    const Route& row = rows_.route;
    route_->name = row.name;
    route_->policy = row.policy;
    route_->updated_at = row.updated_at;
    route_->revision = row.revision;
    route_->follow = row.follow;
    // A rollout moves the canary layer, which a route with arms does not have.
    if (row.policy == RoutePolicy::kFixed) route_->rollout = row.rollout;
    route_->shadow = row.shadow;
    route_->challenger = row.challenger;
    route_->sticky_on = StickyOn();
    route_->salt = UsableSalt("salt", row.salt);
    route_->canary_salt = UsableSalt("canary_salt", row.canary_salt);
  }

  UnitKind StickyOn() {
    for (const UnitKind kind : {UnitKind::kSession, UnitKind::kUser, UnitKind::kRequest}) {
      if (rows_.route.sticky_on == NameOf(kind)) return kind;
    }
    if (!rows_.route.sticky_on.empty()) {
      Fault("",
            "sticky_on \"{}\" is not known: set it to session or user; sessions stick meanwhile",
            rows_.route.sticky_on);
    }
    return UnitKind::kSession;
  }

  std::string UsableSalt(std::string_view column, const std::string& salt) {
    if (salt.empty()) return {};  // A fault only where one is needed.
    if (const Status good = CheckSalt(salt); !good) {
      Fault("", "{} is not usable: {}", column, good.error().message);
      return {};
    }
    return salt;
  }

  bool Known(const std::string& provider) const {
    return provider == kLocalProvider || std::find(known_providers_.begin(), known_providers_.end(),
                                                   provider) != known_providers_.end();
  }

  // Keeps the rows that can serve, each role once, by model_id.
  void CollectVersions() {
    std::vector<const ModelVersion*> rows;
    for (const ModelVersion& row : rows_.versions) {
      if (!row.deleted && row.status != VersionStatus::kRetired) rows.push_back(&row);
    }
    std::sort(rows.begin(), rows.end(), [](const ModelVersion* a, const ModelVersion* b) {
      return std::tie(a->created_at, a->model_id) < std::tie(b->created_at, b->model_id);
    });
    const ModelVersion* primary = nullptr;
    const ModelVersion* canary = nullptr;
    for (const ModelVersion* row : rows) {
      const std::string& id = row->model_id.get();
      if (!Known(row->provider_key)) {
        Fault(id, "provider \"{}\" is not configured: add it or retire the version",
              row->provider_key);
        continue;
      }
      if (row->status == VersionStatus::kPrimary && !TakeRole(primary, *row)) continue;
      if (row->status == VersionStatus::kCanary && !TakeRole(canary, *row)) continue;
      if (route_->versions.size() == kNoVersion) {
        Fault(id, "a route holds at most {} versions: retire some", kNoVersion);
        continue;
      }
      route_->versions.push_back(*row);
    }
    std::sort(route_->versions.begin(), route_->versions.end(),
              [](const ModelVersion& a, const ModelVersion& b) { return a.model_id < b.model_id; });
  }

  // Rows come oldest first, so the first to ask has the role.
  bool TakeRole(const ModelVersion*& holder, const ModelVersion& row) {
    if (holder == nullptr) {
      holder = &row;
      return true;
    }
    Fault(row.model_id.get(), "is {} beside the older {}: retire one of them", NameOf(row.status),
          holder->model_id.get());
    return false;
  }

  VersionIndex IndexOf(const ModelId& id) const {
    const auto found = std::lower_bound(
        route_->versions.begin(), route_->versions.end(), id,
        [](const ModelVersion& row, const ModelId& wanted) { return row.model_id < wanted; });
    if (found == route_->versions.end() || found->model_id != id) return kNoVersion;
    return static_cast<VersionIndex>(found - route_->versions.begin());
  }

  void FillRoles() {
    for (std::size_t i = 0; i < route_->versions.size(); ++i) {
      const ModelVersion& row = route_->versions[i];
      const auto index = static_cast<VersionIndex>(i);
      if (row.status == VersionStatus::kPrimary) route_->primary = index;
      if (row.status == VersionStatus::kCanary) FillCanary(row, index);
    }
    if (rows_.route.previous_primary) {
      const VersionIndex previous = IndexOf(*rows_.route.previous_primary);
      if (previous != route_->primary) route_->previous_primary = previous;
    }
  }

  void FillCanary(const ModelVersion& row, VersionIndex index) {
    const std::string& id = row.model_id.get();
    if (route_->policy != RoutePolicy::kFixed) {
      Fault(id,
            "is a canary, but the route's policy is {}: end the canary or set the policy to fixed",
            NameOf(route_->policy));
      return;
    }
    route_->canary = index;
    if (row.share.value() > 0 && route_->canary_salt.empty()) {
      Fault(id,
            "has a share of {} %, but the route has no usable canary salt: end the canary and "
            "start it anew",
            FormatPercent(row.share));
      return;
    }
    route_->canary_share = row.share;
  }

  void PlaceArms() {
    std::vector<const RouteArm*> arms;
    for (const RouteArm& arm : rows_.route.arms) arms.push_back(&arm);
    std::sort(arms.begin(), arms.end(), [](const RouteArm* a, const RouteArm* b) {
      return std::tie(a->slot, a->model_id, a->weight) < std::tie(b->slot, b->model_id, b->weight);
    });
    std::vector<ArmClaim> claims;
    std::vector<ModelId> seen;
    int room = BasisPoints::kWhole;
    int held = 0;
    for (const RouteArm* arm : arms) {
      if (!Fits(*arm, room)) continue;
      room -= arm->weight.value();
      const VersionIndex version = VersionOf(*arm, seen);
      if (version != kNoVersion) held += arm->weight.value();
      claims.push_back({arm->slot, arm->weight, version});
    }
    if (held > 0 && route_->salt.empty()) {
      Fault("", "has arms but no usable salt: set the arms anew");
      return;
    }
    route_->arms = LayOutArms(claims);
    route_->arms_share = BasisPoints::From(held).value();
  }

  bool Fits(const RouteArm& arm, int room) {
    if (arm.slot < 0) {
      Fault(arm.model_id.get(), "has slot {}: slots count from 0", arm.slot);
      return false;
    }
    if (arm.weight.value() > room) {
      Fault(arm.model_id.get(), "asks for {} % where the arms before it leave {} %",
            FormatPercent(arm.weight), FormatPercent(BasisPoints::From(room).value()));
      return false;
    }
    return true;
  }

  // kNoVersion sets the arm aside; it keeps its buckets, so that other arms' units stay.
  VersionIndex VersionOf(const RouteArm& arm, std::vector<ModelId>& seen) {
    if (std::find(seen.begin(), seen.end(), arm.model_id) != seen.end()) {
      Fault(arm.model_id.get(), "is an arm twice: slot {} is left to the control", arm.slot);
      return kNoVersion;
    }
    seen.push_back(arm.model_id);
    const VersionIndex version = IndexOf(arm.model_id);
    if (version == kNoVersion) {
      Fault(arm.model_id.get(),
            "is an arm but no usable version of the route: slot {} is left to "
            "the control",
            arm.slot);
    }
    return version;
  }

  const RouteRows& rows_;
  const std::vector<std::string>& known_providers_;
  std::shared_ptr<CompiledRoute> route_;
  std::vector<CompileFault> faults_;
};

}  // namespace

CompileResult CompileRoute(const RouteRows& rows, const std::vector<std::string>& known_providers) {
  return RouteCompilation(rows, known_providers).Run();
}

}  // namespace podium::routing
