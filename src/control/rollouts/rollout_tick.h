// The next move of a rollout, from one look at it.
//
// Guards come first and hold in every phase. Whatever goes up needs its bake time, an open window,
// its gate and a verdict (INV-12: nothing is promoted without one or a person); what is overdue is
// told once or rolled back and never goes up (INV-13). Pure: whoever takes over from a driver that
// died asks again and gets the same answer.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "control/rollouts/evidence_assembly.h"
#include "store/mutation.h"

namespace podium::control {

/// Where the candidate's share of requests without an outcome in the present epoch is above the
/// primary's by more than this, nothing goes up: what hangs has not failed yet. With sticky
/// units only outcomes that fall short of the keys are known of.
inline constexpr double kMostUnanswered = 0.1;
/// So many are always on their way.
inline constexpr std::uint64_t kAlwaysUnanswered = 20;

/// What else is known of the candidate.
struct CandidateState {
  std::string harm;  ///< Why it has to be stopped at once, as a sentence; empty: nothing.
  /// A step up has just failed: none is taken now, and the deadline counts all the same.
  bool held_up = false;
};

/// At most one move; nullopt means "wait". Pinned to the revision that `look` has seen; `token` is
/// for the driver to add. An error: the plan is not one that can be followed.
Result<std::optional<store::MoveRollout>> NextMove(const RolloutLook& look,
                                                   const CandidateState& candidate);

/// As the store has decisions: "hold", "step-up", "roll-back", …
std::string WordOf(rollout::Decision decision);
/// Decision, evidence and verdict of a look, to be stored. REQUIRES: look.fault is none.
store::RolloutProof ProofOf(const RolloutLook& look);

}  // namespace podium::control
