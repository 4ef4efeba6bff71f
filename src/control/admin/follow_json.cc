#include "control/admin/follow_json.h"

#include "control/admin/version_json.h"

namespace podium::control {
namespace {

Json NumberOrNull(const std::optional<std::int64_t>& number) {
  return number ? Json(*number) : Json();
}

}  // namespace

Json FollowJson(const std::optional<Follow>& follow) {
  if (!follow) return {};
  Json json;
  json["model"] = follow->model;
  json["champion"] = OrNull(follow->champion);
  json["challenger"] = OrNull(follow->challenger);
  json["challenger_share"] = follow->challenger_share.percent();
  json["on_champion"] = NameOf(follow->on_champion);
  json["held"] = follow->held;
  json["held_because"] = OrNull(follow->held_because);
  json["held_at"] = follow->held ? Json(FormatUtc(follow->held_at)) : Json();
  return json;
}

Json StandingJson(const std::optional<view::FollowStanding>& standing, SteadyTime now) {
  const view::FollowStanding shown = standing.value_or(
      view::FollowStanding{view::FollowState::kWaiting, "not looked at yet", {}, {}, {}});
  Json json;
  json["state"] = NameOf(shown.state);
  json["text"] = shown.text;
  json["champion"] = NumberOrNull(shown.champion);
  json["challenger"] = NumberOrNull(shown.challenger);
  json["behind_s"] = shown.champion_since ? SecondsOf(now - *shown.champion_since) : 0.0;
  return json;
}

}  // namespace podium::control
