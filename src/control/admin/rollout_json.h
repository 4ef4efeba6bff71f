// Rollouts and their verdicts as the API shows them. Pure.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "domain/rollout.h"
#include "store/rollout_store.h"
#include "view/rollout_port.h"

namespace podium::control {

/// What is known of a rollout beside its row.
struct RolloutBeside {
  std::optional<store::RolloutVerdict> latest;  ///< The newest look or decision; may be none yet.
  std::string driver;                           ///< Who drives it; empty: nobody known.
  std::string candidate_version;                ///< As people call it; empty: gone.
  std::string primary_version;                  ///< The same, of the primary at the start.
};

/// The row with what people ask first: step k of n, share, latest sentence with its numbers, when
/// the step may and when it has to end, attempt and what chance of error is left to it.
Json ToJson(const Rollout& rollout, const RolloutBeside& beside);

/// What the row of a route or a version shows: {id, phase, candidate, step, steps, traffic_pct,
/// overdue, decision, sentence, said}.
Json RolloutLine(const view::RolloutStanding& standing);
/// As far as its row tells.
view::RolloutStanding StandingOf(const Rollout& rollout);

/// {number, at, decision, sentence, evidence, verdict}; both of the last as JSON.
Json ToJson(const store::RolloutVerdict& verdict);

/// The chance of error that this attempt may spend.
double AlphaLeft(const Rollout& rollout);

/// When the present step's deadline passes, and when its bake time ends.
WallTime DeadlineOf(const Rollout& rollout);
WallTime BakedAt(const Rollout& rollout);

/// Whoever asks for a rollout: who shall come in, how, and why.
struct RolloutStart {
  std::string candidate;  ///< A model id, or a version of the route.
  RolloutPlan plan;
  std::string reason;
  bool force = false;  ///< Past a signature that does not fit.
};
/// The body of a start: {"candidate", "reason", "force"}, and the plan's fields beside them.
Result<RolloutStart> ReadRolloutStart(const Json& body);

/// What the verbs on a running rollout may be given.
struct RolloutVerbBody {
  std::string reason;
  std::optional<BasisPoints> share;
  bool force = false;
};
/// `with_share`: "traffic_pct" is required, else it is unknown. `with_force`: "force" is known.
Result<RolloutVerbBody> ReadRolloutVerb(const Json& body, bool with_share, bool with_force);

}  // namespace podium::control
