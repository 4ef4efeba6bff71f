// The lookup half of table.h, apart from the compiler: this file is on every request's path, and
// its object may not even name an allocator or a lock (tools/check_decision_path.py).
#include <xxhash.h>

#include <cstring>

#include "routing/name_index.h"
#include "routing/table.h"

namespace podium::routing {

std::uint64_t NameIndex::HashOf(std::string_view name) {
  return XXH3_64bits(name.data(), name.size());
}

std::size_t NameIndex::Find(std::string_view name) const {
  const std::uint64_t hash = HashOf(name);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask; slots_[at].place != 0; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.tag != TagOf(hash) || slot.size != name.size()) continue;
    if (std::memcmp(text_.data() + slot.begin, name.data(), name.size()) == 0) {
      return slot.place - 1;
    }
  }
  return kNone;
}

std::size_t RoutesPart::IndexOf(std::string_view name) const {
  const std::size_t index = index_.Find(name);
  return index == NameIndex::kNone ? kNoRoute : index;
}

const CompiledRoute* RoutesPart::Find(std::string_view name) const {
  const std::size_t index = IndexOf(name);
  return index == kNoRoute ? nullptr : routes_[index].get();
}

}  // namespace podium::routing
