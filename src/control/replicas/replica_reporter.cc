#include "control/replicas/replica_reporter.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace podium::control {

namespace {

// What is no id at all names no version that a verb could wait for. Rows that cannot be read stand
// under the name of their table, and those of `routes` are no versions.
bool NamesAVersion(const routing::CompileFault& fault) {
  if (fault.route.get() == "routes") return false;
  return !fault.row.empty() && fault.row.size() <= limits::kMaxNameBytes;
}

}  // namespace

ToldVersions VersionsIn(const view::PublishState& state) {
  ToldVersions versions;
  for (const view::RouteView& route : state.view->routes()) {
    for (std::size_t i = 0; i < route.serving.size(); ++i) {
      const view::VersionServing& serving = route.serving[i];
      const bool failed = !serving.ready() && serving.state == LoadState::kFailed;
      if (!serving.ready() && !failed) continue;
      const ModelId& id = route.route->versions[i].model_id;
      versions[id] = {id, failed ? LoadState::kFailed : LoadState::kReady,
                      failed ? serving.error : ""};
    }
  }
  for (const routing::CompileFault& fault : state.faults) {
    if (!NamesAVersion(fault)) continue;
    const ModelId id(fault.row);
    versions.try_emplace(id, store::ReplicaVersion{id, LoadState::kFailed, fault.problem});
  }
  return versions;
}

ReportStep NextReport(const ToldVersions& told, const ToldVersions& now) {
  ReportStep step;
  for (const auto& [id, version] : now) {
    const auto before = told.find(id);
    if (before != told.end() && before->second == version) continue;
    if (step.reported.size() == limits::kReplicaReportBatch) {
      step.more = true;
      break;
    }
    step.reported.push_back(version);
  }
  for (const auto& [id, version] : told) {
    if (now.contains(id)) continue;
    if (step.withdrawn.size() == limits::kReplicaReportBatch) {
      step.more = true;
      break;
    }
    step.withdrawn.push_back(id);
  }
  return step;
}

Status ReplicaReporter::Report() {
  Status told = JoinAndTell();
  failing_ = !told;
  if (failing_) {
    place_.CouldNotWrite(Describe(told.error()));
    return told;
  }
  return LookForWanted();
}

Status ReplicaReporter::JoinAndTell() {
  const view::PublishState state = publisher_.state();
  const std::uint32_t epoch = EpochOf(state.view->generation());
  // Another registry stands in its place: what was told is of the one before.
  if (epoch != told_epoch_) joined_ = false;
  if (!joined_) PODIUM_TRY(Join(epoch));
  PODIUM_TRY_ASSIGN(bool known, Tell(state));
  if (!known) {
    joined_ = false;
    PODIUM_TRY(Join(epoch));
    PODIUM_TRY_ASSIGN(known, Tell(state));
  }
  if (!known) {
    joined_ = false;
    return Fail(ErrorCode::kUnavailable, "replica {} was taken over while it joined", self_.id);
  }
  return {};
}

Status ReplicaReporter::LookForWanted() {
  PODIUM_TRY_ASSIGN(const std::vector<ModelId> wanted, store_.ReadWanted());
  wanted_(wanted);
  return {};
}

// The first time it takes the place of whoever had the id: as a rule this server's life before.
Status ReplicaReporter::Join(std::uint32_t epoch) {
  if (was_joined_) PODIUM_TRY(CheckIdIsFree());
  PODIUM_TRY(store_.Join(self_));
  joined_ = was_joined_ = true;
  told_.clear();
  told_sequence_ = 0;
  told_epoch_ = epoch;
  return {};
}

// Otherwise two servers would take each other's place at every beat, and nobody would know what
// either can serve. Here silence counts at once: as long as the other has the id this server cannot
// beat, so it would never come to trust the silence.
Status ReplicaReporter::CheckIdIsFree() {
  PODIUM_TRY_ASSIGN(const std::vector<store::ReplicaRow> rows, store_.ReadReplicas());
  for (const store::ReplicaRow& row : rows) {
    if (row.self.id != self_.id || row.self.incarnation == self_.incarnation) continue;
    if (!store::IsLive(row)) continue;
    return Fail(ErrorCode::kConflict,
                "another server, at {}, serves as replica {} too: changes wait for that one only "
                "(give each a replica.id of its own)",
                row.self.address, self_.id);
  }
  return {};
}

Result<bool> ReplicaReporter::Beat(const store::ReplicaBeat& beat) {
  PODIUM_TRY_ASSIGN(const bool known, store_.Beat(beat));
  if (known) place_.Wrote(clock_.SteadyNow());
  return known;
}

Result<bool> ReplicaReporter::Tell(const view::PublishState& state) {
  const view::CoreView& view = *state.view;
  if (view.sequence() == told_sequence_) {
    return Beat({self_, view.generation(), {}, {}, ready_, failed_});
  }
  const ToldVersions now = VersionsIn(state);
  ready_ = std::count_if(now.begin(), now.end(),
                         [](const auto& one) { return one.second.state == LoadState::kReady; });
  failed_ = static_cast<std::int64_t>(now.size()) - ready_;
  ReportStep step;
  do {
    step = NextReport(told_, now);
    PODIUM_TRY_ASSIGN(const bool known, Beat({self_, view.generation(), step.reported,
                                              step.withdrawn, ready_, failed_}));
    if (!known) return false;
    for (const store::ReplicaVersion& version : step.reported) told_[version.id] = version;
    for (const ModelId& id : step.withdrawn) told_.erase(id);
  } while (step.more);
  told_sequence_ = view.sequence();
  return true;
}

Status ReplicaReporter::Leave() {
  if (!joined_ || failing_) return {};
  joined_ = false;
  return store_.Leave(self_);
}

}  // namespace podium::control
