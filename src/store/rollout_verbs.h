// Rollouts as verbs: what starts, moves and ends one, and what nobody may do beside one that runs.
// Pure. Internal to store.
//
// Invariant 12: no promotion without a positive verdict or a named person, and whoever comes second
// is told how it ended. Invariant 13: a step that is overdue is told of and never moved up.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "store/verbs.h"

namespace podium::store {

/// kConflict, naming the rollout and the verb to use, for a mutation that would move traffic beside
/// a rollout that runs on its route.
Status CheckRollout(const RouteSnapshot& state, const Mutation& mutation,
                    const MutationContext& context);

/// A verb that ends the rollout by itself (a route's rollback, another version's promotion, the
/// guard) finds the route as if it had ended. REQUIRES: CheckRollout has let it pass.
void EndRolloutFor(const Mutation& mutation, Work work);

/// What a rollout's verb did, for the audit row and the event. Nothing without one.
void TellOfRollout(const Mutation& mutation, Work work, Outcome& outcome);

/// What a rollout's row in the audit trail says of it: for those who replay the trail.
struct RolloutTold {
  RolloutId id;
  std::string move;  ///< "start", "epoch", …
  RolloutPhase phase = RolloutPhase::kRunning;
  SplitUnit unit = SplitUnit::kRoute;
  std::uint32_t epoch = 0;
};
/// nullopt for a row that tells of none, or cannot be read.
std::optional<RolloutTold> ToldOfRollout(const Promotion& row);

/// How it ended, as a sentence for whoever comes too late. REQUIRES: it has ended.
std::string DescribeEnd(const Rollout& rollout);

}  // namespace podium::store
