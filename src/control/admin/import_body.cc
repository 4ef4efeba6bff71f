#include "control/admin/import_body.h"

#include <string>
#include <utility>

#include "control/admin/fields.h"

namespace podium::control {
namespace {

// Descriptions have lines, so it is not Fields::Text.
std::string PlainText(Fields& fields, std::string_view name) {
  const Json* value = fields.Value(name);
  if (value == nullptr) return "";
  if (value->is_string()) return value->get<std::string>();
  fields.Complain(name, fmt::format("\"{}\" must be a string, not {}", name, value->type_name()));
  return "";
}

std::string NeededText(Fields& fields, std::string_view name) {
  std::string text = PlainText(fields, name);
  if (text.empty()) fields.Complain(name, fmt::format("\"{}\" is required", name));
  return text;
}

TagMap PlainTags(Fields& fields, std::string_view name) {
  TagMap tags;
  const Json* object = fields.Object(name);
  if (object == nullptr) return tags;
  for (const auto& [key, value] : object->items()) {
    if (value.is_string()) {
      tags[key] = value.get<std::string>();
    } else {
      fields.Complain(name,
                      fmt::format("a tag's value must be a string, not {}", value.type_name()));
    }
  }
  return tags;
}

std::int64_t NumberIn(Fields& fields, std::string_view name, const std::string& text) {
  if (text.empty()) return 0;  // Somebody has complained of that.
  const Result<std::int64_t> number = ParseVersionNumber(text);
  if (number) return *number;
  fields.Complain(name, "a version is a whole number in text, such as \"3\"");
  return 0;
}

AliasMap PlainAliases(Fields& fields) {
  AliasMap aliases;
  const Json* object = fields.Object("aliases");
  if (object == nullptr) return aliases;
  for (const auto& [alias, value] : object->items()) {
    if (value.is_string()) {
      aliases[alias] = NumberIn(fields, "aliases", value.get<std::string>());
    } else {
      fields.Complain("aliases", fmt::format("an alias names a version as text, such as \"3\", not "
                                             "by {}",
                                             value.type_name()));
    }
  }
  return aliases;
}

WallTime TimeIn(Fields& fields, std::string_view name, const std::string& text) {
  if (text.empty()) return {};
  if (const std::optional<WallTime> time = ParseUtc(text)) return *time;
  fields.Complain(name,
                  fmt::format("\"{}\" must be a time in UTC, such as 2026-03-09T14:00:00Z", name));
  return {};
}

/// `created_at`, and `updated_at`, which is the same where it is not given.
template <typename Row>
void ReadTimes(Fields& fields, Row& row) {
  row.created_at = TimeIn(fields, "created_at", NeededText(fields, "created_at"));
  const std::string updated = PlainText(fields, "updated_at");
  row.updated_at = updated.empty() ? row.created_at : TimeIn(fields, "updated_at", updated);
}

Result<RegisteredVersion> ReadVersion(const Json& object, const std::string& model) {
  if (!object.is_object()) {
    return Fail(ErrorCode::kInvalidArgument, "a version must be an object, not {}",
                object.type_name());
  }
  Fields fields(object);
  RegisteredVersion version;
  version.name = model;
  version.number = NumberIn(fields, "version", NeededText(fields, "version"));
  const std::string stage = PlainText(fields, "stage");
  if (!stage.empty()) {
    const Result<ModelStage> parsed = ParseStage(stage);
    if (!parsed) fields.Complain("stage", parsed.error().message);
    version.stage = parsed.value_or(ModelStage::kNone);
  }
  version.description = PlainText(fields, "description");
  version.source = PlainText(fields, "source");
  version.storage_location = PlainText(fields, "storage_location");
  version.run_id = PlainText(fields, "run_id");
  version.run_link = PlainText(fields, "run_link");
  version.model_id = PlainText(fields, "model_id");
  version.user = PlainText(fields, "user");
  version.tags = PlainTags(fields, "tags");
  ReadTimes(fields, version);
  PODIUM_TRY(fields.Finish());
  return version;
}

Json TagsBody(const TagMap& tags) {
  Json object = Json::object();
  for (const auto& [key, value] : tags) object[key] = value;
  return object;
}

Json OutcomesOf(const store::ImportReport& report) {
  Json versions = Json::array();
  for (const store::ImportedVersion& version : report.versions) {
    versions.push_back(
        {{"version", std::to_string(version.number)}, {"outcome", NameOf(version.outcome)}});
  }
  return versions;
}

}  // namespace

Result<store::ImportModel> ReadImport(const Json& body) {
  Fields fields(body);
  store::ImportModel import;
  import.model.name = NeededText(fields, "name");
  if (const std::string text = PlainText(fields, "description"); !text.empty()) {
    import.model.description = text;
  }
  import.model.tags = PlainTags(fields, "tags");
  import.model.aliases = PlainAliases(fields);
  ReadTimes(fields, import.model);
  import.overwrite = fields.Flag("overwrite");
  import.dry_run = fields.Flag("dry_run");
  const Json* versions = fields.Array("versions");
  PODIUM_TRY(fields.Finish());
  if (versions == nullptr) return import;
  for (std::size_t i = 0; i < versions->size(); ++i) {
    Result<RegisteredVersion> version = ReadVersion((*versions)[i], import.model.name);
    if (!version) {
      Error error = std::move(version).error();
      std::string place = fmt::format("/versions/{}{}", i, error.where);
      return Fail(std::move(error).At(std::move(place)));
    }
    import.versions.push_back(*std::move(version));
  }
  return import;
}

Json ImportedVersionBody(const RegisteredVersion& version) {
  Json json = Json::object();
  const auto add = [&json](const char* name, const std::string& text) {
    if (!text.empty()) json[name] = text;
  };
  json["version"] = std::to_string(version.number);
  json["stage"] = NameOf(version.stage);
  add("description", version.description);
  add("source", version.source);
  add("storage_location", version.storage_location);
  add("run_id", version.run_id);
  add("run_link", version.run_link);
  add("model_id", version.model_id);
  add("user", version.user);
  if (!version.tags.empty()) json["tags"] = TagsBody(version.tags);
  json["created_at"] = FormatUtc(version.created_at);
  json["updated_at"] = FormatUtc(version.updated_at);
  return json;
}

Json ImportBody(const store::ImportModel& import) {
  const RegisteredModel& model = import.model;
  Json json = Json::object();
  json["name"] = model.name;
  if (model.description) json["description"] = *model.description;
  if (!model.tags.empty()) json["tags"] = TagsBody(model.tags);
  json["created_at"] = FormatUtc(model.created_at);
  json["updated_at"] = FormatUtc(model.updated_at);
  Json aliases = Json::object();
  for (const auto& [alias, number] : model.aliases) aliases[alias] = std::to_string(number);
  json["aliases"] = std::move(aliases);
  json["overwrite"] = import.overwrite;
  json["dry_run"] = import.dry_run;
  Json versions = Json::array();
  for (const RegisteredVersion& version : import.versions) {
    versions.push_back(ImportedVersionBody(version));
  }
  json["versions"] = std::move(versions);
  return json;
}

Json ImportAnswer(const store::ImportModel& import, const store::ModelCommitted& committed) {
  const store::ImportReport& report = *committed.import;
  Json aliases = Json::array();
  for (const store::ImportedAlias& alias : report.aliases) {
    aliases.push_back({{"alias", alias.alias},
                       {"version", std::to_string(alias.number)},
                       {"outcome", NameOf(alias.outcome)}});
  }
  Json conflicts = Json::array();
  for (const store::ImportConflict& conflict : report.conflicts) {
    conflicts.push_back(
        {{"version", conflict.number > 0 ? Json(std::to_string(conflict.number)) : Json()},
         {"alias", conflict.alias.empty() ? Json() : Json(conflict.alias)},
         {"detail", conflict.detail}});
  }
  Json json;
  json["changed"] = committed.changed;
  json["dry_run"] = import.dry_run;
  json["model"] = {{"name", import.model.name}, {"outcome", NameOf(report.model)}};
  json["versions"] = OutcomesOf(report);
  json["aliases"] = std::move(aliases);
  json["conflicts"] = std::move(conflicts);
  return json;
}

}  // namespace podium::control
