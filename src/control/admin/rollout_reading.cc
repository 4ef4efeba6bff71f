#include "control/admin/rollout_reading.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "rollout/evidence.h"
#include "store/decide.h"

namespace podium::control {
namespace {

constexpr std::string_view kStepUpWord = "step-up";  // As store::RolloutProof has it.

std::string VersionNameIn(const view::RouteView* route, const ModelId& id) {
  if (route == nullptr) return "";
  for (const ModelVersion& version : route->route->versions) {
    if (version.model_id == id) return version.version;
  }
  return "";
}

// How many epochs the verdict judged: its evidence has a step for each. None where it cannot be
// read.
std::optional<std::size_t> EpochsJudged(const store::RolloutVerdict& verdict) {
  const Result<rollout::Evidence> evidence = rollout::ParseEvidence(verdict.evidence);
  if (!evidence) return std::nullopt;
  return evidence->steps.size();
}

std::size_t EpochsBy(const Rollout& rollout, WallTime at) {
  const auto begun = std::count_if(rollout.epochs.begin(), rollout.epochs.end(),
                                   [at](const RolloutEpoch& epoch) { return epoch.began_at < at; });
  return static_cast<std::size_t>(begun);
}

// As people call the replica of that life; what has left the table is named by its life.
std::string NameOfLife(const AdminContext& c, const std::string& incarnation) {
  if (c.replicas == nullptr) return incarnation;
  const auto rows = c.replicas->ReadReplicas();
  if (!rows) return incarnation;
  for (const store::ReplicaRow& row : *rows) {
    if (row.self.incarnation == incarnation) return row.self.id;
  }
  return incarnation;
}

// The lease is the database's, so that any replica may say who holds it.
std::string DriverOf(const AdminContext& c, const Rollout& rollout) {
  if (HasEnded(rollout.phase)) return "";
  if (c.driver != nullptr) {
    const std::optional<view::RolloutStanding> standing = c.driver->StandingOf(rollout.id);
    if (standing && standing->driven_here) return c.options.replica;
  }
  const auto lease = c.rollouts->FindLease(rollout.id);
  return lease && *lease ? NameOfLife(c, (*lease)->owner) : "";
}

}  // namespace

// A clock may have been set back between the two, so that their times come second. A step up judged
// the epoch that it ended, and every look at the next one is newer, whatever it is stamped with.
std::optional<store::RolloutVerdict> NewestOf(const Rollout& rollout,
                                              store::LatestVerdicts latest) {
  if (!latest.look) return std::move(latest.decision);
  if (!latest.decision) return std::move(latest.look);
  const auto place = [&](const store::RolloutVerdict& verdict) {
    const std::size_t epochs = EpochsJudged(verdict).value_or(EpochsBy(rollout, verdict.at));
    return std::tuple(epochs, verdict.at, verdict.number);
  };
  const bool look_is_newer = place(*latest.decision) < place(*latest.look);
  return std::move(look_is_newer ? latest.look : latest.decision);
}

Result<Rollout> FindRolloutOf(store::RolloutStore& store, const RouteName& route,
                              const RolloutId& id) {
  PODIUM_TRY_ASSIGN(Rollout rollout, store.FindRollout(id));
  if (rollout.route == route) return rollout;
  return Fail(ErrorCode::kNotFound, "rollout {} is of route {}, not {}", id.get(),
              rollout.route.get(), route.get());
}

RolloutBeside NamesOf(const AdminContext& c, const Rollout& rollout) {
  RolloutBeside beside;
  const view::ViewPtr view = c.publisher.state().view;
  const view::RouteView* route = view->Find(rollout.route.get());
  beside.candidate_version = VersionNameIn(route, rollout.candidate);
  beside.primary_version = VersionNameIn(route, rollout.primary);
  return beside;
}

RolloutBeside BesideOf(const AdminContext& c, const Rollout& rollout, bool with_look) {
  RolloutBeside beside = NamesOf(c, rollout);
  if (!with_look) return beside;
  beside.driver = DriverOf(c, rollout);
  if (Result<store::LatestVerdicts> latest = c.rollouts->ReadLatestVerdicts(rollout.id)) {
    beside.latest = NewestOf(rollout, std::move(*latest));
  }
  return beside;
}

Result<ModelVersion> CandidateIn(const store::RouteState& state, const std::string& word) {
  std::vector<const ModelVersion*> called;
  for (const ModelVersion& version : state.versions) {
    if (version.model_id.get() == word) return version;
    if (version.version == word) called.push_back(&version);
  }
  if (called.size() > 1) {
    std::erase_if(called, [](const ModelVersion* version) {
      return version->status == VersionStatus::kRetired;
    });
  }
  if (called.size() == 1) return *called.front();
  const std::string& route = state.route.name.get();
  if (called.size() > 1) {
    std::string ids;
    for (const ModelVersion* version : called) {
      ids += (ids.empty() ? "" : ", ") + version->model_id.get();
    }
    return Fail(Error{ErrorCode::kConflict,
                      fmt::format("route {} has several versions called {}: name one by its id, {}",
                                  route, word, ids),
                      "/candidate", nullptr});
  }
  return Fail(Error{ErrorCode::kNotFound,
                    fmt::format("route {} has no version {}: GET /api/v1/versions?route={} lists "
                                "them",
                                route, word, route),
                    "/candidate", nullptr});
}

Result<int> NextAttemptOf(const AdminContext& c, const store::RouteState& state,
                          const ModelVersion& candidate) {
  std::map<ModelId, std::string> artifacts;
  for (const ModelVersion& version : state.versions) {
    artifacts[version.model_id] = store::ArtifactOf(version);
  }
  const std::string wanted = store::ArtifactOf(candidate);
  store::RolloutQuery query;
  query.route = state.route.name;
  query.limit = limits::kPageMax;
  int attempt = 1;
  do {
    PODIUM_TRY_ASSIGN(const store::Page<Rollout> page, c.rollouts->ListRollouts(query));
    for (const Rollout& earlier : page.items) {
      const auto known = artifacts.find(earlier.candidate);
      const bool same = known != artifacts.end() ? known->second == wanted
                                                 : earlier.candidate == candidate.model_id;
      if (same) ++attempt;
    }
    query.cursor = page.next_cursor;
  } while (!query.cursor.empty());
  return attempt;
}

Result<std::optional<store::RolloutProof>> ProofOfPromotion(store::RolloutStore& store,
                                                            const Rollout& rollout) {
  using Proof = std::optional<store::RolloutProof>;
  // An earlier step's verdict allows the next step's share, and by a wider margin.
  const bool is_last = rollout.step + std::size_t{1} >= rollout.plan.steps.size();
  if (!is_last || rollout.epochs.empty() || rollout.share() != rollout.plan.steps.back().share) {
    return Proof();
  }
  PODIUM_TRY_ASSIGN(store::LatestVerdicts kept, store.ReadLatestVerdicts(rollout.id));
  std::optional<store::RolloutVerdict> latest = NewestOf(rollout, std::move(kept));
  if (!latest || latest->decision != kStepUpWord) return Proof();
  // Of the present epoch by what it counted: the step up that began it has the time of its begin.
  if (EpochsJudged(*latest) != rollout.epochs.size()) return Proof();
  return Proof(store::RolloutProof{std::move(latest->decision), std::move(latest->evidence),
                                   std::move(latest->verdict), latest->at});
}

}  // namespace podium::control
