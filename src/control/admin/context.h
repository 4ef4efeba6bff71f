// What every admin endpoint works with: the parts of the control plane, and the call in hand.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "auth/principal.h"
#include "base/clock.h"
#include "base/exposition.h"
#include "base/json.h"
#include "base/result.h"
#include "base/rng.h"
#include "base/task.h"
#include "control/admin/pools.h"
#include "domain/compare_report.h"
#include "domain/model_limits.h"
#include "domain/off_policy_report.h"
#include "domain/provider_state.h"
#include "net/handler.h"
#include "net/path_pattern.h"
#include "runtime/model_runtime.h"
#include "store/cost_store.h"
#include "store/model_store.h"
#include "store/own_place.h"
#include "store/prediction_store.h"
#include "store/registry_store.h"
#include "store/replica_store.h"
#include "store/rollout_store.h"
#include "view/follow_port.h"
#include "view/publish_port.h"
#include "view/recent_requests.h"
#include "view/rollout_port.h"
#include "view/shadow_tallies.h"
#include "view/stats_registry.h"

namespace podium::control {

struct AdminOptions {
  std::string build = "dev";
  std::string replica = "local";
  std::chrono::milliseconds load_timeout = limits::kLoadTimeout;
  std::chrono::milliseconds cache_ttl{30'000};
  std::size_t max_body_bytes = limits::kMaxAdminBodyBytes;
  std::size_t max_large_body_bytes = limits::kMaxImportBodyBytes;
  std::uint64_t max_artifact_bytes = limits::kMaxArtifactBytes;
  /// Where `file:` artifacts may lie; uploads go to the first.
  std::vector<std::filesystem::path> artifact_roots;
  /// As the publisher has them: a replayed decision compiles with the same.
  ProviderStates providers;
};

/// Calls that were admitted and have not been answered yet, by verb.
struct PendingVerbs {
  std::atomic<int> promote{0};
  std::atomic<int> other{0};
};

/// Rollouts that ended by a verb of this replica, its driver's moves included. Threads: any.
struct EndedRollouts {
  std::atomic<std::uint64_t> promoted{0};
  std::atomic<std::uint64_t> rolled_back{0};
  std::atomic<std::uint64_t> aborted{0};
};

/// What became of the last change that was brought to the registry: a full disk shows here, before
/// somebody needs a rollback. Threads: any.
class LastWrite {
 public:
  /// A refusal is the caller's affair; what the registry could not take is the operator's.
  void Note(const Error& error) {
    if (error.code != ErrorCode::kUnavailable && error.code != ErrorCode::kInternal) return;
    ++failures_;
    const std::lock_guard lock(mutex_);
    trouble_ = Describe(error);
  }
  void Succeeded() {
    const std::lock_guard lock(mutex_);
    trouble_.clear();
  }
  std::string trouble() const {  ///< Empty when it was written.
    const std::lock_guard lock(mutex_);
    return trouble_;
  }
  std::uint64_t failures() const { return failures_; }

