#include "control/follow/follow_judge.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "control/follow/followed_rows.h"
#include "domain/names.h"
#include "store/model_list.h"

namespace podium::control {
namespace {

constexpr int kVersionsAtOnce = 200;

/// The model that a mutation is about, as followers call it afterwards and as it is called now.
struct Names {
  std::string followed;
  std::string now;
};

// nullopt for what moves neither an alias nor a stage.
std::optional<Names> NamesOf(const store::ModelMutation& mutation) {
  using Maybe = std::optional<Names>;
  const auto same = [](const auto& verb) { return Maybe(Names{verb.name, verb.name}); };
  return std::visit(
      store::Overloaded{
          [&](const store::SetAlias& verb) { return same(verb); },
          [&](const store::DeleteAlias& verb) { return same(verb); },
          [&](const store::TransitionVersion& verb) { return same(verb); },
          [&](const store::DeleteModelVersion& verb) { return same(verb); },
          [](const store::RenameModel& verb) { return Maybe(Names{verb.new_name, verb.name}); },
          [](const auto&) { return Maybe(); },
      },
      mutation);
}

// The version that a mutation names; 0 for none.
std::int64_t NumberIn(const store::ModelMutation& mutation) {
  if (const auto* set = std::get_if<store::SetAlias>(&mutation)) return set->number;
  if (const auto* moved = std::get_if<store::TransitionVersion>(&mutation)) return moved->number;
  const auto* gone = std::get_if<store::DeleteModelVersion>(&mutation);
  return gone == nullptr ? 0 : gone->number;
}

// Only what the mutation brings in is judged: what is named already was judged then.
std::vector<std::int64_t> Newcomers(const FollowTargets& before, const FollowTargets& after) {
  std::vector<std::int64_t> numbers;
  if (after.champion && after.champion != before.champion) numbers.push_back(*after.champion);
  if (after.challenger && after.challenger != before.challenger) {
    numbers.push_back(*after.challenger);
  }
  return numbers;
}

Error RefusalOf(const RouteName& route, std::int64_t number, const std::string& why) {
  return {ErrorCode::kInvalidArgument,
          fmt::format("Route {} follows this model, and version {} cannot be served there: {}. "
                      "Nothing was changed.",
                      route.get(), number, why),
          "", nullptr};
}

const ModelVersion* PrimaryIn(const store::RouteState& state) {
  const auto row =
      std::ranges::find(state.versions, VersionStatus::kPrimary, &ModelVersion::status);
  return row == state.versions.end() ? nullptr : &*row;
}

bool IsLive(const ModelVersion& row) {
  return row.status == VersionStatus::kPrimary ||
         (row.status == VersionStatus::kCanary && row.share > BasisPoints());
}

}  // namespace

std::optional<std::string> ForcedBy(const RegisteredVersion& version) {
  const auto tag = version.tags.find(std::string(kForceTag));
  if (tag == version.tags.end() || tag->second.size() > kMostForceNameBytes) return std::nullopt;
  if (!CheckName(kForceTag, tag->second)) return std::nullopt;
  return tag->second;
}

std::string TroubleKeyOf(const RegisteredVersion& version) {
  return IdentityOf(version) + ForcedBy(version).value_or("");
}

Status FollowJudge::Judge(const store::ModelMutation& mutation) const {
  const std::optional<Names> names = NamesOf(mutation);
  if (!names) return {};
  const view::ViewPtr view = publisher_.state().view;
  for (const view::RouteView& route : view->routes()) {
    const std::optional<Follow>& follow = route.route->follow;
    if (!follow || follow->held || follow->model != names->followed) continue;
    Status good = JudgeRoute(route.route->name, *follow, mutation);
    // Of what cannot be read nothing is known: the commit will meet it, or the follower.
    if (!good && good.error().code == ErrorCode::kInvalidArgument) return good;
  }
  return {};
}

Status FollowJudge::JudgeRoute(const RouteName& route, const Follow& follow,
                               const store::ModelMutation& mutation) const {
  const Names names = *NamesOf(mutation);
  PODIUM_TRY_ASSIGN(const FollowedModel now, ReadModel(names.now, follow, mutation));
  // Under a name that it does not have yet, nobody has followed it.
  const FollowTargets before =
      names.now == names.followed ? TargetsOf(follow, now) : FollowTargets();
  const std::optional<FollowedModel> then = After(now, mutation);
  const std::vector<std::int64_t> newcomers =
      Newcomers(before, then ? TargetsOf(follow, *then) : FollowTargets());
  if (newcomers.empty()) return {};
  PODIUM_TRY_ASSIGN(const store::RouteState state, store_.ReadRoute(route));
  for (const std::int64_t number : newcomers) {
    const RegisteredVersion* version = now.Find(number);
    if (version == nullptr) continue;  // There is none: the store says so.
    Status good = JudgeVersion(state, *version);
    if (!good && good.error().code == ErrorCode::kUnprocessable) {
      return Fail(RefusalOf(route, number, good.error().message));
    }
    PODIUM_TRY(good);
  }
  return {};
}

// What the follow means now, and what it may mean once the mutation is in.
Result<FollowedModel> FollowJudge::ReadModel(const std::string& name, const Follow& follow,
                                             const store::ModelMutation& mutation) const {
  PODIUM_TRY_ASSIGN(FollowedModel model, ReadFollowedModel(models_, name, follow));
  if (const std::int64_t number = NumberIn(mutation); number != 0) {
    PODIUM_TRY(AlsoRead(models_, name, number, model));
  }
  if (const auto stage = StageThatLosesItsHighest(model, mutation)) {
    PODIUM_TRY(ReadNextIn(name, *stage, model));
  }
  return model;
}

// The highest version of a stage is known; the one below it is somewhere further down.
Status FollowJudge::ReadNextIn(const std::string& name, ModelStage stage,
                               FollowedModel& model) const {
  store::ModelSearch search;
  search.filter = {{store::FilterField::kName, "", store::Comparator::kEqual, {name}, 0}};
  PODIUM_TRY_ASSIGN(search.order, store::ParseVersionOrder({"version_number DESC"}));
  search.limit = kVersionsAtOnce;
  while (true) {
    PODIUM_TRY_ASSIGN(store::Page<RegisteredVersion> page, models_.SearchModelVersions(search));
    for (RegisteredVersion& version : page.items) {
      if (version.stage != stage || model.Find(version.number) != nullptr) continue;
      model.versions.push_back(std::move(version));
      return {};
    }
    if (page.next_cursor.empty()) return {};
    search.page_token = std::move(page.next_cursor);
  }
}

// kUnprocessable with why it cannot be served.
Status FollowJudge::JudgeVersion(const store::RouteState& state,
                                 const RegisteredVersion& version) const {
  const ModelVersion* row = FindRow(state.versions, version);
  if (row != nullptr && IsLive(*row)) return {};
  const auto trouble = trouble_of_(state.route.name, TroubleKeyOf(version));
  if (trouble && trouble->of_load && !trouble->passes) {
    return Fail(ErrorCode::kUnprocessable, "{}", trouble->why);
  }
  if (row == nullptr) {
    PODIUM_TRY_ASSIGN(const FoundSource found, finder_.Find(version));
    return JudgeSignature(state, version, nullptr,
                          found.beside.empty() ? found.told : found.beside);
  }
  if (row->status == VersionStatus::kRetired) {
    return Fail(ErrorCode::kUnprocessable, "it was retired on this route");
  }
  const std::optional<runtime::ModelStatus> status = status_of_(row->model_id);
  if (status && status->state == LoadState::kFailed) {
    return Fail(ErrorCode::kUnprocessable, "it does not load: {}", status->error);
  }
  return JudgeSignature(state, version, row, "");
}

Status FollowJudge::JudgeSignature(const store::RouteState& state, const RegisteredVersion& version,
                                   const ModelVersion* row, const std::string& declared) const {
  const ModelVersion* primary = PrimaryIn(state);
  if (primary == nullptr || trust_ || ForcedBy(version)) return {};
  const SignatureFit fit =
      CompareSignatures(row == nullptr ? KnownSignature(declared, nullptr) : SignatureOf(*row),
                        SignatureOf(*primary));
  if (fit.fit != Fit::kIncompatible) return {};
  return Fail(ErrorCode::kUnprocessable,
              "it does not fit the callers of the primary, version {}: {}. A person may force it: "
              "set the version's tag {} to their name",
              primary->version, fmt::join(fit.differences, "; "), kForceTag);
}

DeclaredSignature FollowJudge::SignatureOf(const ModelVersion& row) const {
  const std::optional<runtime::ModelStatus> status = status_of_(row.model_id);
  return KnownSignature(row.signature,
                        status && status->model ? &status->model->signature() : nullptr);
}

}  // namespace podium::control
