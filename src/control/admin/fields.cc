#include "control/admin/fields.h"

#include <cmath>
#include <utility>

#include "base/limits.h"
#include "domain/names.h"

namespace podium::control {
namespace {

std::string ListOf(const std::set<std::string, std::less<>>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list.empty() ? "none" : list;
}

}  // namespace

const Json* Fields::Find(std::string_view name) {
  known_.emplace(name);
  const auto found = object_.find(name);
  if (found == object_.end() || found->is_null()) return nullptr;
  return &*found;
}

const Json* Fields::Value(std::string_view name) { return Find(name); }

void Fields::Complain(std::string_view name, std::string problem) {
  if (first_) return;
  first_ = Error{ErrorCode::kInvalidArgument, std::move(problem), "/" + std::string(name), nullptr};
}

std::string Fields::Text(std::string_view name, std::size_t limit) {
  const Json* value = Find(name);
  if (value == nullptr) return {};
  if (!value->is_string()) {
    Complain(name, fmt::format("\"{}\" must be a string, not {}", name, value->type_name()));
    return {};
  }
  auto text = value->get<std::string>();
  if (const Status fits = CheckText(name, text, limit); !fits) Complain(name, fits.error().message);
  return text;
}

std::string Fields::RequiredText(std::string_view name, std::size_t limit) {
  std::string text = Text(name, limit);
  if (text.empty()) Complain(name, fmt::format("\"{}\" is required", name));
  return text;
}

bool Fields::Flag(std::string_view name) {
  const Json* value = Find(name);
  if (value == nullptr) return false;
  if (value->is_boolean()) return value->get<bool>();
  Complain(name, fmt::format("\"{}\" must be true or false, not {}", name, value->type_name()));
  return false;
}

std::optional<double> Fields::Number(std::string_view name) {
  const Json* value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) {
    Complain(name, fmt::format("\"{}\" must be a number, not {}", name, value->type_name()));
    return std::nullopt;
  }
  return value->get<double>();
}

const Json* Fields::Object(std::string_view name) {
  const Json* value = Find(name);
  if (value == nullptr || value->is_object()) return value;
  Complain(name, fmt::format("\"{}\" must be an object, not {}", name, value->type_name()));
  return nullptr;
}

const Json* Fields::Array(std::string_view name) {
  const Json* value = Find(name);
  if (value == nullptr || value->is_array()) return value;
  Complain(name, fmt::format("\"{}\" must be a list, not {}", name, value->type_name()));
  return nullptr;
}

MetricMap Fields::Metrics(std::string_view name) {
  MetricMap metrics;
  const Json* object = Object(name);
  if (object == nullptr) return metrics;
  for (const auto& [key, value] : object->items()) {
    if (const Status named = CheckName(name, key); !named) Complain(name, named.error().message);
    if (!value.is_number()) {
      Complain(name, fmt::format("{}.{} must be a number, not {}", name, key, value.type_name()));
      continue;
    }
    metrics[key] = value.get<double>();
  }
  if (metrics.size() > limits::kMaxTags) {
    Complain(name, fmt::format("{} has {} entries, the limit is {}", name, metrics.size(),
                               limits::kMaxTags));
  }
  return metrics;
}

TagMap Fields::Tags(std::string_view name) {
  TagMap tags;
  const Json* object = Object(name);
  if (object == nullptr) return tags;
  for (const auto& [key, value] : object->items()) {
    if (const Status named = CheckName(name, key); !named) Complain(name, named.error().message);
    if (!value.is_string()) {
      Complain(name, fmt::format("{}.{} must be a string, not {}", name, key, value.type_name()));
      continue;
    }
    tags[key] = value.get<std::string>();
    if (const Status fits = CheckText(key, tags[key], limits::kMaxReasonBytes); !fits) {
      Complain(name, fits.error().message);
    }
  }
  if (tags.size() > limits::kMaxTags) {
    Complain(name, fmt::format("{} has {} entries, the limit is {}", name, tags.size(),
                               limits::kMaxTags));
  }
  return tags;
}

Status Fields::Finish() const {
  if (first_) return Fail(*first_);
  for (const auto& [key, value] : object_.items()) {
    if (known_.contains(key)) continue;
    return Fail(Error{ErrorCode::kInvalidArgument,
                      fmt::format("unknown field \"{}\": known are {}", key, ListOf(known_)),
                      "/" + key, nullptr});
  }
  return {};
}

}  // namespace podium::control
