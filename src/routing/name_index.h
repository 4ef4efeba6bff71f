// Where a name stands in a list, found in one probe or two. Private to the routes part.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace podium::routing {

/// An open table, at most half full, over names that lie behind one another: a search touches one
/// line of each, and no pointer leads elsewhere.
/// Threads: immutable once built.
class NameIndex {
 public:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  NameIndex() : NameIndex(std::span<const std::string_view>()) {}
  /// REQUIRES: `names` are distinct, and all of them together less than 4 GiB.
  explicit NameIndex(std::span<const std::string_view> names);

  /// The place of `name` in the list that it was built from, or kNone. No allocation.
  std::size_t Find(std::string_view name) const;

 private:
  static std::uint64_t HashOf(std::string_view name);
  static std::uint32_t TagOf(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32U); }

  struct Slot {
    std::uint32_t tag = 0;    ///< Upper half of the hash.
    std::uint32_t place = 0;  ///< From 1; 0: the slot is free.
    std::uint32_t begin = 0;  ///< In text_.
    std::uint32_t size = 0;
  };

  std::vector<Slot> slots_;  // A power of two.
  std::string text_;
};

}  // namespace podium::routing
