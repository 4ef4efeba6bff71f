// Who asks what about rollouts: administrators, other replicas with their evidence, and others that
// drive.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "control/rollouts/rollout_driver.h"
#include "testing/sim/sim_world.h"

namespace podium::testing {
namespace {

constexpr std::string_view kOther = "another replica";

// Plans that come to something within a story: few calls prove much, and deadlines are short.
Json DrawPlan(Dice& dice) {
  Json plan = Json::object();
  Json steps = Json::array();
  int share = 0;
  for (int i = dice.Between(1, 3); i > 0; --i) {
    share = std::min(100, share + dice.Between(1, 40));
    Json step{{"share_pct", share}};
    if (dice.Percent(30)) step["bake"] = fmt::format("{}s", dice.Between(1, 20));
    if (dice.Percent(10)) step["gate"] = true;
    steps.push_back(std::move(step));
    if (share == 100) break;
  }
  plan["steps"] = std::move(steps);
  Json guard{{"metric", "error_rate"}};
  if (dice.Percent(85)) guard["at_most_pct"] = 95;
  plan["guards"] = Json::array({std::move(guard)});
  plan["unit"] = dice.Percent(50) ? "session" : "route";
  plan["deadline"] = fmt::format("{}s", dice.Between(30, 600));
  if (dice.Percent(40)) plan["on_deadline"] = "rollback";
  if (dice.Percent(25)) {
    plan["rule"] = "threshold";
    plan["success_threshold"] = dice.Percent(50) ? 0.0 : 0.9;
  } else if (dice.Percent(90)) {
    plan["promote_at_end"] = true;
  }
  return plan;
}

}  // namespace

SimVerb SimWorld::DrawRollout(const PlainRoute& route) {
  if (route.row.rollout && !dice_.Percent(5)) {
    return dice_.Percent(50) ? DrawRolloutVerb(route) : DrawRegistration(route.row.name);
  }
  SimVerb verb = OnRoute(PromotionKind::kRamp, route.row.name, "POST", "/rollouts");
  verb.id = Candidate(route);
  Json body = DrawPlan(dice_);
  verb.share = *BasisPoints::FromPercent(body["steps"][0]["share_pct"].get<double>());
  body["candidate"] = verb.id.get();
  verb.body = DumpJson(body);
  return verb;
}

// Its effect is for the checks of rollouts to judge: a share or a promotion names no version here.
SimVerb SimWorld::DrawRolloutVerb(const PlainRoute& route) {
  constexpr std::array<std::string_view, 7> kVerbs = {"pause", "resume",  "step",    "share",
                                                      "abort", "promote", "rollback"};
  constexpr std::array<int, 7> kOften = {3, 8, 6, 4, 1, 2, 1};
  const std::string_view what = kVerbs[dice_.Weighted(kOften)];
  SimVerb verb = OnRoute(PromotionKind::kRollout, route.row.name, "POST",
                         fmt::format("/rollouts/{}/{}", route.row.rollout->id.get(), what));
  if (what == "share") {
    verb.body = DumpJson(Json{{"traffic_pct", dice_.Between(0, 100)}});
  }
  if (dice_.Percent(60)) verb.actor = kNamedPerson;
  return verb;
}

// Other replicas count too: alike as a rule, so that candidates come up, and now and then they see
// what this one does not.
void SimWorld::CountElsewhere() {
  const std::optional<RolloutMark> mark = AnyMark();
  if (!mark) return;
  const auto row = raw_rollouts_->FindRollout(mark->id);
  if (!row || HasEnded(row->phase)) return;
  const auto canary = static_cast<std::uint64_t>(row->share().value() / 10);
  const bool worse = dice_.Percent(4);
  std::vector<store::RolloutCount> counts(2);
  std::vector<store::RolloutHit> hits;
  for (const bool of_canary : {false, true}) {
    store::RolloutCount& count = counts[of_canary ? 1 : 0];
    count.rollout = mark->id;
    count.epoch = mark->epoch;
    count.incarnation = kOther;
    count.canary = of_canary;
    count.units = count.requests = of_canary ? canary : 1'000 - canary;
    const std::uint64_t bad = of_canary && worse ? canary / 2 : count.units / 100;
    count.bad[0] = bad;
    for (std::uint64_t i = 0; i < bad; ++i) {
      store::RolloutHit hit;
      hit.rollout = mark->id;
      hit.epoch = mark->epoch;
      hit.unit = (i * 2 + (of_canary ? 1 : 0)) << 20U;
      hit.incarnation = kOther;
      hit.canary = of_canary;
      hit.second_rank = UINT32_MAX;
      hit.bad = hit.seen = 1;
      hits.push_back(hit);
    }
  }
  if (!raw_rollouts_->RecordEvidence(counts, hits)) return checks_.Fail("evidence is not taken");
  ++faults_[SimFault::kForeignEvidence];
  trace_.Add(fmt::format("another replica has counted for {}{}", mark->id.get(),
                         worse ? ", and the candidate is worse" : ""));
}

// It drives for a while: what this process believes to drive, it does not any more.
void SimWorld::DriveElsewhere() {
  const std::optional<RolloutMark> mark = AnyMark();
  if (!mark) return;
  const auto lease =
      raw_rollouts_->TakeLease(mark->id, std::string(kOther), control::kRolloutLease);
  if (!lease || !*lease) return;
  ++faults_[SimFault::kForeignDriver];
  trace_.Add("another replica drives " + mark->id.get());
  const auto stored = raw_rollouts_->ReadEvidence(mark->id);
  if (!stored || HasEnded(stored->rollout.phase)) return;
  const control::RolloutLook look = control::LookAt(*stored, {}, stored->rollout.log_e_peak);
  auto move = control::NextMove(look, {});
  if (!move || !*move) return;
  // It has made nothing ready here: only what takes nothing but traffic away is its to do.
  const bool down =
      (*move)->move == store::RolloutMove::kRollBack || (*move)->move == store::RolloutMove::kPage;
  if (!down) return;
  (*move)->token = (*lease)->token;
  store::MutationContext context;
  context.actor = "podium";
  context.request_id = fmt::format("d{}", ++next_name_);
  const store::Mutation mutation = **move;
  const Result<store::Committed> done = raw_->Apply(mutation, context);
  if (!done || !done->changed) return;
  CommitSeen(mutation, *done, /*by_verb=*/false);
}

std::optional<RolloutMark> SimWorld::AnyMark() {
  std::vector<RolloutMark> marks;
  for (const auto& [name, route] : rows_.now()) {
    if (route->row.rollout) marks.push_back(*route->row.rollout);
  }
  if (marks.empty()) return std::nullopt;
  return dice_.Pick(marks);
}

}  // namespace podium::testing
