// The stored evidence of a rollout in the form that a verdict is computed from.
//
// Two rules are made here, beside those of the statistics:
// - A metric whose thresholds were not known when the present epoch began measures nothing there.
//   It holds a step up back only if it can still be measured in this step (CanMeasure), which then
//   happens at once; else nobody on this route has such figures, and waiting would be for ever.
// - A key counts as one unit on each replica that sees it. Divided by those that count, no key
//   weighs more than one, so the test of the split keeps its level.
//
// Pure.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "control/rollouts/epoch_counts.h"
#include "rollout/epoch_plan.h"
#include "rollout/evidence.h"
#include "rollout/verdict.h"
#include "store/rollout_store.h"

namespace podium::control {

/// One look at a rollout: what was read, and what it comes to.
struct RolloutLook {
  store::RolloutEvidence stored;
  std::vector<EpochCounts> epochs;  ///< Of `stored`, merged.
  rollout::EpochBaseline baseline;
  rollout::Evidence evidence;
  rollout::Verdict verdict;
  std::string sentence;  ///< The verdict's, and what is not measured.
  /// The evidence is at fault: the verdict is "hold" and says so.
  Status fault;
};

/// What ln E was at most in earlier looks, where the row does not know it yet.
using LogPeak = double;

/// The evidence from the stored numbers; kInvalidArgument for a plan that cannot be compiled.
Result<rollout::Evidence> Assemble(const store::RolloutEvidence& stored,
                                   const std::vector<EpochCounts>& epochs,
                                   const rollout::EpochBaseline& baseline, LogPeak peak);

/// Merged, assembled, judged. REQUIRES: the rollout has an epoch.
/// `closed` is what `stored` was read by; it is brought up to date.
RolloutLook LookAt(store::RolloutEvidence stored, rollout::EpochBaseline baseline, LogPeak peak,
                   ClosedEpochs& closed);
/// Of evidence that was read whole.
RolloutLook LookAt(store::RolloutEvidence stored, rollout::EpochBaseline baseline, LogPeak peak);

/// Metrics that some guard looks at and that measure nothing now, as a sentence; empty: none.
std::string UnmeasuredText(const Rollout& rollout);

/// The strict profile is the one of a smaller alpha.
rollout::Profile ProfileOf(double alpha);

}  // namespace podium::control
