// What every call to a model is, whatever answers it: who calls, by which ids, on which view, and
// which version it was assigned to.
//
// The only place of the data plane that pins a view for a call, and the only one that decides,
// counts and tells what was decided.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "gateway/call_codec.h"
#include "gateway/gateway_core.h"
#include "gateway/passage.h"
#include "net/handler.h"
#include "routing/choose.h"
#include "routing/serve_chain.h"
#include "view/core_view.h"
#include "view/rollout_tally.h"

namespace podium::gateway {

/// What a path asks for.
struct CallTarget {
  std::string route;
  std::string version;  ///< An override, as X-Podium-Model-Version is; empty: the table decides.
};

/// Which version of a route's answers, given what is ready here.
struct Serving {
  routing::VersionIndex version = routing::kNoVersion;  ///< kNoVersion: none of the chain is ready.
  routing::ServeReason reason = routing::ServeReason::kAssigned;
  int attempts = 0;  ///< Elements of the chain that were looked at.
};

/// Threads: its core's.
class RoutedCall {
 public:
  /// Pins the view: what follows sees this table and no other (invariant 3).
  /// Core, exchange and passage outlive the call. REQUIRES: the passage was entered.
  RoutedCall(GatewayCore& core, net::Exchange& exchange, CallTarget target, Passage& passage);

  Status TakeIds(const BodyIds& from_body);
  void set_route(std::string route) { target_.route = std::move(route); }
  bool names_version() const;

  /// Finds the route: null when the table has none of that name.
  const view::RouteView* FindRoute();
  /// What stands in its way, once the route's name is known. Before any model is asked.
  Status Admit(std::string_view body);
  /// REQUIRES: FindRoute has found one. Errors: of an override.
  Status Assign();
  /// The error for a route that is not there.
  Failure NoSuchRoute() const;
  /// What the route's `sticky_on` makes of the call's ids. REQUIRES: FindRoute has found one.
  Unit unit() const;

  const view::CoreView& view() const { return *view_; }
  const view::RouteView* route() const { return route_; }
  const std::string& route_name() const { return target_.route; }
  const std::string& request_id() const { return request_id_; }
  Passage& passage() const { return passage_; }
  bool assigned() const { return decision_.has_value(); }
  /// REQUIRES: assigned().
  const routing::Decision& decision() const { return *decision_; }
  bool is_override() const { return decision_ && decision_->reason == routing::Reason::kOverride; }
  const ModelVersion& At(routing::VersionIndex version) const { return route_->route->At(version); }
  const view::VersionServing& ServingOf(routing::VersionIndex version) const {
    return route_->serving[version];
  }
  /// Null when the call is not logged as a prediction.
  LoggedCall* logged() const { return passage_.logged(); }
  bool is_canary(routing::VersionIndex version) const {
    return route_ != nullptr && version != routing::kNoVersion && version == route_->route->canary;
  }

  /// Counts the call into its route's rollout, if one runs, and gives the ticket for its outcome:
  /// none if it is no evidence. Once, when all that can be said against the request itself has been
  /// said and just before a model is asked: what a caller does wrong is no evidence, and to be
  /// counted must not depend on the arm. `is_able` says whether a version could serve it here.
  /// The ticket lives as long as the view. REQUIRES: assigned().
  template <typename IsAble>
  view::RolloutTicket EnterRollout(IsAble is_able) {
    if (route_ == nullptr || route_->tally == nullptr) return {};
    const routing::CompiledRoute& route = *route_->route;
    const auto able = [&](routing::VersionIndex version) {
      return version != routing::kNoVersion && is_able(version);
    };
    ticket_ = CountIn({able(route.primary), able(route.canary)});
    return ticket_;
  }

  /// For callers that may hear why something does not work here.
  bool for_admin() const;
  /// Before an answer that tells it: an id is made if the call failed before it had one.
  void RequireRequestId();

  /// Counts what a version did. What somebody chose by hand says nothing of the versions that
  /// chance tells apart: it is counted by itself (B3).
  void Count(routing::VersionIndex version, view::Outcome outcome,
             std::chrono::nanoseconds latency) const;
  /// With the answer: the assigned version was not asked, another one was.
  void CountNotServed(routing::VersionIndex served) const;
  /// What `podium explain --request` shows; nothing, if nothing was decided.
  void Remember(const Serving& serving, int status) const;
  /// The same, and the call has ended.
  void Finish(const Serving& serving, int status) const;

  /// x-request-id, and x-podium-route, -generation, -bucket; -ticket for what a rollout counts if
  /// something of it is reported later.
  void AddHeaders(net::Response& response) const;
  /// x-podium-reason, -attempts, -model, -version, -canary. REQUIRES: assigned().
  void AddServingHeaders(const Serving& serving, net::Response& response) const;

 private:
  Result<std::string_view> WantedVersion() const;
  view::RolloutTicket CountIn(const view::ArmsHere& arms) const;
  routing::RequestIds Ids() const;
  std::string_view UnitText() const;
  void BeginLog() const;

  GatewayCore& core_;
  net::Exchange& exchange_;
  CallTarget target_;
  Passage& passage_;
  const view::ViewPtr view_;
  const view::RouteView* route_ = nullptr;
  std::string session_id_;
  std::string user_;
  std::string request_id_;
  bool request_id_made_here_ = false;
  std::optional<routing::Decision> decision_;
  view::RolloutTicket ticket_;
  std::string_view body_;  // As long as the exchange.
};

}  // namespace podium::gateway
