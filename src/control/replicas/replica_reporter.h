// Tells the registry that this replica serves, what its cores have applied, and which versions it
// can serve: what other replicas' verbs wait for.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "store/own_place.h"
#include "store/replica_store.h"
#include "view/core_view.h"
#include "view/publish_port.h"

namespace podium::control {

/// By id, of versions that are ready or failed.
using ToldVersions = std::map<ModelId, store::ReplicaVersion>;

/// What this replica says of each version that its view shows ready or failed. A version whose row
/// was set aside has failed: no wait would make it ready.
ToldVersions VersionsIn(const view::PublishState& state);

/// What has to be told so that `told` becomes `now`: at most limits::kReplicaReportBatch of each
/// kind, the rest is for the next beat.
struct ReportStep {
  std::vector<store::ReplicaVersion> reported;
  std::vector<ModelId> withdrawn;
  bool more = false;
};
ReportStep NextReport(const ToldVersions& told, const ToldVersions& now);

/// Threads: one at a time; all of it blocks.
class ReplicaReporter {
 public:
  /// What other replicas' verbs want to be loaded here too.
  using WantedHere = std::function<void(const std::vector<ModelId>&)>;

  /// All outlive this. `wanted` is called by Report and LookForWanted; `place` is told of each beat
  /// that came through, and of reports that did not. REQUIRES: `self` is the incarnation of
  /// `place`.
  ReplicaReporter(store::ReplicaStore& store, const view::PublishPort& publisher,
                  store::OwnPlace& place, const Clock& clock, store::ReplicaIdentity self,
                  WantedHere wanted)
      : store_(store),
        publisher_(publisher),
        place_(place),
        clock_(clock),
        self_(std::move(self)),
        wanted_(std::move(wanted)) {}

  /// A beat: joins if the registry does not know this process (any more), tells all that has
  /// changed, asks what is wanted. kConflict while another server serves under the same id.
  Status Report();
  /// Asks what is wanted, and writes nothing: whoever hears of a change may ask.
  Status LookForWanted();
  /// The last word of an orderly end. Nothing is said when the last report failed: a stop would
  /// wait for a registry that is away, and the others find out by the silence.
  Status Leave();

 private:
  Status JoinAndTell();
  Status Join(std::uint32_t epoch);
  Status CheckIdIsFree();
  Result<bool> Tell(const view::PublishState& state);
  Result<bool> Beat(const store::ReplicaBeat& beat);

  store::ReplicaStore& store_;
  const view::PublishPort& publisher_;
  store::OwnPlace& place_;
  const Clock& clock_;
  const store::ReplicaIdentity self_;
  const WantedHere wanted_;
  bool joined_ = false;
  bool was_joined_ = false;  ///< Since the start, once at least.
  bool failing_ = false;     ///< The last report did not come through.
  std::uint32_t told_epoch_ = 0;
  ToldVersions told_;
  std::int64_t ready_ = 0;  ///< Of the newest view.
  std::int64_t failed_ = 0;
  std::uint64_t told_sequence_ = 0;  ///< Of the view that `told_` says all of; 0: of none.
};

}  // namespace podium::control
