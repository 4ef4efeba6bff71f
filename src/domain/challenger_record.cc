#include "domain/challenger_record.h"

#include <array>

namespace podium {

std::string_view NameOf(ChallengerChoice choice) {
  constexpr std::array<std::string_view, kChallengerChoices> kNames = {"champion", "challenger",
                                                                       "late", "failed", "busy"};
  return kNames[static_cast<std::size_t>(choice)];
}

}  // namespace podium
