#include "routing/table.h"

#include <algorithm>
#include <utility>

namespace podium::routing {

TableCompiler::TableCompiler(std::vector<std::string> known_providers)
    : known_providers_(std::move(known_providers)) {}

void TableCompiler::Absorb(std::vector<Route> routes, std::vector<ModelVersion> versions) {
  for (Route& route : routes) {
    Entry& entry = entries_[route.name.get()];
    entry.rows.route = std::move(route);
    entry.has_route = true;
    entry.dirty = true;
  }
  for (ModelVersion& version : versions) {
    TakeOut(version.model_id.get());
    if (version.deleted) continue;
    route_of_version_[version.model_id.get()] = version.route.get();
    Entry& entry = entries_[version.route.get()];
    entry.rows.versions.push_back(std::move(version));
    entry.dirty = true;
  }
}

void TableCompiler::TakeOut(const std::string& model_id) {
  const auto placed = route_of_version_.find(model_id);
  if (placed == route_of_version_.end()) return;
  const auto entry = entries_.find(placed->second);
  route_of_version_.erase(placed);
  std::erase_if(entry->second.rows.versions,
                [&](const ModelVersion& row) { return row.model_id.get() == model_id; });
  entry->second.dirty = true;
  if (!entry->second.has_route && entry->second.rows.versions.empty()) entries_.erase(entry);
}

void TableCompiler::Refresh(const std::string& name, Entry& entry) const {
  entry.dirty = false;
  if (entry.has_route) {
    CompileResult result = CompileRoute(entry.rows, known_providers_);
    entry.compiled = std::move(result.route);
    entry.faults = std::move(result.faults);
    return;
  }
  entry.faults.clear();
  for (const ModelVersion& row : entry.rows.versions) {
    entry.faults.push_back({RouteName(name), row.model_id.get(), "its route has no row"});
  }
}

std::shared_ptr<const RoutesPart> TableCompiler::Compile(Generation generation) {
  std::vector<std::pair<const std::string*, Entry*>> by_name;
  by_name.reserve(entries_.size());
  for (auto& [name, entry] : entries_) by_name.emplace_back(&name, &entry);
  std::sort(by_name.begin(), by_name.end(),
            [](const auto& a, const auto& b) { return *a.first < *b.first; });

  auto part = std::make_shared<RoutesPart>();
  part->generation_ = generation;
  part->routes_.reserve(by_name.size());
  std::vector<std::string_view> names;
  names.reserve(by_name.size());
  faults_.clear();
  for (const auto& [name, entry] : by_name) {
    if (entry->dirty) Refresh(*name, *entry);
    faults_.insert(faults_.end(), entry->faults.begin(), entry->faults.end());
    if (!entry->compiled) continue;
    names.push_back(*name);
    part->routes_.push_back(entry->compiled);
  }
  part->index_ = NameIndex(names);
  return part;
}

std::size_t TableCompiler::version_count() const { return route_of_version_.size(); }

}  // namespace podium::routing
