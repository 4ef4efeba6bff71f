// One prediction, step by step: pin, identify, choose, read, run, record, answer.
//
// Every protocol goes through here and differs only in its codec. The steps are plain functions;
// the handler carries them between the core and the pool.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gateway/call_codec.h"
#include "gateway/gateway_core.h"
#include "net/handler.h"
#include "routing/choose.h"
#include "routing/serve_chain.h"
#include "view/core_view.h"

namespace podium::gateway {

/// Which version of a route's answers, given what is ready here.
struct Serving {
  routing::VersionIndex version = routing::kNoVersion;  ///< kNoVersion: none of the chain is ready.
  routing::ServeReason reason = routing::ServeReason::kAssigned;
  int attempts = 0;  ///< Elements of the chain that were looked at.
};
/// Pure. An override is never answered by another version.
Serving FirstReady(const view::RouteView& route, const routing::Decision& decision);

/// State and reason, in a few words. The reason of a failed load names files of this server: that
/// is not for strangers.
std::string WhyNotReady(const view::VersionServing& serving, bool for_admin);

/// What a path asks for.
struct CallTarget {
  std::string route;
  std::string version;  ///< An override, as X-Podium-Model-Version is; empty: the table decides.
};

/// Threads: on one core, but for Run, which any thread may call once Prepare has succeeded.
class PredictCall {
 public:
  /// Pins the view: what follows sees this table and no other (invariant 3).
  /// Core, exchange and codec outlive the call.
  PredictCall(GatewayCore& core, net::Exchange& exchange, CallCodec& codec, CallTarget target);

  /// Everything up to the model: identity, ids, Choose, readiness, tensors.
  Status Prepare(std::string_view body);
  /// Whether the model is quick enough for this many rows to run on the I/O core.
  bool runs_inline() const;
  const LoadedModel* model() const { return serving_here().model.get(); }
  Result<std::vector<Tensor>> Run() const;
  /// Writes the answer and records it: the one place where an outcome is counted.
  void Answer(Result<std::vector<Tensor>> outputs, net::Response& response);
  /// The answer when Prepare failed, or the body could not be read.
  void Refuse(const Error& error, net::Response& response);

 private:
  Status Identify();
  Status TakeIds(const BodyIds& from_body);
  bool names_version() const;
  Result<std::string_view> WantedVersion() const;
  Status Assign();
  bool is_override() const { return decision_->reason == routing::Reason::kOverride; }
  const ModelVersion& served() const { return route_->route->At(serving_.version); }
  const view::VersionServing& serving_here() const { return route_->serving[serving_.version]; }
  Status CheckServable() const;
  void Record(view::Outcome outcome, WallTime now);
  void Remember(int status, WallTime now);
  void CountNotServed();
  void AddHeaders(net::Response& response) const;

  GatewayCore& core_;
  net::Exchange& exchange_;
  CallCodec& codec_;
  const CallTarget target_;
  const view::ViewPtr view_;
  const view::RouteView* route_ = nullptr;
  auth::Principal principal_;
  std::string session_id_;
  std::string request_id_;
  bool request_id_made_here_ = false;
  std::optional<routing::Decision> decision_;
  Serving serving_;
  CallInputs inputs_;
  mutable std::optional<std::chrono::nanoseconds> model_time_;  // Unset: the model did not run.
};

}  // namespace podium::gateway
