#include "testing/scenario_acts.h"

#include <optional>
#include <set>
#include <utility>

#include "testing/scenario_rollouts.h"

namespace podium::testing::scenario {
namespace {

bool AtCircumstance(const Line& line) {
  const Word* word = line.Peek();
  static const std::set<std::string_view> begins = {"as", "in", "by", "because", "if"};
  return !word->quoted && begins.contains(word->text);
}

Result<store::Mutation> ReadRegistration(Line& line) {
  store::RegisterVersion verb;
  PODIUM_TRY_ASSIGN(verb.version.route, line.Route());
  PODIUM_TRY_ASSIGN(verb.version.version, line.Name("a version"));
  PODIUM_TRY(line.Need("as"));
  PODIUM_TRY_ASSIGN(verb.version.model_id, line.Id());
  if (line.Take("shadow")) verb.version.status = VersionStatus::kShadow;
  if (line.Take("name")) {
    PODIUM_TRY_ASSIGN(verb.version.name, line.Name("a name"));
  }
  if (line.Take("parent")) {
    PODIUM_TRY_ASSIGN(verb.version.parent_id, line.Id());
  }
  return store::Mutation(std::move(verb));
}

Result<store::Mutation> ReadCanary(Line& line) {
  store::SetCanary verb;
  PODIUM_TRY_ASSIGN(verb.id, line.Id());
  if (line.Take("on")) {
    PODIUM_TRY_ASSIGN(verb.route, line.Route());
  }
  PODIUM_TRY(line.Need("at"));
  PODIUM_TRY_ASSIGN(verb.share, line.Share());
  return store::Mutation(std::move(verb));
}

Result<store::Mutation> ReadFollow(Line& line) {
  store::SetFollow verb;
  PODIUM_TRY_ASSIGN(verb.route, line.Route());
  Follow& follow = verb.follow.emplace();
  PODIUM_TRY_ASSIGN(follow.model, line.Name("a registered model"));
  if (line.Take("champion")) {
    PODIUM_TRY_ASSIGN(follow.champion, line.Name("@alias or a stage"));
  }
  if (line.Take("challenger")) {
    PODIUM_TRY_ASSIGN(follow.challenger, line.Name("@alias, a stage or none"));
  }
  if (line.Take("at")) {
    PODIUM_TRY_ASSIGN(follow.challenger_share, line.Share());
  }
  if (line.Take("rollout")) follow.on_champion = OnChampion::kRollout;
  return store::Mutation(std::move(verb));
}

Result<store::Mutation> ReadArmsVerb(Line& line) {
  store::SetArms verb;
  PODIUM_TRY_ASSIGN(verb.route, line.Route());
  PODIUM_TRY_ASSIGN(verb.arms, ReadArms(line));
  return store::Mutation(std::move(verb));
}

Result<store::Mutation> ReadShadow(Line& line) {
  store::SetShadow verb;
  PODIUM_TRY_ASSIGN(verb.route, line.Route());
  if (line.Take("none")) return store::Mutation(std::move(verb));
  ShadowPlan& plan = verb.plan.emplace();
  PODIUM_TRY(line.Need("at"));
  PODIUM_TRY_ASSIGN(plan.rate, line.Share());
  if (!line.Take("for")) return store::Mutation(std::move(verb));
  do {
    PODIUM_TRY_ASSIGN(ModelId id, line.Id());
    plan.versions.push_back(std::move(id));
  } while (line.Peek() != nullptr && !AtCircumstance(line));
  return store::Mutation(std::move(verb));
}

Result<store::Mutation> ReadChallengerVerb(Line& line) {
  store::SetChallenger verb;
  PODIUM_TRY_ASSIGN(verb.route, line.Route());
  if (line.Take("none")) return store::Mutation(std::move(verb));
  ChallengerPlan& plan = verb.plan.emplace();
  PODIUM_TRY_ASSIGN(plan.challenger, line.Id());
  if (line.Take("at")) {
    PODIUM_TRY_ASSIGN(plan.weight, line.Share());
  }
  plan.testing = !line.Take("off");
  return store::Mutation(std::move(verb));
}

Result<store::Mutation> ReadDeletion(Line& line, const ModelId& id) {
  store::DeleteVersion verb{id};
  if (line.Take("even")) {
    PODIUM_TRY(line.Need("live"));
    verb.allow_live = true;
  }
  return store::Mutation(std::move(verb));
}

Result<store::Mutation> ReadMutation(Line& line, const std::string& verb) {
  if (verb == "register") return ReadRegistration(line);
  if (verb == "canary") return ReadCanary(line);
  if (verb == "arms") return ReadArmsVerb(line);
  if (verb == "follow") return ReadFollow(line);
  if (verb == "rollout") return ReadRollout(line);
  if (verb == "shadow") return ReadShadow(line);
  if (verb == "challenger") return ReadChallengerVerb(line);
  if (verb == "end") {
    PODIUM_TRY(line.Need("canary"));
    PODIUM_TRY(line.Need("on"));
  }
  if (verb == "end" || verb == "rollback" || verb == "unfollow" || verb == "resume") {
    PODIUM_TRY_ASSIGN(const RouteName route, line.Route());
    if (verb == "end") return store::Mutation(store::EndCanary{route});
    if (verb == "unfollow") return store::Mutation(store::SetFollow{route, std::nullopt});
    if (verb == "resume") return store::Mutation(store::ResumeFollow{route});
    return store::Mutation(store::RollBackRoute{route});
  }
  PODIUM_TRY_ASSIGN(const ModelId id, line.Id());
  if (verb == "activate") return store::Mutation(store::ActivateVersion{id});
  if (verb == "promote") return store::Mutation(store::PromoteVersion{id, line.Take("aborting")});
  if (verb == "retire") return store::Mutation(store::RetireVersion{id});
  return ReadDeletion(line, id);
}

Status ReadCircumstances(Line& line, Act& act) {
  if (line.Take("as")) {
    PODIUM_TRY_ASSIGN(const std::string who, line.OneOf("a role", {"follower", "driver"}));
    act.as_follower = who == "follower";
    act.as_driver = who == "driver";
  }
  if (line.Take("in")) {
    PODIUM_TRY(line.Need("person"));
    act.in_person = true;
  }
  if (line.Take("by")) {
    PODIUM_TRY_ASSIGN(act.actor, line.Name("an actor"));
  }
  if (line.Take("because")) {
    PODIUM_TRY_ASSIGN(act.reason, line.Text("a reason"));
  }
  while (line.Take("if")) {
    PODIUM_TRY_ASSIGN(const std::string what, line.OneOf("a condition", {"revision", "primary"}));
    if (what == "primary") PODIUM_TRY(line.Need("since"));
    PODIUM_TRY_ASSIGN((what == "revision" ? act.if_revision : act.if_primary_since),
                      line.RevisionOrNote());
  }
  return {};
}

}  // namespace

const std::vector<std::string_view>& ActVerbs() {
  static const std::vector<std::string_view> verbs = {
      "register", "activate", "promote",  "retire", "delete",  "canary", "end",       "rollback",
      "arms",     "follow",   "unfollow", "resume", "rollout", "shadow", "challenger"};
  return verbs;
}

Result<Act> ReadAct(Line& line, const std::string& verb) {
  Act act;
  PODIUM_TRY_ASSIGN(act.mutation, ReadMutation(line, verb));
  PODIUM_TRY(ReadCircumstances(line, act));
  return act;
}

Result<std::vector<RouteArm>> ReadArms(Line& line) {
  std::vector<RouteArm> arms;
  if (line.Take("none")) return arms;
  do {
    RouteArm arm;
    PODIUM_TRY_ASSIGN(arm.model_id, line.Id());
    PODIUM_TRY_ASSIGN(arm.weight, line.Share());
    arm.slot = static_cast<int>(arms.size());
    arms.push_back(std::move(arm));
  } while (line.Peek() != nullptr && !AtCircumstance(line));
  return arms;
}

}  // namespace podium::testing::scenario
