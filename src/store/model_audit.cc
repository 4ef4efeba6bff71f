#include "store/model_audit.h"

#include <map>
#include <optional>
#include <utility>

#include "base/digest.h"
#include "store/canonical_text.h"

namespace podium::store {
namespace {

Json MapOf(const auto& map) {
  Json object = Json::object();
  for (const auto& [key, value] : map) object[key] = value;
  return object;
}

// What can change of a row. Times follow from the change itself.
Json FieldsOf(const RegisteredModel& model) {
  Json fields = Json::object();
  fields["name"] = model.name;
  fields["description"] = model.description ? Json(*model.description) : Json();
  fields["tags"] = MapOf(model.tags);
  fields["aliases"] = MapOf(model.aliases);
  return fields;
}

Json FieldsOf(const RegisteredVersion& version) {
  Json fields = Json::object();
  fields["stage"] = NameOf(version.stage);
  fields["description"] = version.description;
  fields["source"] = version.source;
  fields["storage_location"] = version.storage_location;
  fields["run_id"] = version.run_id;
  fields["run_link"] = version.run_link;
  fields["model_id"] = version.model_id;
  fields["tags"] = MapOf(version.tags);
  return fields;
}

template <typename Row>
Json FieldsOf(const std::optional<Row>& row) {
  return row ? FieldsOf(*row) : Json::object();
}

// Maps are compared entry by entry: one tag of many is one entry.
void AddDifference(Json was, Json is, ModelDifference& out) {
  for (const auto& [key, value] : was.items()) {
    const auto now = is.find(key);
    if (now != is.end() && *now == value) continue;
    if (now != is.end() && value.is_object() && now->is_object()) {
      ModelDifference inner;
      AddDifference(value, *now, inner);
      out.before[key] = std::move(inner.before);
      out.after[key] = std::move(inner.after);
      continue;
    }
    out.before[key] = value;
    if (now != is.end()) out.after[key] = *now;
  }
  for (const auto& [key, value] : is.items()) {
    if (!was.contains(key)) out.after[key] = value;
  }
}

std::map<std::int64_t, RegisteredVersion> VersionsIn(const ModelSnapshot& state) {
  std::map<std::int64_t, RegisteredVersion> versions;
  for (const RegisteredVersion& row : state.siblings) versions[row.number] = row;
  if (state.version) versions[state.version->number] = *state.version;
  return versions;
}

}  // namespace

std::string HashOf(const ModelAudit& row) {
  CanonicalText text("podium.model_audit.1");
  text.Field("number", row.number);
  text.Field("model", row.model);
  text.Field("version", row.version);
  text.Field("kind", row.kind);
  text.Field("before", row.before);
  text.Field("after", row.after);
  text.Field("actor", row.actor);
  text.Field("origin", row.origin);
  text.Field("request_id", row.request_id);
  text.Field("at", row.at.time_since_epoch().count());
  text.Field("previous", row.previous_hash);
  return Sha256Hex(text.text());
}

ChainLink LinkOf(const ModelAudit& row) {
  return {row.number, row.previous_hash, row.hash, HashOf(row)};
}

ModelDifference DifferenceOf(const ModelSnapshot& state, const ModelChanges& changes) {
  ModelDifference difference;
  AddDifference(FieldsOf(state.model), FieldsOf(changes.model), difference);
  const auto versions = VersionsIn(state);
  for (const RegisteredVersion& row : changes.versions) {
    ModelDifference one;
    const auto was = versions.find(row.number);
    AddDifference(was == versions.end() ? Json::object() : FieldsOf(was->second), FieldsOf(row),
                  one);
    const std::string number = std::to_string(row.number);
    if (!one.before.empty()) difference.before["versions"][number] = std::move(one.before);
    if (!one.after.empty()) difference.after["versions"][number] = std::move(one.after);
  }
  return difference;
}

ModelAudit SealModel(const ModelSnapshot& state, const ModelChanges& changes,
                     const ModelCaller& caller, const ChainHead& head, WallTime now) {
  const ModelDifference difference = DifferenceOf(state, changes);
  ModelAudit row;
  row.number = head.count + 1;
  row.model = changes.model ? changes.model->name : changes.removed;
  // An import is about the model, with as many versions as came along.
  if (!changes.versions.empty() && !changes.import) row.version = changes.versions.front().number;
  row.kind = changes.event_type;
  row.before = DumpJson(difference.before);
  row.after = DumpJson(difference.after);
  row.actor = caller.actor;
  row.origin = caller.origin;
  row.request_id = caller.request_id;
  row.at = now;
  row.previous_hash = head.hash;
  row.hash = HashOf(row);
  return row;
}

OutboxEvent EventOf(const ModelChanges& changes, const ModelAudit& row, const Head& head) {
  Json data = changes.event_data;
  // A page of versions would make an event of megabytes: the audit row has them.
  if (!changes.import) {
    data["before"] = Json::parse(row.before, nullptr, false);
    data["after"] = Json::parse(row.after, nullptr, false);
  }
  data["model_audit"] = {{"number", row.number}, {"hash", row.hash}};
  data["revision"] = head.revision.get();
  data["head_hash"] = head.chain.hash;
  data["audit_count"] = head.chain.count;
  return {0, head.revision, changes.event_type, DumpJson(data), row.at};
}

}  // namespace podium::store
