// Evidence of an audit row: a JSON object as text, or empty, to which each part of a decision adds
// what the row's own fields cannot say.
#pragma once

#include <string>
#include <utility>

#include "base/json.h"

namespace podium::store {

/// `evidence` with one more member.
inline std::string WithMember(const std::string& evidence, const char* key, Json value) {
  Json whole = Json::object();
  if (!evidence.empty()) whole = ParseJson(evidence).value_or(Json::object());
  whole[key] = std::move(value);
  return DumpJson(whole);
}

/// The member of that name; null when there is none, or the text is no object.
inline Json MemberOf(const std::string& evidence, const char* key) {
  if (evidence.find(key) == std::string::npos) return {};  // Most need not be parsed.
  const Result<Json> whole = ParseJson(evidence);
  return whole && whole->is_object() && whole->contains(key) ? (*whole)[key] : Json();
}

}  // namespace podium::store
