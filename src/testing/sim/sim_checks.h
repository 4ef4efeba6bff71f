// Invariants 1 to 8 of the design, judged from outside: by the rows as the store has them, by the
// published formula, and by what callers were told.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "net/response.h"
#include "runtime/model_runtime.h"
#include "store/registry_store.h"
#include "testing/sim/plain_rows.h"
#include "testing/sim/sim_calls.h"
#include "view/core_view.h"
#include "view/publish_port.h"

namespace podium::testing {

/// What of a living server the checks look at after each step.
struct ServerSight {
  const std::vector<view::ViewCell>& cells;
  const runtime::ModelRuntime& runtime;
  const view::PublishPort& publisher;
};

/// Keeps the first violation. Facts are told as they happen; AfterStep judges what stands.
/// Threads: one at a time.
class SimChecks {
 public:
  SimChecks(const RowHistory& rows, const BadRows& bad) : rows_(rows), bad_(bad) {}

  void LifeBegins(std::size_t cores);
  /// `server` carried it out; null: another process did.
  void Committed(const store::Committed& committed, const ServerSight* server);
  /// `core` has taken `view` over.
  void Published(std::size_t core, const view::CoreView& view);
  void Answered(const SimPrediction& call, const net::Response& response);
  void Answered(const SimVerb& verb, const net::Response& response, const ServerSight& server);
  /// `raw` is the store itself, behind all faults. `server` is null while there is none.
  void AfterStep(store::RegistryStore& raw, const ServerSight* server);
  /// Walks the whole audit trail.
  void AuditIsIntact(store::RegistryStore& raw);

  void Fail(std::string what);
  const std::string& failure() const { return failure_; }

 private:
  void Invariant1OneHolderPerRole();
  void Invariant2AuditAndEventsMatch(store::RegistryStore& raw);
  void Invariant2Link(const Promotion& row);
  void Invariant2OnlyItsRouteChanged(const Promotion& row);
  void Invariant2Acknowledged(const SimVerb& verb, Revision revision);
  void Invariant3GenerationsNeverDecrease(std::size_t core, const view::CoreView& view);
  void Invariant4OnlyBadRowsAreSetAside(const ServerSight& server);
  void Invariant5SameUnitSameVersion(const view::RouteView& route, Revision revision);
  void Invariant6RaisingOnlyMovesToTheCanary(const PlainRoute& before, const PlainRoute& after,
                                             const std::vector<std::string>& assigned_before,
                                             const std::vector<std::string>& assigned_after);
  void Invariant7CommittedOnlyWhatIsReady(const store::Committed& committed,
                                          const ServerSight& server);
  void Invariant7ReadyStaysReady(std::size_t core, const view::CoreView& view);
  void Invariant5And7Served(const SimPrediction& call, const net::Response& response,
                            const PlainAssignment& assigned);
  void Invariant8StillAnswers(const SimPrediction& call, int status);
  const ModelVersion* ExpectedToServe(const SimPrediction& call, const PlainRoute& route,
                                      const PlainAssignment& assigned) const;
  bool IsReadyIn(const view::CoreView& view, const RouteName& route, const ModelId& id) const;

  const RowHistory& rows_;
  const BadRows& bad_;
  std::string failure_;
  std::uint64_t steps_ = 0;

  std::vector<Promotion> audit_;  ///< Every row so far, by revision.
  std::int64_t events_ = 0;
  std::map<std::string, Revision> by_request_;
  std::set<std::string> refused_;

  // By revision: what each probe unit of a route was assigned to, on whichever core, in whichever
  // life.
  std::map<std::pair<RouteName, Revision>, std::vector<std::string>> assigned_;

  // Of this life.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> newest_;  ///< Generation, sequence by core.
  std::map<std::pair<std::size_t, RouteName>, std::set<ModelId>> ready_;
  std::vector<std::uint64_t> ready_at_;
  std::set<std::pair<std::size_t, RouteName>> answers_;  ///< (core, route) that answered 200 …
  std::map<RouteName, Revision> foreign_;  ///< … since another process last wrote the route.
};

}  // namespace podium::testing
