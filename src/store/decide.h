// What a mutation does to the registry, decided from the rows it touches.
//
// Pure: no clock, chance or storage. Every adapter reads a RouteSnapshot, calls Decide and writes
// what comes back, so that promote means the same on every database.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "domain/promotion.h"
#include "domain/route.h"
#include "domain/version.h"
#include "store/mutation.h"
#include "store/rollout_store.h"

namespace podium::store {

/// Which rows an adapter has to read before it may ask Decide.
struct Subject {
  RouteName route;  ///< Empty for a verb on a version: the route is that of the row `id`.
  ModelId id;       ///< The row that the mutation names; empty for a verb on a whole route.
  std::vector<ModelId> others;  ///< More rows that it names.
  ModelId parent;               ///< Named as lineage by a registration; empty without one.
  /// The place that a registration asks for; empty otherwise.
  std::string name;
  std::string version;
  bool history = false;   ///< Whether RouteSnapshot::standing_promotions is asked for.
  RolloutId rollout;      ///< The one that the mutation names; empty for none.
  bool attempts = false;  ///< Whether RouteSnapshot::earlier_attempts is asked for.
};
Subject SubjectOf(const Mutation& mutation);

/// The rows that a mutation is decided from, all read in the transaction that will write. Not the
/// whole route: what waits on standby in its thousands has no say.
struct RouteSnapshot {
  std::optional<Route> route;
  /// Of the route: every row that holds a role (primary, canary, shadow, arm), and what Include
  /// added.
  std::vector<ModelVersion> versions;
  /// The row with Subject::id wherever it is: on another route, or a tombstone.
  std::optional<ModelVersion> named;
  /// The row that holds the place which a registration asks for.
  std::optional<ModelVersion> twin;
  bool parent_exists = false;
  /// Only when Subject::history. Newest first, two at least if there are so many: promotes and
  /// activations that moved the primary and that no rollback has undone yet.
  std::vector<Promotion> standing_promotions;
  /// The one that runs on this route. A rehearsal may leave it out: the route's mark says that
  /// there is one.
  std::optional<Rollout> rollout;
  /// The route had no mark of the rollout that runs, and its row tells no more than its id: the
  /// mark in `route` is for deciding alone, and never written.
  bool mark_made_up = false;
  /// The row with Subject::rollout, wherever it is and however it stands, ...
  std::optional<Rollout> named_rollout;
  std::int64_t lease_token = 0;  ///< ... the token of its newest lease, 0 without one, ...
  std::int64_t verdicts = 0;     ///< ... and the number of its newest verdict.
  /// Only when Subject::attempts: rollouts on this route so far of what ArtifactOf names.
  int earlier_attempts = 0;
};

/// What makes two candidates the same attempt: the artifact, else the upstream model, else the id.
std::string ArtifactOf(const ModelVersion& candidate);

/// Ids whose rows belong into `versions` whatever their role: those that the mutation names, and
/// those that a rollback would lead to, and those that an arm names. REQUIRES: standing_promotions
/// are read.
std::vector<ModelId> AlsoNeeded(const Subject& subject, const RouteSnapshot& state);
/// Adds a row unless it is there already, of another route, or deleted.
void Include(RouteSnapshot& state, const ModelVersion& row);

/// What the transaction brings along: number, time and chance.
struct Stamp {
  Revision revision;  ///< That the mutation will have if it changes anything.
  WallTime now;       ///< The database's clock.
  ModelId fresh_id;
  std::string route_salt;
  std::string canary_salt;
  RolloutId fresh_rollout = {};
};

/// Rows to write, in this order: the route, then the versions, the rollout with its verdict, then
/// the audit row.
struct Changes {
  bool changed = true;  ///< False when all was so already: then nothing is written.
  Route route;
  /// Demoted before promoted: the unique index on primaries looks at each row as it is written.
  std::vector<ModelVersion> versions;
  Promotion audit;                      ///< Complete but for the two hashes.
  std::optional<ModelVersion> subject;  ///< The row that the mutation was about, as it is now.
  std::vector<SignatureFinding> signatures;
  std::optional<Rollout> rollout;         ///< That was started, moved or ended, as it is now.
  std::string artifact;                   ///< Of its candidate, where it was started.
  std::optional<RolloutVerdict> verdict;  ///< That it was moved by.
  std::string event;                      ///< Type of the event, where the kind does not say it.
};

Result<Changes> Decide(const RouteSnapshot& state, const Mutation& mutation,
                       const MutationContext& context, const Stamp& stamp);

}  // namespace podium::store
