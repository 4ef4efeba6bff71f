#include "gateway/llm/models_list.h"

#include <fmt/format.h>

#include <chrono>

#include "gateway/llm/json_text.h"

namespace podium::gateway::llm {
namespace {

/// "2026-03-09T14:31:07Z"
std::string Rfc3339(std::int64_t unix_seconds) {
  using std::chrono::days;
  const std::chrono::sys_seconds time{std::chrono::seconds(unix_seconds)};
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

void AppendIdOrNull(std::string_view key, const ListedModel* model, JsonText& json) {
  json.Key(key);
  if (model == nullptr) {
    json.Null();
  } else {
    json.String(model->id);
  }
}

}  // namespace

void AppendModelsList(std::span<const ListedModel> models, std::string& out) {
  JsonText json(out);
  json.Object().Member("object", "list").Key("data").Array();
  for (const ListedModel& model : models) {
    json.Object().Member("id", model.id).Member("object", "model");
    json.Key("created").Number(model.created_unix).Member("owned_by", model.owned_by);
    json.Member("type", "model").Member("display_name", model.id);
    json.Member("created_at", Rfc3339(model.created_unix)).EndObject();
  }
  json.EndArray().Key("has_more").Bool(false);
  AppendIdOrNull("first_id", models.empty() ? nullptr : &models.front(), json);
  AppendIdOrNull("last_id", models.empty() ? nullptr : &models.back(), json);
  json.EndObject();
}

}  // namespace podium::gateway::llm
