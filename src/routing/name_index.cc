#include "routing/name_index.h"

#include <bit>

namespace podium::routing {

NameIndex::NameIndex(std::span<const std::string_view> names)
    : slots_(std::bit_ceil(2 * names.size() + 1)) {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::uint64_t hash = HashOf(names[i]);
    std::size_t at = hash & mask;
    while (slots_[at].place != 0) at = (at + 1) & mask;
    slots_[at] = {TagOf(hash), static_cast<std::uint32_t>(i + 1),
                  static_cast<std::uint32_t>(text_.size()),
                  static_cast<std::uint32_t>(names[i].size())};
    text_ += names[i];
  }
}

}  // namespace podium::routing
