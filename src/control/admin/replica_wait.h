// What a verb waits for beyond its own replica: that the others can serve what goes live, and that
// they have applied what was committed.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "control/admin/context.h"
#include "domain/version.h"
#include "store/replica_store.h"

namespace podium::control {

/// The replica that asks about the others.
struct Asker {
  std::string id;
  /// Empty: it has never joined, and what stands under its id was its own life before.
  std::string incarnation;
  /// Its beats have come through for so long: only then is the silence of others theirs.
  std::chrono::nanoseconds writes_for = std::chrono::nanoseconds::max();
};

/// What the other live replicas say of one version. Pure.
struct ReadyElsewhere {
  /// kTaken: another server has this one's id, so nobody waits for what this one can serve.
  enum class Verdict { kReady, kWaiting, kFailed, kTaken };
  Verdict verdict = Verdict::kReady;
  std::string why;  ///< Names each replica that is not ready, and its load error.
};
ReadyElsewhere JudgeReadiness(const std::vector<store::ReplicaReadiness>& replicas,
                              const Asker& asker);

/// Has the other live replicas load those of `versions` that they have not loaded, whatever their
/// role: a verb is about to make them live. They load while this one does. kConflict when another
/// server has this one's id.
Task<Status> HaveLoadedElsewhere(const AdminContext& context, std::vector<ModelVersion> versions);

/// INV-7: returns once every other live replica reports each of `versions` READY. kUnprocessable
/// when one has failed to load it, kDeadline after `patience`: both name the replica; kConflict
/// when another server has this one's id. With `force` nothing is waited for: the value says who
/// was not ready, for the audit trail; it is empty otherwise.
Task<Result<std::string>> AwaitReadyElsewhere(const AdminContext& context,
                                              std::vector<ModelVersion> versions,
                                              std::chrono::nanoseconds patience, bool force);

/// Whether one replica's cores have a commit.
struct ReplicaApplied {
  std::string id;
  bool applied = false;
};

/// Whether cores that have `applied` have the commit of `generation`. One of a later epoch has it
/// only from that revision on: whoever committed may not have noticed yet that the numbers began
/// anew.
bool HasApplied(Generation applied, Generation generation);

/// This replica, and every other live one, by id. Pure.
std::vector<ReplicaApplied> WhoApplied(const std::vector<store::ReplicaRow>& replicas,
                                       Generation generation, const Asker& asker,
                                       bool applied_here);

/// Which replicas have a commit.
struct AppliedBy {
  std::vector<ReplicaApplied> replicas;
  bool known = true;  ///< False: only this one is listed, since the registry could not be asked.
};

/// Returns once all live replicas have applied `generation`, or after `patience`.
Task<AppliedBy> AwaitApplied(const AdminContext& context, Generation generation, bool applied_here,
                             std::chrono::nanoseconds patience);

}  // namespace podium::control
