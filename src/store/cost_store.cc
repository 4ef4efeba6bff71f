#include "store/cost_store.h"

#include <fmt/format.h>

#include "base/money.h"

namespace podium::store {
namespace {

std::chrono::sys_days DaysOf(WallTime time) {
  return std::chrono::floor<std::chrono::days>(
      std::chrono::sys_time<WallTime::duration>(time.time_since_epoch()));
}

std::string DayOf(std::chrono::sys_days days) {
  const std::chrono::year_month_day day(days);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()),
                     static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
}

}  // namespace

std::string DayOf(WallTime time) { return DayOf(DaysOf(time)); }

void DailySums::Add(const CostEvent& event) {
  const std::chrono::sys_days days = DaysOf(event.at);
  const auto [place, is_new] = days_.try_emplace(Key(event.model_id, days));
  DailyCost& sum = place->second;
  if (is_new) {
    sum.model_id = event.model_id;
    sum.day = DayOf(days);
  }
  ++sum.calls;
  sum.cost = AddUpTo(sum.cost, event.cost.value_or(NanoUsd{}));
  sum.tokens += event.usage.total_tokens();
  sum.unpriced_calls += event.cost ? 0 : 1;
}

}  // namespace podium::store
