// Brings the table to the cores: reads what changed, compiles, posts, and waits for every core.
//
// Passive: it has no thread. Whoever commits calls PublishAtLeast, the runtime's changes call
// PublishReadiness, a ticker calls Poll as the net below both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "domain/provider_state.h"
#include "routing/table.h"
#include "runtime/model_runtime.h"
#include "store/registry_store.h"
#include "store/row_faults.h"
#include "view/core_view.h"
#include "view/publish_port.h"
#include "view/rollout_tally.h"
#include "view/stats_registry.h"

namespace podium::control {

/// How a job reaches one core; acknowledged by running.
using PostToCore = std::function<void(std::size_t core, std::function<void()> job)>;

struct PublisherOptions {
  ProviderStates providers;       ///< Of versions that are not local; others are set aside.
  std::string replica = "local";  ///< Named where it notices that the registry lost changes.
  /// Where outcomes are counted while a rollout runs; outlives the publisher. Null: nowhere.
  view::RolloutTallies* tallies = nullptr;
  /// Called after every publish, on the thread that carried it out; does not block.
  std::function<void()> published = {};
  /// Where shadows and challengers are counted; null: nobody gets copies.
  view::ShadowTallies* shadows = nullptr;
};

/// Threads: all methods from any thread but the cores'; one publish at a time.
/// INV-3: generations and sequences posted to a core never decrease.
/// INV-4: a fault of one row is reported and the rest published; a table that cannot be read, or
/// comes back empty where there was one, keeps the old view.
/// A table that lost changes which a core has (a backup in its place, a failover) begins a new
/// epoch: the generation grows although the revision went back, and all of it is read anew.
class Publisher final : public view::PublishPort {
 public:
  /// `cells` has one cell per core and is only touched by jobs on that core. All outlive this.
  Publisher(store::RegistryStore& store, runtime::ModelRuntime& runtime, view::StatsRegistry& stats,
            const Clock& clock, PostToCore post, std::vector<view::ViewCell>& cells,
            PublisherOptions options);

  /// Models kept at most, the newest: more verbs than that do not get stuck within one outage.
  static constexpr std::size_t kKeptModels = 64;

  /// The first read: whatever the table holds, even nothing at all.
  Status PublishFirst();
  Status PublishAtLeast(Revision revision) override;
  void KeepUntilRead(std::vector<ModelHandle> warm, Revision revision) override;
  /// Something is ready now that was not, or the other way round.
  void PublishReadiness();
  /// Publishes if the table moved under us (another process wrote it).
  void Poll();
  /// Besides what the table wants: versions that another replica's verb is about to make live.
  /// Replaces what was wanted so before.
  void AlsoLoad(const std::vector<ModelId>& ids);

  view::PublishState state() const override;

 private:
  // REQUIRES publishing_ held, all of these.
  void Refresh();
  Status ReadAndDeliver();
  Result<bool> ReadTable();
  Result<store::TableDelta> ReadOn();
  Result<store::TableDelta> ReadAnew();
  Status BeginEpoch(const store::TableDelta& behind);
  void Deliver();
  void LogNewFailures(const view::CoreView& view);
  view::ViewPtr BuildView();
  void NoteTrouble(const Error& error);
  void NoteConfirmed();

  store::RegistryStore& store_;
  runtime::ModelRuntime& runtime_;
  view::StatsRegistry& stats_;
  const Clock& clock_;
  const PostToCore post_;
  const PublisherOptions options_;
  std::vector<view::ViewCell>& cells_;

  std::mutex publishing_;  // One publish at a time; also protects all down to failures_.
  routing::TableCompiler compiler_;
  bool has_read_ = false;
  store::SeenHistory seen_;  ///< Of the newest read.
  std::shared_ptr<const routing::RoutesPart> routes_;
  std::vector<routing::CompileFault> faults_;  ///< Of `routes_`.
  std::uint64_t sequence_ = 0;
  store::RowFaults row_faults_;
  std::set<ModelId> also_wanted_;

  std::deque<std::pair<Revision, ModelHandle>> kept_;  ///< By KeepUntilRead; the newest last.
  std::map<ModelId, std::string> failures_;            // Versions that do not load, as last logged.

  mutable std::mutex state_mutex_;
  view::PublishState state_;  // Protected by state_mutex_.
};

}  // namespace podium::control
