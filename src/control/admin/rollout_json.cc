#include "control/admin/rollout_json.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "control/admin/fields.h"
#include "domain/rollout_json.h"
#include "rollout/alpha.h"

namespace podium::control {
namespace {

Json TimeOrNull(WallTime time) { return time == WallTime() ? Json() : Json(FormatUtc(time)); }

// A text that was stored as JSON; shown as it stands if it is none.
Json Embedded(const std::string& text) {
  if (text.empty()) return {};
  Result<Json> json = ParseJson(text);
  return json ? std::move(*json) : Json(text);
}

Json EpochJson(const RolloutEpoch& epoch) {
  Json json;
  json["step"] = epoch.step + 1;
  json["of_step"] = epoch.of_step;
  json["in_step"] = epoch.in_step == 0 ? Json() : Json(epoch.in_step);
  json["traffic_pct"] = epoch.share.percent();
  json["began_at"] = TimeOrNull(epoch.began_at);
  return json;
}

// The step that the rollout is in; nullptr for a row that does not fit its plan.
const RolloutStep* StepOf(const Rollout& rollout) {
  return rollout.step < rollout.plan.steps.size() ? &rollout.plan.steps[rollout.step] : nullptr;
}

Json GateJson(const Rollout& rollout) {
  const RolloutStep* step = StepOf(rollout);
  if (step == nullptr || !step->gate) return {};
  return rollout.gate_open ? "open" : "closed";
}

void AddLatest(Json& json, const std::optional<store::RolloutVerdict>& latest) {
  json["decision"] = latest ? Json(latest->decision) : Json();
  json["sentence"] = latest ? Json(latest->sentence) : Json();
  json["looked_at"] = latest ? TimeOrNull(latest->at) : Json();
  json["verdict"] = latest ? Embedded(latest->verdict) : Json();
}

}  // namespace

double AlphaLeft(const Rollout& rollout) {
  return rollout::AttemptAlpha(rollout.plan.alpha, std::max(rollout.attempt, 1));
}

WallTime DeadlineOf(const Rollout& rollout) {
  const RolloutStep* step = StepOf(rollout);
  const bool own = step != nullptr && step->deadline > std::chrono::seconds(0);
  return rollout.step_entered_at + (own ? step->deadline : rollout.plan.deadline);
}

WallTime BakedAt(const Rollout& rollout) {
  const RolloutStep* step = StepOf(rollout);
  return rollout.step_entered_at + (step == nullptr ? std::chrono::seconds(0) : step->bake);
}

Json ToJson(const Rollout& rollout, const RolloutBeside& beside) {
  const bool runs = !HasEnded(rollout.phase);
  Json json;
  json["id"] = rollout.id.get();
  json["route"] = rollout.route.get();
  json["candidate"] = rollout.candidate.get();
  json["candidate_version"] =
      beside.candidate_version.empty() ? Json() : Json(beside.candidate_version);
  json["primary"] = rollout.primary.get();
  json["primary_version"] = beside.primary_version.empty() ? Json() : Json(beside.primary_version);
  json["phase"] = NameOf(rollout.phase);
  json["step"] = rollout.step + 1;
  json["steps"] = rollout.plan.steps.size();
  json["traffic_pct"] = runs ? rollout.share().percent() : 0.0;
  json["gate"] = runs ? GateJson(rollout) : Json();
  json["said"] = rollout.said.empty() ? Json() : Json(rollout.said);
  AddLatest(json, beside.latest);
  json["baked_at"] = runs ? TimeOrNull(BakedAt(rollout)) : Json();
  json["deadline"] = runs ? TimeOrNull(DeadlineOf(rollout)) : Json();
  json["overdue"] = runs && rollout.paged;
  json["driver"] = beside.driver.empty() ? Json() : Json(beside.driver);
  json["attempt"] = rollout.attempt;
  json["alpha"] = AlphaLeft(rollout);
  json["started_at"] = TimeOrNull(rollout.started_at);
  json["started_by"] = rollout.started_by;
  json["step_entered_at"] = TimeOrNull(rollout.step_entered_at);
  json["ended_at"] = runs ? Json() : TimeOrNull(rollout.ended_at);
  json["plan"] = ToJson(rollout.plan);
  json["epochs"] = Json::array();
  for (const RolloutEpoch& epoch : rollout.epochs) json["epochs"].push_back(EpochJson(epoch));
  json["revision"] = rollout.revision.get();
  return json;
}

Json RolloutLine(const view::RolloutStanding& standing) {
  const auto text = [](const std::string& it) { return it.empty() ? Json() : Json(it); };
  Json json;
  json["id"] = standing.id.get();
  json["phase"] = NameOf(standing.phase);
  json["candidate"] = standing.candidate.get();
  json["step"] = standing.step + 1;
  json["steps"] = standing.steps;
  json["traffic_pct"] = HasEnded(standing.phase) ? 0.0 : standing.share.percent();
  json["overdue"] = standing.overdue;
  json["decision"] = text(standing.decision);
  json["sentence"] = text(standing.sentence);
  json["said"] = text(standing.said);
  return json;
}

view::RolloutStanding StandingOf(const Rollout& rollout) {
  view::RolloutStanding standing;
  standing.id = rollout.id;
  standing.route = rollout.route;
  standing.candidate = rollout.candidate;
  standing.phase = rollout.phase;
  standing.step = rollout.step;
  standing.steps = static_cast<std::uint32_t>(rollout.plan.steps.size());
  standing.share = rollout.share();
  standing.overdue = rollout.paged;
  standing.said = rollout.said;
  return standing;
}

Json ToJson(const store::RolloutVerdict& verdict) {
  Json json;
  json["number"] = verdict.number;
  json["at"] = TimeOrNull(verdict.at);
  json["decision"] = verdict.decision;
  json["sentence"] = verdict.sentence;
  json["evidence"] = Embedded(verdict.evidence);
  json["verdict"] = Embedded(verdict.verdict);
  return json;
}

Result<RolloutStart> ReadRolloutStart(const Json& body) {
  // What is not of the start is the plan's: it knows its own fields, and refuses others.
  Json own = Json::object();
  Json plan = Json::object();
  for (const auto& [key, value] : body.items()) {
    const bool is_own = key == "candidate" || key == "reason" || key == "force";
    (is_own ? own : plan)[key] = value;
  }
  Fields fields(own);
  RolloutStart start;
  start.candidate = fields.RequiredText("candidate", limits::kMaxNameBytes);
  start.reason = fields.Text("reason", limits::kMaxReasonBytes);
  start.force = fields.Flag("force");
  PODIUM_TRY(fields.Finish());
  PODIUM_TRY_ASSIGN(start.plan, PlanFromJson(plan));
  return start;
}

Result<RolloutVerbBody> ReadRolloutVerb(const Json& body, bool with_share, bool with_force) {
  Fields fields(body);
  RolloutVerbBody read;
  read.reason = fields.Text("reason", limits::kMaxReasonBytes);
  if (with_force) read.force = fields.Flag("force");
  std::optional<double> percent;
  if (with_share) {
    percent = fields.Number("traffic_pct");
    if (!percent) fields.Complain("traffic_pct", "\"traffic_pct\" is required, 0 to 100");
  }
  PODIUM_TRY(fields.Finish());
  if (percent) {
    const Result<BasisPoints> share = BasisPoints::FromPercent(*percent);
    if (!share) return Fail(Error(share.error()).At("/traffic_pct"));
    read.share = *share;
  }
  return read;
}

}  // namespace podium::control
