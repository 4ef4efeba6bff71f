#include "control/follow/followed_model.h"

#include <algorithm>
#include <utility>

#include "store/mutation.h"

namespace podium::control {
namespace {

std::optional<std::int64_t> HighestIn(ModelStage stage, const FollowedModel& model) {
  std::optional<std::int64_t> highest;
  for (const RegisteredVersion& version : model.versions) {
    if (version.stage == stage && version.number > highest.value_or(0)) highest = version.number;
  }
  return highest;
}

std::optional<std::int64_t> NumberOf(const FollowSelector& selector, const FollowedModel& model) {
  if (selector.alias) {
    const auto named = model.aliases.find(*selector.alias);
    if (named != model.aliases.end()) return named->second;
  }
  return selector.stage ? HighestIn(*selector.stage, model) : std::nullopt;
}

void Move(FollowedModel& model, const store::TransitionVersion& verb) {
  for (RegisteredVersion& version : model.versions) {
    if (version.number == verb.number) {
      version.stage = verb.stage;
    } else if (verb.archive_others && version.stage == verb.stage) {
      version.stage = ModelStage::kArchived;
    }
  }
}

void Remove(FollowedModel& model, std::int64_t number) {
  std::erase_if(model.versions,
                [&](const RegisteredVersion& version) { return version.number == number; });
  std::erase_if(model.aliases, [&](const auto& alias) { return alias.second == number; });
}

}  // namespace

const RegisteredVersion* FollowedModel::Find(std::int64_t number) const {
  const auto found = std::ranges::find(versions, number, &RegisteredVersion::number);
  return found == versions.end() ? nullptr : &*found;
}

FollowTargets TargetsOf(const Follow& follow, const FollowedModel& model) {
  FollowTargets targets{NumberOf(ChampionOf(follow), model), NumberOf(ChallengerOf(follow), model)};
  if (targets.challenger == targets.champion) targets.challenger.reset();
  return targets;
}

std::optional<FollowedModel> After(FollowedModel model, const store::ModelMutation& mutation) {
  if (std::holds_alternative<store::DeleteModel>(mutation)) return std::nullopt;
  std::visit(store::Overloaded{
                 [&](const store::SetAlias& verb) { model.aliases[verb.alias] = verb.number; },
                 [&](const store::DeleteAlias& verb) { model.aliases.erase(verb.alias); },
                 [&](const store::TransitionVersion& verb) { Move(model, verb); },
                 [&](const store::DeleteModelVersion& verb) { Remove(model, verb.number); },
                 [](const auto&) {},
             },
             mutation);
  return model;
}

std::optional<ModelStage> StageThatLosesItsHighest(const FollowedModel& model,
                                                   const store::ModelMutation& mutation) {
  std::int64_t number = 0;
  if (const auto* moved = std::get_if<store::TransitionVersion>(&mutation)) number = moved->number;
  if (const auto* gone = std::get_if<store::DeleteModelVersion>(&mutation)) number = gone->number;
  const RegisteredVersion* version = number == 0 ? nullptr : model.Find(number);
  if (version == nullptr || HighestIn(version->stage, model) != number) return std::nullopt;
  const auto* moved = std::get_if<store::TransitionVersion>(&mutation);
  if (moved != nullptr && moved->stage == version->stage) return std::nullopt;
  return version->stage;
}

}  // namespace podium::control
