// The lookup half of table.h, apart from the compiler: this file is on every request's path, and
// its object may not even name an allocator or a lock (tools/check_decision_path.py).
#include "routing/table.h"

namespace podium::routing {

std::size_t RoutesPart::NameHash::operator()(std::string_view name) const noexcept {
  return std::hash<std::string_view>{}(name);
}

std::size_t RoutesPart::IndexOf(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? kNoRoute : found->second;
}

const CompiledRoute* RoutesPart::Find(std::string_view name) const {
  const std::size_t index = IndexOf(name);
  return index == kNoRoute ? nullptr : routes_[index].get();
}

}  // namespace podium::routing
