// How many predictions of each arm were logged and how many were not, so that a rate can be stated
// for each.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace podium::limits {
inline constexpr std::size_t kCountedArms = 1024;  ///< Per core; later ones are counted as one.
}  // namespace podium::limits

namespace podium::predictions {

enum class Fate : std::uint8_t {
  kLogged,   ///< In the queue.
  kThinned,  ///< Its unit is one of those that are left out.
  kFull,     ///< The queue had no room.
};
inline constexpr std::size_t kFates = 3;
std::string_view NameOf(Fate fate);  ///< "logged", "thinned", "full".

/// Threads: Count on one; Visit on any, at the same time.
class ArmCounts {
 public:
  void Count(std::string_view route, std::string_view version, Fate fate);

  struct Arm {
    std::string route;
    std::string version;
    std::array<std::uint64_t, kFates> counts{};
  };
  void Visit(const std::function<void(const Arm&)>& visit) const;

 private:
  struct Slot {
    std::string route;
    std::string version;
    std::array<std::atomic<std::uint64_t>, kFates> counts{};
  };
  Slot& SlotOf(std::string_view route, std::string_view version);

  std::array<Slot, limits::kCountedArms> slots_;
  std::atomic<std::size_t> used_{0};                       // Those before are named for good.
  std::map<std::string, std::size_t, std::less<>> index_;  // Of the counting thread.
  std::string key_;
};

}  // namespace podium::predictions
