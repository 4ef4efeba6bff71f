#include "store/sql_costs.h"

#include <map>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/limits.h"
#include "store/sql.h"
#include "store/sql_row_lists.h"

namespace podium::store {
namespace {

std::optional<std::int64_t> NanosOf(std::optional<NanoUsd> amount) {
  return amount ? std::optional(amount->value) : std::nullopt;
}
std::optional<NanoUsd> MoneyOf(std::optional<std::int64_t> nanos) {
  return nanos ? std::optional(NanoUsd{*nanos}) : std::nullopt;
}

/// The enumerator of that name; the last one for names of a later release.
template <typename Enum>
Enum ParseName(const std::string& name, Enum last) {
  for (int value = 0; value < static_cast<int>(last); ++value) {
    if (NameOf(static_cast<Enum>(value)) == name) return static_cast<Enum>(value);
  }
  return last;
}

void BindUsage(Query& query, const TokenUsage& usage) {
  query.Bind(usage.uncached_input)
      .Bind(usage.cache_read)
      .Bind(usage.cache_write_5m)
      .Bind(usage.cache_write_1h)
      .Bind(usage.audio_input)
      .Bind(usage.output_text)
      .Bind(usage.output_reasoning)
      .Bind(usage.images)
      .Bind(usage.calls)
      .Bind(std::int64_t{usage.estimated ? 1 : 0})
      .Bind(std::int64_t{usage.contradictory ? 1 : 0});
}

void BindEvent(Query& insert, const CostEvent& event) {
  insert.Bind(event.event_id)
      .Bind(event.model_id)
      .Bind(event.version_id)
      .Bind(event.route)
      .Bind(event.provider)
      .Bind(event.upstream_model)
      .Bind(event.request_id)
      .Bind(event.user_id)
      .Bind(event.key_id)
      .Bind(event.workflow_run_id)
      .Bind(NameOf(event.kind))
      .Bind(std::int64_t{event.attempt})
      .Bind(NameOf(event.status));
  BindUsage(insert, event.usage);
  insert.BindOptional(NanosOf(event.cost))
      .BindOptional(event.price_id > 0 ? std::optional(event.price_id) : std::nullopt)
      .Bind(MicrosOf(event.at));
}

const std::string& InsertText(std::size_t rows) {
  static const InsertTexts kTexts(sql::kInsertCostEvents, sql::kCostColumns, sql::kUnlessThere,
                                  kInsertSizes);
  return kTexts.ForRows(rows);
}

TokenUsage UsageOf(const Query& row, int first) {
  return {row.Int(first),     row.Int(first + 1),      row.Int(first + 2),      row.Int(first + 3),
          row.Int(first + 4), row.Int(first + 5),      row.Int(first + 6),      row.Int(first + 7),
          row.Int(first + 8), row.Int(first + 9) != 0, row.Int(first + 10) != 0};
}

CostEvent EventOf(const Query& row) {
  CostEvent event;
  event.event_id = row.Text(0);
  event.model_id = row.Text(1);
  event.version_id = row.Text(2);
  event.route = row.Text(3);
  event.provider = row.Text(4);
  event.upstream_model = row.Text(5);
  event.request_id = row.Text(6);
  event.user_id = row.Text(7);
  event.key_id = row.Text(8);
  event.workflow_run_id = row.Text(9);
  event.kind = ParseName(row.Text(10), AttemptKind::kChallenger);
  event.attempt = static_cast<std::uint32_t>(row.Int(11));
  event.status = ParseName(row.Text(12), AttemptStatus::kUnknown);
  event.usage = UsageOf(row, 13);
  event.cost = MoneyOf(row.OptionalInt(24));
  event.price_id = row.OptionalInt(25).value_or(0);
  event.at = WallTimeOf(row.Int(26));
  return event;
}

Price PriceOf(const Query& row) {
  Price price;
  price.id = row.Int(0);
  price.provider = row.Text(1);
  price.upstream_model = row.Text(2);
  price.effective_from = WallTimeOf(row.Int(3));
  price.input = {row.Int(4)};
  price.output = {row.Int(5)};
  price.cache_read = MoneyOf(row.OptionalInt(6));
  price.cache_write_5m = MoneyOf(row.OptionalInt(7));
  price.cache_write_1h = MoneyOf(row.OptionalInt(8));
  price.audio_input = MoneyOf(row.OptionalInt(9));
  price.output_reasoning = MoneyOf(row.OptionalInt(10));
  price.image = MoneyOf(row.OptionalInt(11));
  price.call = MoneyOf(row.OptionalInt(12));
  price.actor = row.Text(13);
  price.reason = row.Text(14);
  price.created_at = WallTimeOf(row.Int(15));
  return price;
}

}  // namespace

Result<std::size_t> InsertCostEvents(SqlConnection& connection, std::span<const CostEvent> events,
                                     DailySums& sums) {
  std::map<std::string_view, const CostEvent*>
      by_id;  // Of a twin in one statement the first is taken.
  Query insert(connection, InsertText(events.size()));
  for (const CostEvent& event : events) {
    by_id.emplace(event.event_id, &event);
    BindEvent(insert, event);
  }
  std::size_t inserted = 0;
  while (true) {
    PODIUM_TRY_ASSIGN(const bool found, insert.Next());
    if (!found) return inserted;
    const auto event = by_id.find(insert.Text(0));
    if (event == by_id.end()) {
      return Fail(ErrorCode::kInternal, "the database took a cost event that nobody sent");
    }
    sums.Add(*event->second);
    ++inserted;
  }
}

Status AddToDay(SqlConnection& connection, const DailyCost& day) {
  return Query(connection, sql::kAddToDay)
      .Bind(day.model_id)
      .Bind(day.day)
      .Bind(day.calls)
      .Bind(day.cost.value)
      .Bind(day.tokens)
      .Bind(day.unpriced_calls)
      .Run();
}

Result<std::size_t> DropSomeEvents(SqlConnection& connection, WallTime before) {
  Query drop(connection, sql::kDropCostEvents);
  drop.Bind(MicrosOf(before)).Bind(std::int64_t{limits::kDropBatch});
  return CountRows(drop);
}

Result<std::vector<ModelCost>> ReadModelCosts(SqlConnection& connection, WallTime from,
                                              WallTime to) {
  Query rows(connection, sql::kModelCosts);
  rows.Bind(MicrosOf(from)).Bind(MicrosOf(to));
  return ReadRows<ModelCost>(rows, [](const Query& row) {
    return ModelCost{row.Text(0), {row.Int(1)}, row.Int(2), row.Int(3),
                     row.Int(4),  row.Int(5),   row.Int(6), row.Int(7)};
  });
}

Result<std::map<RouteName, ShadowCost>> ReadShadowSums(SqlConnection& connection, WallTime from,
                                                       WallTime to, const std::string& own) {
  Query rows(connection, sql::kShadowCosts);
  rows.Bind(MicrosOf(from)).Bind(MicrosOf(to)).Bind(own);
  std::map<RouteName, ShadowCost> routes;
  while (true) {
    PODIUM_TRY_ASSIGN(const bool more, rows.Next());
    if (!more) return routes;
    routes[RouteName(rows.Text(0))] = {NanoUsd{rows.Int(1)}, NanoUsd{rows.Int(2)}};
  }
}

Result<std::vector<DailyCost>> ReadDays(SqlConnection& connection) {
  Query rows(connection, sql::kAllDays);
  return ReadRows<DailyCost>(rows, [](const Query& row) {
    return DailyCost{row.Text(0), row.Text(1), row.Int(2), {row.Int(3)}, row.Int(4), row.Int(5)};
  });
}

Result<std::vector<CostEvent>> ReadEventRows(SqlConnection& connection, const std::string& after,
                                             int limit) {
  Query rows(connection, sql::kCostEventsAfter);
  rows.Bind(after).Bind(std::int64_t{limit});
  return ReadRows<CostEvent>(rows, EventOf);
}

Result<Price> InsertPrice(SqlConnection& connection, Price price) {
  {
    Query count(connection, sql::kCountPrices);
    PODIUM_TRY(count.Next());
    if (count.Int(0) >= static_cast<std::int64_t>(limits::kMaxPrices)) {
      return Fail(ErrorCode::kLimited, "there are {} prices, which is the most that are kept",
                  limits::kMaxPrices);
    }
    price.id = count.Int(0) + 1;  // Rows stay, so this is the next.
  }
  PODIUM_TRY(Query(connection, sql::kInsertPrice)
                 .Bind(price.id)
                 .Bind(price.provider)
                 .Bind(price.upstream_model)
                 .Bind(MicrosOf(price.effective_from))
                 .Bind(price.input.value)
                 .Bind(price.output.value)
                 .BindOptional(NanosOf(price.cache_read))
                 .BindOptional(NanosOf(price.cache_write_5m))
                 .BindOptional(NanosOf(price.cache_write_1h))
                 .BindOptional(NanosOf(price.audio_input))
                 .BindOptional(NanosOf(price.output_reasoning))
                 .BindOptional(NanosOf(price.image))
                 .BindOptional(NanosOf(price.call))
                 .Bind(price.actor)
                 .Bind(price.reason)
                 .Bind(MicrosOf(price.created_at))
                 .Run());
  return price;
}

Result<std::vector<Price>> ReadPriceRows(SqlConnection& connection) {
  Query rows(connection, sql::kAllPrices);
  return ReadRows<Price>(rows, PriceOf);
}

}  // namespace podium::store
