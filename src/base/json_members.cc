#include "base/json_members.h"

#include <algorithm>
#include <utility>

namespace podium {

JsonMembers::JsonMembers(const Json& json, std::string where, Places places,
                         std::string_view unknown)
    : json_(json), where_(std::move(where)), places_(places), unknown_says_(unknown) {
  if (!json_.is_object()) Fault("", "must be an object");
}

const Json* JsonMembers::Find(const char* key) {
  asked_.emplace_back(key);
  if (!status_ || !json_.is_object()) return nullptr;
  const auto found = json_.find(key);
  return found == json_.end() ? nullptr : &*found;
}

void JsonMembers::Read(const char* key, double& to) {
  const Json* value = Find(key);
  if (value == nullptr) return;
  if (!value->is_number()) return Fault(key, "must be a number");
  to = value->get<double>();
}

void JsonMembers::Read(const char* key, bool& to) {
  const Json* value = Find(key);
  if (value == nullptr) return;
  if (!value->is_boolean()) return Fault(key, "must be true or false");
  to = value->get<bool>();
}

void JsonMembers::Fault(const std::string& key, std::string_view what) {
  Take(Failure(Error{ErrorCode::kInvalidArgument, std::string(what), Place(key), nullptr}));
}

Status JsonMembers::Finish() {
  if (!json_.is_object() || unknown_says_.empty()) return status_;
  for (const auto& item : json_.items()) {
    if (std::ranges::find(asked_, item.key()) == asked_.end()) Fault(item.key(), unknown_says_);
  }
  return status_;
}

std::string JsonMembers::Place(const std::string& key) const {
  if (key.empty()) return where_;
  if (places_ == Places::kPointer) return where_ + "/" + key;
  return where_.empty() ? key : where_ + "." + key;
}

std::string JsonMembers::Place(const std::string& key, std::size_t element) const {
  const std::string list = Place(key);
  return places_ == Places::kPointer ? fmt::format("{}/{}", list, element)
                                     : fmt::format("{}[{}]", list, element);
}

void JsonMembers::Take(Status status) {
  if (status_) status_ = std::move(status);
}

const Json* JsonMembers::FindList(const char* key, std::size_t most) {
  const Json* value = Find(key);
  if (value == nullptr || (value->is_array() && value->size() <= most)) return value;
  Fault(key, fmt::format("must be a list of at most {}", most));
  return nullptr;
}

}  // namespace podium
