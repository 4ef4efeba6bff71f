#include "control/follow/follow_reading.h"

#include <algorithm>
#include <utility>

#include "control/follow/followed_rows.h"

namespace podium::control {
namespace {

Status ReadAliased(store::ModelStore& models, const std::string& name,
                   const FollowSelector& selector, FollowedModel& model) {
  if (!selector.alias) return {};
  const auto named = model.aliases.find(*selector.alias);
  if (named == model.aliases.end()) return {};
  return AlsoRead(models, name, named->second, model);
}

// Aborted, and nobody meant it as a veto: by its follower, when the champion was another for a
// while, or by its driver, because of a provider that did not answer. Where the row does not say
// who ended it, people did by SQL.
bool SaysNothing(const Rollout& rollout) {
  return rollout.phase == RolloutPhase::kAborted &&
         (rollout.ended_by == "follower" || rollout.ended_by == "driver");
}

// What runs, and what ended badly for the version that is to be led in.
Status ReadRollouts(store::RolloutStore& rollouts, FollowReading& reading) {
  const Route& route = reading.state.route;
  if (route.rollout) {
    Result<Rollout> running = rollouts.FindRollout(route.rollout->id);
    if (running) {
      reading.rollout = std::move(*running);
    } else if (running.error().code != ErrorCode::kNotFound) {
      return Fail(std::move(running).error());
    }
  }
  const RegisteredVersion* champion = reading.Find(reading.targets.champion);
  const ModelVersion* row =
      champion == nullptr ? nullptr : FindRow(reading.state.versions, *champion);
  if (row == nullptr || reading.follow().on_champion != OnChampion::kRollout) return {};
  store::RolloutQuery query;
  query.route = route.name;
  PODIUM_TRY_ASSIGN(store::Page<Rollout> page, rollouts.ListRollouts(query));
  const auto newest = std::ranges::find_if(page.items, [&](const Rollout& rollout) {
    return rollout.candidate == row->model_id && !SaysNothing(rollout);
  });
  if (newest == page.items.end() || !HasEnded(newest->phase)) return {};
  if (newest->phase != RolloutPhase::kPromoted) reading.vetoed = std::move(*newest);
  return {};
}

}  // namespace

const RegisteredVersion* FollowReading::Find(const std::optional<std::int64_t>& number) const {
  return number && model ? model->Find(*number) : nullptr;
}

const ModelVersion* FollowReading::Holder(VersionStatus status) const {
  const auto row = std::ranges::find(state.versions, status, &ModelVersion::status);
  return row == state.versions.end() ? nullptr : &*row;
}

Result<FollowReading> ReadFollowed(store::RegistryStore& store, store::ModelStore& models,
                                   store::RolloutStore& rollouts, const RouteName& route) {
  FollowReading reading;
  PODIUM_TRY_ASSIGN(reading.state, store.ReadRoute(route));
  if (!reading.state.route.follow) {
    return Fail(ErrorCode::kConflict,
                "route {} does not follow a registered model: PUT /api/v1/routes/{}/follow first",
                route.get(), route.get());
  }
  const Follow& follow = reading.follow();
  Result<FollowedModel> model = ReadFollowedModel(models, follow.model, follow);
  if (!model && model.error().code != ErrorCode::kNotFound) return Fail(std::move(model).error());
  if (model) {
    reading.targets = TargetsOf(follow, *model);
    reading.model = std::move(*model);
  }
  PODIUM_TRY(ReadRollouts(rollouts, reading));
  return reading;
}

Result<FollowedModel> ReadFollowedModel(store::ModelStore& models, const std::string& name,
                                        const Follow& follow) {
  PODIUM_TRY_ASSIGN(store::ModelListing listing, models.ReadModel(name));
  FollowedModel model{std::move(listing.model.aliases), std::move(listing.latest)};
  PODIUM_TRY(ReadAliased(models, name, ChampionOf(follow), model));
  PODIUM_TRY(ReadAliased(models, name, ChallengerOf(follow), model));
  return model;
}

Status AlsoRead(store::ModelStore& models, const std::string& name, std::int64_t number,
                FollowedModel& model) {
  if (model.Find(number) != nullptr) return {};
  Result<RegisteredVersion> version = models.ReadModelVersion(name, number);
  if (version) {
    model.versions.push_back(std::move(*version));
  } else if (version.error().code != ErrorCode::kNotFound) {
    return Fail(std::move(version).error());
  }
  return {};
}

FollowFacts FactsOf(
    const FollowReading& reading, const std::function<bool(const ModelVersion&)>& ready,
    const std::function<std::optional<FollowTrouble>(const RegisteredVersion&)>& trouble) {
  FollowFacts facts;
  facts.route = reading.state.route.name;
  facts.follow = reading.follow();
  facts.model_exists = reading.model.has_value();
  facts.has_arms = !reading.state.route.arms.empty();
  facts.primary = reading.Holder(VersionStatus::kPrimary);
  facts.canary = reading.Holder(VersionStatus::kCanary);
  facts.rollout = reading.rollout ? &*reading.rollout : nullptr;
  facts.vetoed = reading.vetoed ? &*reading.vetoed : nullptr;
  const auto candidate =
      [&](const std::optional<std::int64_t>& number) -> std::optional<FollowCandidate> {
    const RegisteredVersion* version = reading.Find(number);
    if (version == nullptr) return std::nullopt;
    FollowCandidate made;
    made.number = version->number;
    made.row = FindRow(reading.state.versions, *version);
    made.ready = made.row != nullptr && ready(*made.row);
    made.trouble = trouble(*version);
    return made;
  };
  facts.champion = candidate(reading.targets.champion);
  facts.challenger = candidate(reading.targets.challenger);
  return facts;
}

}  // namespace podium::control
