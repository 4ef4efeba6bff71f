#include "domain/follow.h"

#include <fmt/format.h>

#include <array>
#include <tuple>
#include <utility>

namespace podium {
namespace {

constexpr std::array<std::pair<OnChampion, std::string_view>, 2> kOnChampion = {{
    {OnChampion::kPromote, "promote"},
    {OnChampion::kRollout, "rollout"},
}};

constexpr std::string_view kNoChallenger = "none";

Status CheckFollowedStage(std::string_view text) {
  const Result<ModelStage> stage = ParseStage(text);
  if (!stage) {
    return Fail(ErrorCode::kInvalidArgument,
                "'{}' is neither \"@\" with an alias nor a stage (Production, Staging)", text);
  }
  if (*stage == ModelStage::kProduction || *stage == ModelStage::kStaging) return {};
  return Fail(ErrorCode::kInvalidArgument,
              "a route cannot follow stage {}: what is there is not meant to serve. Follow "
              "Production, Staging or an alias",
              NameOf(*stage));
}

// An alias, a stage, or nothing for what is usual.
Status CheckSelector(std::string_view text) {
  if (text.empty()) return {};
  return text.front() == '@' ? CheckAlias(text.substr(1)) : CheckFollowedStage(text);
}

FollowSelector SelectorOf(const std::string& text, const char* usual_alias,
                          ModelStage usual_stage) {
  if (text.empty()) return {usual_alias, usual_stage};
  if (text.front() == '@') return {text.substr(1), std::nullopt};
  return {std::nullopt, ParseStage(text).value_or(usual_stage)};
}

Status At(Status checked, const char* field) {
  if (checked) return checked;
  return Fail(std::move(checked).error().At(field));
}

// What may mean the same version always would make it its own challenger.
Status CheckApart(const FollowSelector& champion, const FollowSelector& challenger) {
  if (challenger.alias && challenger.alias == champion.alias) {
    return Fail(ErrorCode::kInvalidArgument,
                "alias {} is the champion's already: name another one, or \"none\"",
                *challenger.alias);
  }
  if (challenger.stage && challenger.stage == champion.stage) {
    return Fail(ErrorCode::kInvalidArgument,
                "stage {} is the champion's already: name another one, or \"none\"",
                NameOf(*challenger.stage));
  }
  return {};
}

}  // namespace

std::string_view NameOf(OnChampion action) {
  return kOnChampion[static_cast<std::size_t>(action)].second;
}

std::optional<OnChampion> ParseOnChampion(std::string_view name) {
  for (const auto& [action, text] : kOnChampion) {
    if (text == name) return action;
  }
  return std::nullopt;
}

Status Validate(const Follow& follow) {
  PODIUM_TRY(At(CheckModelName(follow.model), "model"));
  PODIUM_TRY(At(CheckSelector(follow.champion), "champion"));
  if (follow.challenger == kNoChallenger) return {};
  PODIUM_TRY(At(CheckSelector(follow.challenger), "challenger"));
  return At(CheckApart(ChampionOf(follow), ChallengerOf(follow)), "challenger");
}

bool SameAims(const Follow& one, const Follow& other) {
  const auto aims = [](const Follow& follow) {
    return std::tie(follow.model, follow.champion, follow.challenger, follow.challenger_share,
                    follow.on_champion);
  };
  return aims(one) == aims(other);
}

FollowSelector ChampionOf(const Follow& follow) {
  return SelectorOf(follow.champion, "champion", ModelStage::kProduction);
}

FollowSelector ChallengerOf(const Follow& follow) {
  if (follow.challenger == kNoChallenger) return {};
  return SelectorOf(follow.challenger, "challenger", ModelStage::kStaging);
}

std::string Describe(const FollowSelector& selector) {
  if (selector.alias && selector.stage) {
    return fmt::format("alias {} or stage {}", *selector.alias, NameOf(*selector.stage));
  }
  if (selector.alias) return fmt::format("alias {}", *selector.alias);
  if (selector.stage) return fmt::format("stage {}", NameOf(*selector.stage));
  return std::string(kNoChallenger);
}

}  // namespace podium
