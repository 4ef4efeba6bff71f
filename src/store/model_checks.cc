#include "store/model_checks.h"

#include "domain/model_limits.h"

namespace podium::store {

Status CheckModelTag(const std::string& key, const std::string& value, std::size_t value_limit) {
  PODIUM_TRY(CheckTagKey(key));
  return CheckModelText("Tag value", value, value_limit);
}

Status CheckModelTags(const TagMap& tags, std::size_t value_limit) {
  for (const auto& [key, value] : tags) PODIUM_TRY(CheckModelTag(key, value, value_limit));
  return CheckTagRoom(tags);
}

Status CheckModelDescription(const std::string& text) {
  return CheckModelText("description", text, limits::kMaxDescriptionChars);
}

Status CheckVersionTexts(const RegisteredVersion& version) {
  PODIUM_TRY(CheckModelText("source", version.source, limits::kMaxSourceChars));
  PODIUM_TRY(CheckModelText("storage location", version.storage_location, limits::kMaxSourceChars));
  PODIUM_TRY(CheckModelText("run_id", version.run_id, limits::kMaxRunIdChars));
  PODIUM_TRY(CheckModelText("run_link", version.run_link, limits::kMaxSourceChars));
  PODIUM_TRY(CheckModelText("model_id", version.model_id, limits::kMaxRunIdChars));
  PODIUM_TRY(CheckModelDescription(version.description));
  return CheckModelTags(version.tags, limits::kMaxVersionTagValueChars);
}

}  // namespace podium::store
