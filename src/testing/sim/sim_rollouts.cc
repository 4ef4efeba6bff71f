#include "testing/sim/sim_rollouts.h"

#include <fmt/format.h>

#include <set>
#include <utility>
#include <variant>

#include "control/rollouts/evidence_assembly.h"
#include "rollout/verdict.h"
#include "testing/sim/sim_calls.h"

namespace podium::testing {
namespace {

constexpr int kAll = 500;

bool GoesUp(const store::MoveRollout& move, const Rollout& before) {
  if (move.move == store::RolloutMove::kPromote) return true;
  return move.move == store::RolloutMove::kEpoch && move.epoch->share > before.share();
}

// Whether a move's own evidence, judged anew, comes to what it says of itself.
bool IsProven(const store::MoveRollout& move, rollout::Decision decision) {
  if (!move.proof) return false;
  const auto evidence = rollout::ParseEvidence(move.proof->evidence);
  if (!evidence) return false;
  const auto verdict = rollout::Judge(*evidence);
  return verdict && verdict->decision == decision;
}

std::string TextOf(const Rollout& rollout) {
  return fmt::format("rollout {} of {} ({}, {} %)", rollout.id.get(), rollout.route.get(),
                     NameOf(rollout.phase), FormatPercent(rollout.share()));
}

}  // namespace

void RolloutCounts::Add(const RolloutCounts& other) {
  started += other.started;
  stepped += other.stepped;
  promoted += other.promoted;
  rolled_back += other.rolled_back;
  paged += other.paged;
  by_person += other.by_person;
}

void RolloutChecks::Committed(const store::Mutation& mutation, const store::Committed& committed,
                              store::RolloutStore& raw) {
  if (!committed.rollout || !committed.changed) return;
  const Rollout& after = *committed.rollout;
  const auto found = known_.find(after.id);
  if (std::holds_alternative<store::StartRollout>(mutation)) ++counts_.started;
  if (const auto* move = std::get_if<store::MoveRollout>(&mutation)) {
    if (found == known_.end()) return fail_("a rollout moved that never began");
    Count(*move, found->second, after);
    if (move->token) {
      Invariant12And13DriversMove(*move, found->second, after, raw);
    } else {
      Invariant12PersonsPromotion(*move, committed.audit.actor);
    }
  }
  known_[after.id] = after;
}

void RolloutChecks::Count(const store::MoveRollout& move, const Rollout& before,
                          const Rollout& after) {
  if (!move.token) {
    ++counts_.by_person;
    return;
  }
  if (move.move == store::RolloutMove::kPage) ++counts_.paged;
  if (after.phase == RolloutPhase::kPromoted) ++counts_.promoted;
  if (after.phase == RolloutPhase::kRolledBack) ++counts_.rolled_back;
  if (move.move == store::RolloutMove::kEpoch && GoesUp(move, before)) ++counts_.stepped;
}

// A driver goes up by proof alone (or by a rule that needs none, never past its end), and takes
// back by proof or by a deadline that has passed.
void RolloutChecks::Invariant12And13DriversMove(const store::MoveRollout& move,
                                                const Rollout& before, const Rollout& after,
                                                store::RolloutStore& raw) {
  const bool plain = before.plan.rule != RolloutRule::kSequential;
  const bool promotes = after.phase == RolloutPhase::kPromoted;
  if (before.phase == RolloutPhase::kPaused && GoesUp(move, before)) {
    fail_("invariant 12: while paused a driver raised " + TextOf(after));
  }
  const bool may_go_up = IsProven(move, rollout::Decision::kStepUp) || (plain && !promotes);
  if (GoesUp(move, before) && !may_go_up) {
    fail_("invariant 12 or 13: without proof a driver raised " + TextOf(after));
  }
  if (promotes) {
    const auto verdicts = raw.ReadVerdicts(after.id);
    const bool kept = verdicts && !verdicts->empty() && verdicts->back().decision == "step-up" &&
                      verdicts->back().evidence == move.proof->evidence;
    if (!kept) fail_("invariant 12: the proof is not stored of " + TextOf(after));
  }
  if (move.move == store::RolloutMove::kPage && after.share() != before.share()) {
    fail_("invariant 13: a deadline moved the share of " + TextOf(after));
  }
}

void RolloutChecks::Invariant12PersonsPromotion(const store::MoveRollout& move,
                                                const std::string& actor) {
  if (move.move != store::RolloutMove::kPromote) return;
  const bool named = actor.find(kNamedPerson) != std::string::npos;
  if (named || IsProven(move, rollout::Decision::kStepUp)) return;
  fail_("invariant 12: nobody's promotion, and no verdict speaks for it: by " + actor);
}

void RolloutChecks::AfterStep(store::RolloutStore& raw) {
  if (rows_.revision() == judged_at_) return;
  judged_at_ = rows_.revision();
  const auto all =
      raw.ListRollouts({.route = std::nullopt, .running_only = false, .limit = kAll, .cursor = {}});
  if (!all) return fail_("the rollouts cannot be read: " + Describe(all.error()));
  std::set<RouteName> running;
  for (const Rollout& rollout : all->items) {
    Invariant12AndWhatEndedStaysSo(rollout);
    known_[rollout.id] = rollout;
    if (HasEnded(rollout.phase)) continue;
    if (!running.insert(rollout.route).second) fail_("two rollouts run: " + TextOf(rollout));
    Invariant12NeverAboveItsMost(rollout);
  }
  for (const auto& [name, route] : rows_.now()) {
    if (route->row.rollout && !running.contains(name)) {
      fail_("a route is marked by a rollout that does not run: " + name.get());
    }
  }
}

// Abort beats promote: an end is an end.
void RolloutChecks::Invariant12AndWhatEndedStaysSo(const Rollout& rollout) {
  const auto before = known_.find(rollout.id);
  if (before == known_.end() || !HasEnded(before->second.phase)) return;
  if (before->second != rollout) fail_("invariant 12: moved behind its end: " + TextOf(rollout));
}

// Row, mark and traffic are of one transaction.
void RolloutChecks::Invariant12NeverAboveItsMost(const Rollout& rollout) {
  const auto route = rows_.now().find(rollout.route);
  if (route == rows_.now().end()) return fail_("a rollout without a route: " + TextOf(rollout));
  const ModelVersion* canary = route->second->Holder(VersionStatus::kCanary);
  const bool serves = canary != nullptr && canary->model_id == rollout.candidate &&
                      canary->share == rollout.share();
  if (!serves) fail_("its share is not its candidate's: " + TextOf(rollout));
  const std::optional<RolloutMark>& mark = route->second->row.rollout;
  if (!mark || mark->id != rollout.id || mark->epoch + 1 != rollout.epochs.size()) {
    fail_("its mark is not of its epoch: " + TextOf(rollout));
  }
  if (rollout.share() > rollout.plan.steps.back().share) {
    fail_("invariant 12: above its most without a promotion: " + TextOf(rollout));
  }
}

std::string RolloutChecks::LeftUndone(store::RolloutStore& raw) const {
  for (const auto& [id, rollout] : known_) {
    if (HasEnded(rollout.phase)) continue;
    const auto stored = raw.ReadEvidence(id);
    if (!stored) return "the evidence cannot be read";
    const control::RolloutLook look = control::LookAt(*stored, {}, rollout.log_e_peak);
    if (look.verdict.decision == rollout::Decision::kRollBack) {
      return TextOf(rollout) + " is not rolled back: " + look.sentence;
    }
  }
  return "";
}

}  // namespace podium::testing
