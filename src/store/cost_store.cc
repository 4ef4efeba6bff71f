#include "store/cost_store.h"

namespace podium::store {

std::string DayOf(WallTime time) {
  constexpr std::size_t kDayBytes = 10;
  return FormatUtc(time).substr(0, kDayBytes);
}

}  // namespace podium::store
