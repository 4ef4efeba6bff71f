#include "store/rollout_verbs.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "base/utf8.h"
#include "domain/names.h"
#include "store/evidence_text.h"

namespace podium::store {
namespace {

struct MoveWords {
  std::string_view name;   ///< In the evidence of audit rows.
  std::string_view did;    ///< "ann paused it".
  std::string_view event;  ///< Behind "podium.rollout.".
};

MoveWords WordsOf(RolloutMove move) {
  switch (move) {
    case RolloutMove::kEpoch:
      return {"epoch", "moved it", "stepped"};
    case RolloutMove::kOpenGate:
      return {"open_gate", "opened its gate", "gate_opened"};
    case RolloutMove::kPause:
      return {"pause", "paused it", "paused"};
    case RolloutMove::kResume:
      return {"resume", "resumed it", "resumed"};
    case RolloutMove::kPage:
      return {"page", "noticed that it is overdue", "overdue"};
    case RolloutMove::kPromote:
      return {"promote", "promoted it", "promoted"};
    case RolloutMove::kRollBack:
      return {"roll_back", "rolled it back", "rolled_back"};
    case RolloutMove::kAbort:
      return {"abort", "aborted it", "aborted"};
  }
  return {};
}

std::string VerbPath(const RouteName& route, const RolloutId& id, std::string_view verb) {
  return fmt::format("POST /api/v1/routes/{}/rollouts/{}/{}", route.get(), id.get(), verb);
}

/// The rollout that runs, as far as the rows tell.
struct Running {
  RolloutId id;
  ModelId candidate;  ///< Empty where it is not known.
  ModelId primary;
};

std::optional<Running> RunningOn(const RouteSnapshot& state) {
  if (state.rollout) {
    return Running{state.rollout->id, state.rollout->candidate, state.rollout->primary};
  }
  if (!state.route || !state.route->rollout) return std::nullopt;
  Running running{state.route->rollout->id, ModelId(), ModelId()};
  for (const ModelVersion& row : state.versions) {
    if (row.status == VersionStatus::kCanary) running.candidate = row.model_id;
    if (row.status == VersionStatus::kPrimary) running.primary = row.model_id;
  }
  return running;
}

// What to do instead of a mutation; none for one that may be carried out beside a rollout.
std::optional<std::string> WayPast(const Running& running, const RouteName& route,
                                   const Mutation& mutation, const MutationContext& context) {
  using Way = std::optional<std::string>;
  const std::string abort_first = "end it first with " + VerbPath(route, running.id, "abort");
  const auto of_version = [&](const ModelId& id) {
    return id == running.candidate || id == running.primary ? Way(abort_first) : Way();
  };
  return std::visit(
      Overloaded{
          [&](const SetCanary&) {
            return Way("set its share with " + VerbPath(route, running.id, "share"));
          },
          [&](const EndCanary&) { return context.as_guard ? Way() : Way(abort_first); },
          [&](const SetArms&) { return Way(abort_first); },
          [&](const ActivateVersion&) { return Way(abort_first); },
          [&](const PromoteVersion& verb) {
            if (verb.id == running.candidate) {
              return Way("promote it with " + VerbPath(route, running.id, "promote"));
            }
            return verb.abort_rollout ? Way() : Way(abort_first);
          },
          [&](const RetireVersion& verb) { return of_version(verb.id); },
          [&](const DeleteVersion& verb) { return of_version(verb.id); },
          [&](const StartRollout&) { return Way("one at a time: " + abort_first); },
          [](const auto&) { return Way(); },
      },
      mutation);
}

// How a verb that is not the rollout's own ends it; none for one that does not.
std::optional<RolloutPhase> EndBy(const Mutation& mutation) {
  if (std::holds_alternative<RollBackRoute>(mutation)) return RolloutPhase::kRolledBack;
  const bool aborts = std::holds_alternative<PromoteVersion>(mutation) ||
                      std::holds_alternative<EndCanary>(mutation);
  return aborts ? std::optional(RolloutPhase::kAborted) : std::nullopt;
}

// With its ellipsis it is no longer than a reason may be.
std::string Fitted(const std::string& said) {
  constexpr std::size_t kEllipsis = 3;
  if (said.size() <= limits::kMaxReasonBytes) return said;
  return Shortened(said, limits::kMaxReasonBytes - kEllipsis);
}

std::string SentenceOf(const MutationContext& context, std::string_view did) {
  std::string said = fmt::format("{} {}", context.actor, did);
  if (!context.reason.empty()) said += ": " + context.reason;
  return Fitted(said);
}

std::string EnderOf(const MutationContext& context, bool driven) {
  if (context.as_follower) return "follower";
  if (context.as_guard) return "guard";
  return driven ? "driver" : "person";
}

Status CheckCandidate(const ModelVersion* row, const StartRollout& verb) {
  if (row == nullptr) {
    return Fail(ErrorCode::kNotFound, "route {} has no version {}", verb.route.get(),
                verb.candidate.get());
  }
  switch (row->status) {
    case VersionStatus::kShadow:
    case VersionStatus::kStandby:
    case VersionStatus::kCanary:
      return {};
    case VersionStatus::kPrimary:
      return Fail(
          ErrorCode::kInvalidArgument,
          "version {} is the primary of route {} already: a rollout takes another one there",
          verb.candidate.get(), verb.route.get());
    case VersionStatus::kArm:
      return Fail(ErrorCode::kInvalidArgument,
                  "version {} is an arm of an A/B split: end the split first",
                  verb.candidate.get());
    case VersionStatus::kRetired:
      break;
  }
  return Fail(ErrorCode::kInvalidArgument,
              "version {} is retired: register it anew under another version to try it again",
              verb.candidate.get());
}

Status CheckRoom(const StartRollout& verb, const Draft& draft) {
  if (draft.route().policy == RoutePolicy::kAb || !draft.route().arms.empty()) {
    return Fail(ErrorCode::kConflict, "route {} is split into arms: end the split before a rollout",
                verb.route.get());
  }
  if (draft.Holder(VersionStatus::kPrimary) == nullptr) {
    return Fail(ErrorCode::kConflict,
                "route {} has no primary to compare a candidate with: activate one first",
                verb.route.get());
  }
  const std::optional<ChallengerPlan>& challenger = draft.route().challenger;
  if (challenger && challenger->testing) {
    return Fail(
        ErrorCode::kConflict,
        "challenger {} of route {} answers some of the primary's calls: switch its test off "
        "first, for what it answers is no evidence of the primary",
        challenger->challenger.get(), verb.route.get());
  }
  const ModelVersion* canary = draft.Holder(VersionStatus::kCanary);
  if (canary == nullptr || canary->model_id == verb.candidate || canary->share == BasisPoints()) {
    return {};
  }
  return Fail(ErrorCode::kConflict,
              "version {} is canary of route {} with {} % of its traffic: end that canary first",
              canary->model_id.get(), verb.route.get(), FormatPercent(canary->share));
}

Result<Rollout> FindRunning(const MoveRollout& verb, const RouteSnapshot& state) {
  const std::optional<Rollout>& found = state.named_rollout;
  if (!found || found->route != verb.route) {
    return Fail(ErrorCode::kNotFound, "route {} has no rollout {}", verb.route.get(),
                verb.id.get());
  }
  if (HasEnded(found->phase)) {
    return Fail(ErrorCode::kConflict, "{}: nothing is left to do", DescribeEnd(*found));
  }
  if (verb.token && *verb.token != state.lease_token) {
    return Fail(ErrorCode::kConflict,
                "another replica drives rollout {} by now: its lease is number {}, not {}",
                verb.id.get(), state.lease_token, *verb.token);
  }
  if (verb.seen && *verb.seen != found->revision) {
    return Fail(ErrorCode::kConflict,
                "rollout {} moved to revision {} after revision {} was looked at: look again",
                verb.id.get(), found->revision.get(), verb.seen->get());
  }
  return *found;
}

// By SQL anybody may have taken the roles away that the evidence is about.
Status CheckRoles(const Rollout& rollout, const Draft& draft) {
  const ModelVersion* candidate = draft.Find(rollout.candidate);
  const ModelVersion* primary = draft.Holder(VersionStatus::kPrimary);
  const bool stands = candidate != nullptr && candidate->status == VersionStatus::kCanary;
  if (stands && primary != nullptr && primary->model_id == rollout.primary) return {};
  return Fail(ErrorCode::kConflict,
              "rollout {} compares {} with {}, which are not canary and primary of route {} any "
              "more: end it with {}",
              rollout.id.get(), rollout.candidate.get(), rollout.primary.get(), rollout.route.get(),
              VerbPath(rollout.route, rollout.id, "abort"));
}

Status CheckEpoch(const MoveRollout& verb, const Rollout& rollout) {
  const std::vector<RolloutStep>& steps = rollout.plan.steps;
  if (!verb.epoch || verb.epoch->step >= steps.size() || verb.epoch->of_step == 0) {
    return Fail(ErrorCode::kInvalidArgument, "an epoch is of one of the plan's {} steps",
                steps.size());
  }
  if (verb.epoch->share == BasisPoints()) {
    return Fail(ErrorCode::kUnprocessable,
                "a rollout at 0 % learns nothing: pause it, or take it back with {}",
                VerbPath(rollout.route, rollout.id, "abort"));
  }
  if (verb.epoch->share > steps.back().share) {
    return Fail(ErrorCode::kUnprocessable,
                "{} % is above {} %, the most that the plan of rollout {} grants: promote instead, "
                "with {}",
                FormatPercent(verb.epoch->share), FormatPercent(steps.back().share),
                rollout.id.get(), VerbPath(rollout.route, rollout.id, "promote"));
  }
  if (rollout.epochs.size() >= limits::kMaxRolloutEpochs) {
    return Fail(ErrorCode::kUnprocessable,
                "rollout {} has had {} epochs, the most that one can be judged by: promote it or "
                "abort it",
                rollout.id.get(), rollout.epochs.size());
  }
  return {};
}

// What a person may do and the plan does not let its driver do.
Status CheckDriven(const MoveRollout& verb, const Rollout& rollout) {
  if (!verb.token) return {};
  if (rollout.phase == RolloutPhase::kPaused && verb.epoch->share > rollout.share()) {
    return Fail(ErrorCode::kConflict, "rollout {} is paused: nothing raises its share of {} %",
                rollout.id.get(), FormatPercent(rollout.share()));
  }
  const bool gated = rollout.plan.steps.at(rollout.step).gate && !rollout.gate_open;
  if (gated && verb.epoch->step > rollout.step) {
    return Fail(ErrorCode::kConflict,
                "the gate of step {} of rollout {} is closed: a person opens "
                "it with {}",
                rollout.step + 1, rollout.id.get(), VerbPath(rollout.route, rollout.id, "step"));
  }
  return {};
}

// Invariant 12: without a name only what the plan lets its driver do.
Status CheckPromotion(const MoveRollout& verb, const Rollout& rollout,
                      const MutationContext& context) {
  if (context.named_person) return {};
  if (!verb.proof || verb.proof->decision != "step-up") {
    return Fail(ErrorCode::kUnprocessable,
                "rollout {} has no verdict that speaks for {}: only a named person promotes it all "
                "the same, and \"{}\" is none: say who you are (--as NAME, X-Podium-Actor)",
                rollout.id.get(), rollout.candidate.get(), context.actor);
  }
  if (!rollout.plan.promote_at_end || rollout.share() < rollout.plan.steps.back().share) {
    return Fail(ErrorCode::kUnprocessable,
                "the plan of rollout {} leaves the promotion at {} % to a person (--as NAME, "
                "X-Podium-Actor)",
                rollout.id.get(), FormatPercent(rollout.share()));
  }
  if (rollout.phase == RolloutPhase::kPaused) {
    return Fail(ErrorCode::kConflict, "rollout {} is paused: only a person promotes it",
                rollout.id.get());
  }
  const RolloutStep& step = rollout.plan.steps.at(rollout.step);
  if (step.gate && !rollout.gate_open) {
    return Fail(ErrorCode::kConflict, "the gate of rollout {} is closed: a person opens it with {}",
                rollout.id.get(), VerbPath(rollout.route, rollout.id, "step"));
  }
  // By when the proof was found and not by this clock: a rehearsal has none, and a verdict of
  // before is none of what the bake time was to show.
  if (step.bake.count() == 0 || verb.proof->at >= rollout.step_entered_at + step.bake) return {};
  return Fail(ErrorCode::kConflict,
              "the last step of rollout {} bakes for {} s, and its verdict is of before that is "
              "over: only a person cuts it short",
              rollout.id.get(), step.bake.count());
}

Status CheckProof(const RolloutProof& proof) {
  const std::size_t bytes = proof.evidence.size() + proof.verdict.size();
  if (bytes <= limits::kMaxVerdictBytes) return {};
  return Fail(ErrorCode::kTooLarge, "a verdict with its evidence is {} bytes, the limit is {}",
              bytes, limits::kMaxVerdictBytes);
}

Outcome OfCandidate(const Rollout& rollout, PromotionKind kind) {
  Outcome outcome;
  outcome.audit.kind = kind;
  outcome.audit.to = rollout.candidate;
  outcome.audit.share_before = rollout.share();
  outcome.audit.share_after = rollout.share();
  outcome.subject = rollout.candidate;
  return outcome;
}

// By the thompson rule a share swings about the borders of steps. There its driver enters a step
// that is above all that were before, so that a deadline and its page are of the highest.
bool EntersStep(const MoveRollout& verb, const Rollout& rollout) {
  const std::uint32_t step = verb.epoch->step;
  if (rollout.plan.rule != RolloutRule::kThompson || !verb.token) return step != rollout.step;
  return std::none_of(rollout.epochs.begin(), rollout.epochs.end(),
                      [&](const RolloutEpoch& epoch) { return epoch.step >= step; });
}

Result<Outcome> BeginEpoch(const MoveRollout& verb, Rollout& rollout, Work work) {
  PODIUM_TRY(CheckEpoch(verb, rollout));
  PODIUM_TRY(CheckDriven(verb, rollout));
  PODIUM_TRY(CheckRoles(rollout, work.draft));
  Outcome outcome = OfCandidate(rollout, PromotionKind::kRamp);
  outcome.audit.from = rollout.candidate;
  outcome.audit.share_before = work.draft.Find(rollout.candidate)->share;
  outcome.audit.share_after = verb.epoch->share;
  if (EntersStep(verb, rollout)) {
    rollout.step_entered_at = work.stamp.now;
    rollout.paged = false;
  }
  if (verb.epoch->step != rollout.step) rollout.gate_open = false;
  rollout.step = verb.epoch->step;
  rollout.epochs.push_back(*verb.epoch);
  rollout.epochs.back().began_at = work.stamp.now;
  work.draft.Place(rollout.candidate, VersionStatus::kCanary, verb.epoch->share);
  return outcome;
}

Result<Outcome> PromoteCandidate(const MoveRollout& verb, Rollout& rollout, Work work) {
  PODIUM_TRY(CheckPromotion(verb, rollout, work.context));
  PODIUM_TRY(CheckRoles(rollout, work.draft));
  Outcome outcome = OfCandidate(rollout, PromotionKind::kPromote);
  outcome.audit.share_before = work.draft.Find(rollout.candidate)->share;
  outcome.audit.share_after = {};
  outcome.audit.from = SucceedPrimary(work.draft, rollout.candidate);
  rollout.phase = RolloutPhase::kPromoted;
  return outcome;
}

// One write, whatever the step: the primary has never stopped serving.
Outcome TakeBack(RolloutPhase phase, Rollout& rollout, Work work) {
  const bool aborted = phase == RolloutPhase::kAborted;
  Outcome outcome =
      OfCandidate(rollout, aborted ? PromotionKind::kAbort : PromotionKind::kRollback);
  outcome.audit.from = rollout.candidate;
  outcome.audit.to.reset();
  outcome.audit.share_after = {};
  if (const ModelVersion* primary = work.draft.Holder(VersionStatus::kPrimary); !aborted) {
    if (primary != nullptr) outcome.audit.to = primary->model_id;
  }
  const ModelVersion* candidate = work.draft.Find(rollout.candidate);
  if (candidate != nullptr && candidate->status == VersionStatus::kCanary) {
    outcome.audit.share_before = candidate->share;
    work.draft.Place(rollout.candidate, VersionStatus::kStandby);
  }
  rollout.phase = phase;
  return outcome;
}

Result<Outcome> OpenGate(Rollout& rollout) {
  if (!rollout.plan.steps.at(rollout.step).gate) {
    return Fail(ErrorCode::kConflict, "step {} of rollout {} has no gate to open", rollout.step + 1,
                rollout.id.get());
  }
  rollout.gate_open = true;
  return OfCandidate(rollout, PromotionKind::kRollout);
}

Result<Outcome> Carry(const MoveRollout& verb, Rollout& rollout, Work work) {
  switch (verb.move) {
    case RolloutMove::kEpoch:
      return BeginEpoch(verb, rollout, work);
    case RolloutMove::kOpenGate:
      return OpenGate(rollout);
    case RolloutMove::kPause:
      rollout.phase = RolloutPhase::kPaused;
      break;
    case RolloutMove::kResume:
      rollout.phase = RolloutPhase::kRunning;
      break;
    case RolloutMove::kPage:  // Invariant 13: the share stays.
      rollout.paged = true;
      break;
    case RolloutMove::kPromote:
      return PromoteCandidate(verb, rollout, work);
    case RolloutMove::kRollBack:
      return TakeBack(RolloutPhase::kRolledBack, rollout, work);
    case RolloutMove::kAbort:
      return TakeBack(RolloutPhase::kAborted, rollout, work);
  }
  return OfCandidate(rollout, PromotionKind::kRollout);
}

RolloutVerdict VerdictOf(const MoveRollout& verb, const Rollout& rollout, Work work) {
  RolloutVerdict verdict;
  verdict.rollout = rollout.id;
  verdict.number = work.state.verdicts + 1;
  verdict.at = work.stamp.now;
  verdict.decision = verb.proof->decision;
  verdict.sentence = rollout.said;
  verdict.evidence = verb.proof->evidence;
  verdict.verdict = verb.proof->verdict;
  return verdict;
}

Json EvidenceOf(const Rollout& rollout, std::string_view move) {
  Json json = Json::object();
  json["id"] = rollout.id.get();
  json["move"] = move;
  json["phase"] = NameOf(rollout.phase);
  json["unit"] = NameOf(rollout.plan.unit);
  json["step"] = rollout.step;
  json["epoch"] = MarkOf(rollout).epoch;
  json["attempt"] = rollout.attempt;
  return json;
}

}  // namespace

std::string ArtifactOf(const ModelVersion& candidate) {
  if (!candidate.artifact_sha256.empty()) return "sha256:" + candidate.artifact_sha256;
  if (candidate.upstream_model.empty()) return "version:" + candidate.model_id.get();
  return fmt::format("upstream:{}/{}", candidate.provider_key, candidate.upstream_model);
}

std::string DescribeEnd(const Rollout& rollout) {
  const std::string_view how = rollout.phase == RolloutPhase::kPromoted     ? "promoted"
                               : rollout.phase == RolloutPhase::kRolledBack ? "rolled back"
                                                                            : "aborted";
  return fmt::format("rollout {} of route {} was {} at {} ({})", rollout.id.get(),
                     rollout.route.get(), how, FormatUtc(rollout.ended_at), rollout.said);
}

Status CheckRollout(const RouteSnapshot& state, const Mutation& mutation,
                    const MutationContext& context) {
  const std::optional<Running> running = RunningOn(state);
  if (!running) return {};
  const RouteName& route = state.route->name;
  const std::optional<std::string> way = WayPast(*running, route, mutation, context);
  if (!way) return {};
  return Fail(ErrorCode::kConflict, "rollout {} of version {} runs on route {}: {}",
              running->id.get(), running->candidate.get(), route.get(), *way);
}

void EndRolloutFor(const Mutation& mutation, Work work) {
  const std::optional<Running> running = RunningOn(work.state);
  const std::optional<RolloutPhase> phase = EndBy(mutation);
  if (!running || !phase) return;
  const ModelVersion* candidate = work.draft.Find(running->candidate);
  const bool holds = candidate != nullptr && candidate->status == VersionStatus::kCanary;
  if (holds && std::holds_alternative<PromoteVersion>(mutation)) {
    work.draft.Place(running->candidate, VersionStatus::kStandby);
  }
  if (!work.state.rollout) return;
  Rollout ended = *work.state.rollout;
  ended.phase = *phase;
  ended.ended_by = EnderOf(work.context, false);
  ended.said = SentenceOf(work.context, *phase == RolloutPhase::kAborted
                                            ? WordsOf(RolloutMove::kAbort).did
                                            : WordsOf(RolloutMove::kRollBack).did);
  work.draft.ReplaceRollout(std::move(ended));
}

Result<Outcome> Start(const StartRollout& verb, Work work) {
  PODIUM_TRY(Check(verb.plan));
  Draft& draft = work.draft;
  PODIUM_TRY(CheckCandidate(draft.Find(verb.candidate), verb));
  PODIUM_TRY(CheckRoom(verb, draft));
  Rollout rollout;
  rollout.id = work.stamp.fresh_rollout;
  rollout.route = verb.route;
  rollout.candidate = verb.candidate;
  rollout.primary = draft.Holder(VersionStatus::kPrimary)->model_id;
  rollout.attempt = 1 + work.state.earlier_attempts;
  rollout.plan = verb.plan;
  rollout.epochs = {verb.first};
  rollout.epochs[0].step = 0;
  rollout.epochs[0].share = verb.plan.steps[0].share;
  rollout.epochs[0].began_at = work.stamp.now;
  rollout.started_at = rollout.step_entered_at = work.stamp.now;
  rollout.started_by = work.context.actor;
  rollout.said =
      SentenceOf(work.context, fmt::format("started it at {} %", FormatPercent(rollout.share())));
  Outcome outcome = OfCandidate(rollout, PromotionKind::kRamp);
  outcome.audit.share_before = {};
  if (const ModelVersion* canary = draft.Holder(VersionStatus::kCanary)) {
    outcome.audit.from = canary->model_id;
    outcome.audit.share_before = canary->share;
    // Out of the role and in again: a rollout throws coins of its own.
    draft.Place(canary->model_id, VersionStatus::kStandby);
  }
  draft.Place(verb.candidate, VersionStatus::kCanary, rollout.share());
  outcome.audit.evidence = WithMember("", "canary_salt", work.stamp.canary_salt);
  draft.ReplaceRollout(std::move(rollout));
  return outcome;
}

Result<Outcome> Move(const MoveRollout& verb, Work work) {
  PODIUM_TRY_ASSIGN(const Rollout before, FindRunning(verb, work.state));
  if (verb.proof) PODIUM_TRY(CheckProof(*verb.proof));
  Rollout rollout = before;
  PODIUM_TRY_ASSIGN(Outcome outcome, Carry(verb, rollout, work));
  if (verb.log_e_peak) rollout.log_e_peak = *verb.log_e_peak;
  if (rollout == before) return outcome;
  if (HasEnded(rollout.phase)) {
    rollout.ended_by = EnderOf(work.context, verb.token.has_value());
  }
  if (!verb.said.empty()) {
    rollout.said = Fitted(verb.said);
    PODIUM_TRY(CheckText("said", rollout.said, limits::kMaxReasonBytes));
  } else {
    rollout.said = SentenceOf(work.context, WordsOf(verb.move).did);
  }
  if (verb.proof) outcome.verdict = VerdictOf(verb, rollout, work);
  work.draft.ReplaceRollout(std::move(rollout));
  return outcome;
}

void TellOfRollout(const Mutation& mutation, Work work, Outcome& outcome) {
  if (!work.draft.rollout()) return;
  const Rollout& rollout = *work.draft.rollout();
  std::string_view move = "abort";
  if (std::holds_alternative<RollBackRoute>(mutation)) move = "route_rollback";
  if (std::holds_alternative<StartRollout>(mutation)) {
    move = "start";
    outcome.event = "podium.rollout.started";
  }
  if (const auto* verb = std::get_if<MoveRollout>(&mutation)) {
    move = WordsOf(verb->move).name;
    outcome.event = fmt::format("podium.rollout.{}", WordsOf(verb->move).event);
    if (!verb->said.empty()) outcome.audit.reason = rollout.said;
  }
  outcome.audit.evidence = WithMember(outcome.audit.evidence, "rollout", EvidenceOf(rollout, move));
}

std::optional<RolloutTold> ToldOfRollout(const Promotion& row) {
  const Json json = MemberOf(row.evidence, "rollout");
  if (!json.is_object()) return std::nullopt;
  const auto text = [&](const char* key) {
    const auto found = json.find(key);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  const std::optional<RolloutPhase> phase = ParseRolloutPhase(text("phase"));
  const std::optional<SplitUnit> unit = ParseSplitUnit(text("unit"));
  const auto epoch = json.find("epoch");
  if (!phase || !unit || epoch == json.end() || !epoch->is_number_unsigned()) return std::nullopt;
  return RolloutTold{RolloutId(text("id")), text("move"), *phase, *unit,
                     epoch->get<std::uint32_t>()};
}

}  // namespace podium::store