 private:
  mutable std::mutex mutex_;
  std::string trouble_;
  std::atomic<std::uint64_t> failures_{0};
};

/// Threads: the references are to things that any thread may use.
struct AdminContext {
  store::RegistryStore& store;
  runtime::ModelRuntime& runtime;
  view::PublishPort& publisher;
  view::StatsRegistry& stats;
  const auth::Authenticator& authenticator;
  const Clock& clock;
  Rng& rng;
  ControlPools& pools;
  const view::RecentRequests& recent;
  AdminOptions options;
  /// Appends the gateway's own families to a scrape.
  std::function<void(Exposition&)> gateway_metrics;
  SteadyTime started;
  /// nullptr: nobody keeps costs, and there are no paths to them.
  store::CostStore* costs = nullptr;
  /// Brings prices to the cores; returns once they have them. Blocks.
  std::function<Status()> publish_prices = {};
  /// nullptr: this server is alone, and there is no path to replicas.
  store::ReplicaStore* replicas = nullptr;
  /// nullptr: MLflow's registry is not served, and there is no path to its audit trail.
  store::ModelStore* models = nullptr;
  /// Grows whenever the registry may have changed: who streams events looks again. May be nullptr.
  const std::atomic<std::uint64_t>* moves = nullptr;
  /// Of this server among `replicas`. nullptr: it has none, and silence counts at once.
  const store::OwnPlace* place = nullptr;
  /// nullptr: no route follows a registered model, and there are no paths for that.
  view::FollowPort* follow = nullptr;
  /// Told behind the commit when a registered model was changed here. Any thread; does not block.
  std::function<void()> models_changed = {};
  /// nullptr: nobody drives rollouts here, and there are no paths to them.
  store::RolloutStore* rollouts = nullptr;
  /// How they stand, without asking the registry. nullptr: only their marks are known here.
  const view::RolloutPort* driver = nullptr;
  /// nullptr: nobody gets copies, and there are no paths for that.
  view::ShadowTallies* shadows = nullptr;
  /// nullptr: nobody keeps predictions, and there are no paths to them.
  store::PredictionStore* predictions = nullptr;
  /// Where this server's segments of the prediction log lie.
  std::string predictions_folder = {};
  /// REQUIRES: with `predictions`. Blocks.
  std::function<Result<CompareReport>(const CompareQuestion&)> compare = {};
  /// REQUIRES: with `predictions`. Blocks.
  std::function<Result<OffPolicyAnswer>(const OffPolicyQuestion&)> evaluate = {};
  mutable std::atomic<std::size_t> event_readers{0};
  mutable PendingVerbs pending{};
  mutable LastWrite last_write{};
  mutable EndedRollouts ended_rollouts{};
  mutable std::atomic<bool> was_ready{false};
  std::atomic<bool> draining{false};
};

/// What /readyz says. Ready once the table was read and its primaries were loaded or found broken,
/// unless all of them are broken. From then on neither a lost database nor a failing model makes
/// the data plane unready; only draining does. Threads: any, the cores included: it takes no lock.
bool IsReady(const AdminContext& context, const view::CoreView& view);

/// One request to one endpoint, authenticated, its body read.
struct AdminCall {
  const AdminContext& context;
  net::Exchange& exchange;
  net::PathCaptures captures;
  auth::Principal principal;
  std::string request_id;
  Json body = Json::object();  ///< Of endpoints that read JSON; {} when the caller sent nothing.
};

using AdminReply = Task<Result<net::Response>>;

/// Who may call an endpoint, and what the dispatcher does with its body.
struct Endpoint {
  enum class Access : std::uint8_t { kOpen, kAdmin };
  enum class Body : std::uint8_t {
    kNone,
    kJson,
    kLargeJson,  ///< Up to AdminOptions::max_large_body_bytes, parsed away from the core.
    kStream,
  };
  /// Of what changes something: whether that has a revision, which If-Match may name.
  enum class Precondition : std::uint8_t { kRevision, kNone };

  AdminReply (*serve)(AdminCall& call) = nullptr;
  Access access = Access::kAdmin;
  Body body = Body::kNone;
  Precondition precondition = Precondition::kRevision;
};
using AdminRoutes = net::PathRouter<Endpoint>;

/// The version that {id} of the path names.
ModelId VersionIdOf(const AdminCall& call);
/// A 200 (or `status`) with a JSON body.
net::Response JsonResponse(const Json& value, int status = 200);

// One file per resource adds its paths.
void AddVersionEndpoints(AdminRoutes& routes);
void AddRouteEndpoints(AdminRoutes& routes);
/// REQUIRES: AdminContext::follow.
void AddFollowEndpoints(AdminRoutes& routes);
/// REQUIRES: AdminContext::rollouts.
void AddRolloutEndpoints(AdminRoutes& routes);
void AddRolloutReportEndpoints(AdminRoutes& routes);
/// REQUIRES: AdminContext::shadows.
void AddShadowEndpoints(AdminRoutes& routes);
void AddExplainEndpoints(AdminRoutes& routes);
void AddQualityEndpoints(AdminRoutes& routes);
void AddArtifactEndpoints(AdminRoutes& routes);
void AddAuditEndpoints(AdminRoutes& routes);
void AddModelAuditEndpoints(AdminRoutes& routes);
/// REQUIRES: AdminContext::models.
void AddImportEndpoints(AdminRoutes& routes);
void AddMetricEndpoints(AdminRoutes& routes);
void AddOperationEndpoints(AdminRoutes& routes);
/// REQUIRES: AdminContext::replicas.
void AddReplicaEndpoints(AdminRoutes& routes);
void AddEventEndpoints(AdminRoutes& routes);
/// REQUIRES: AdminContext::costs.
void AddCostEndpoints(AdminRoutes& routes);
/// REQUIRES: AdminContext::predictions.
void AddPredictionEndpoints(AdminRoutes& routes);
void AddFeedbackEndpoints(AdminRoutes& routes);
void AddCompareEndpoints(AdminRoutes& routes);
void AddEvaluateEndpoints(AdminRoutes& routes);

}  // namespace podium::control
