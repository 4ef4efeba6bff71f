// /api/models/costs: what calls have cost. /api/v1/prices: what they are charged by.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "control/admin/context.h"
#include "control/admin/fields.h"
#include "control/admin/query.h"
#include "domain/price.h"
#include "store/cost_store.h"

namespace podium::control {
namespace {

constexpr int kDefaultHours = 24;

// Money as a JSON number with at most six decimals.
Json UsdOfMicros(std::int64_t micros) { return static_cast<double>(micros) / 1e6; }

// A quotient of two sums, rounded as money is shown; null when there is nothing to divide by.
Json Ratio(std::int64_t micros, std::int64_t count, double per) {
  if (count == 0) return {};
  const double each = static_cast<double>(micros) * per / static_cast<double>(count);
  return UsdOfMicros(static_cast<std::int64_t>(std::llround(each)));
}

Result<int> HoursOf(const net::RequestHead& head) {
  const std::optional<std::string> text = QueryText(head, "hours");
  if (!text) return kDefaultHours;
  int hours = 0;
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, hours);
  if (error == std::errc{} && stop == end && hours >= 1 && hours <= limits::kMaxCostHours) {
    return hours;
  }
  return Fail(Error{ErrorCode::kInvalidArgument,
                    fmt::format("hours must be a whole number from 1 to {}, not \"{}\"",
                                limits::kMaxCostHours, *text),
                    "hours", nullptr});
}

Json TopModel(const store::ModelCost& cost) {
  Json json;
  json["model_id"] = cost.model_id;
  json["total_cost_usd"] = UsdOfMicros(RoundToMicroUsd(cost.cost));
  json["total_calls"] = cost.calls;
  json["total_tokens"] = cost.tokens_in + cost.tokens_out;
  json["unpriced_calls"] = cost.unpriced_calls;
  return json;
}

// The total is the sum of what is shown, so that the parts add up to it.
Json CostReport(const std::vector<store::ModelCost>& costs) {
  std::int64_t micros = 0;
  store::ModelCost all;
  Json by_model = Json::object();
  Json top = Json::array();
  for (const store::ModelCost& cost : costs) {
    micros += RoundToMicroUsd(cost.cost);
    all.calls += cost.calls;
    all.tokens_in += cost.tokens_in;
    all.tokens_out += cost.tokens_out;
    all.priced_tokens += cost.priced_tokens;
    all.unpriced_calls += cost.unpriced_calls;
    all.estimated_calls += cost.estimated_calls;
    by_model[cost.model_id] = UsdOfMicros(RoundToMicroUsd(cost.cost));
    if (top.size() < limits::kTopModels) top.push_back(TopModel(cost));
  }
  Json json;
  json["total_cost_usd"] = UsdOfMicros(micros);
  json["cost_by_model"] = std::move(by_model);
  json["top_models"] = std::move(top);
  json["efficiency_metrics"] = {
      {"total_calls", all.calls},
      {"total_tokens_in", all.tokens_in},
      {"total_tokens_out", all.tokens_out},
      {"cost_per_call_usd", Ratio(micros, all.calls - all.unpriced_calls, 1.0)},
      {"cost_per_1k_tokens_usd", Ratio(micros, all.priced_tokens, 1000.0)},
      {"unpriced_calls", all.unpriced_calls},
      {"estimated_calls", all.estimated_calls}};
  return json;
}

AdminReply Costs(AdminCall& call) {
  const net::RequestHead& head = call.exchange.head();
  if (Status known = CheckQuery(head, {"hours"}); !known) co_return Fail(std::move(known).error());
  const Result<int> hours = HoursOf(head);
  if (!hours) co_return Fail(hours.error());
  const WallTime now = call.context.clock.Now();
  const WallTime from = now - std::chrono::hours(*hours);
  auto read = RunOn(call.context.pools.reads, [&] {
    return call.context.costs->ReadCosts(from, now + std::chrono::microseconds(1));
  });
  const Result<std::vector<store::ModelCost>> costs = co_await std::move(read);
  if (!costs) co_return Fail(costs.error());
  Json json = CostReport(*costs);
  json["hours"] = *hours;
  json["from"] = FormatUtc(from);
  json["to"] = FormatUtc(now);
  co_return JsonResponse(json);
}

// Prices are shown as text: exact, whatever the reader's numbers are.
Json PriceText(std::optional<NanoUsd> amount) {
  if (!amount) return {};
  std::string text = FormatUsd(*amount);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

Json PriceJson(const Price& price) {
  Json json;
  json["price_id"] = price.id;
  json["provider"] = price.provider;
  json["model"] = price.upstream_model;
  json["effective_from"] = FormatUtc(price.effective_from);
  json["input"] = PriceText(price.input);
  json["output"] = PriceText(price.output);
  json["cache_read"] = PriceText(price.cache_read);
  json["cache_write_5m"] = PriceText(price.cache_write_5m);
  json["cache_write_1h"] = PriceText(price.cache_write_1h);
  json["audio_input"] = PriceText(price.audio_input);
  json["output_reasoning"] = PriceText(price.output_reasoning);
  json["image"] = PriceText(price.image);
  json["call"] = PriceText(price.call);
  json["actor"] = price.actor;
  json["reason"] = price.reason;
  json["created_at"] = FormatUtc(price.created_at);
  return json;
}

/// Which prices are asked for, and where the page begins.
struct PriceQuery {
  std::optional<std::string> provider;
  std::optional<std::string> model;
  int limit = limits::kPageDefault;
  std::int64_t after = 0;  // The id that the page before has ended with.

  bool Wants(const Price& price) const {
    return price.id > after && (!provider || price.provider == *provider) &&
           (!model || price.upstream_model == *model);
  }
};

Result<PriceQuery> ReadPriceQuery(const net::RequestHead& head) {
  PODIUM_TRY(CheckQuery(head, {"provider", "model", "limit", "cursor"}));
  PriceQuery query;
  query.provider = QueryText(head, "provider");
  query.model = QueryText(head, "model");
  PODIUM_TRY_ASSIGN(query.limit, PageLimit(head));
  const std::string cursor = QueryText(head, "cursor").value_or("0");
  const char* end = cursor.data() + cursor.size();
  const auto [stop, error] = std::from_chars(cursor.data(), end, query.after);
  if (error == std::errc{} && stop == end && query.after >= 0) return query;
  return Fail(Error{ErrorCode::kInvalidArgument, "the cursor is not one of a list of prices",
                    "cursor", nullptr});
}

AdminReply ListPrices(AdminCall& call) {
  const Result<PriceQuery> query = ReadPriceQuery(call.exchange.head());
  if (!query) co_return Fail(query.error());
  auto read = RunOn(call.context.pools.reads, [&] { return call.context.costs->ReadPrices(); });
  const Result<std::vector<Price>> prices = co_await std::move(read);
  if (!prices) co_return Fail(prices.error());
  Json items = Json::array();
  std::int64_t last = 0;
  std::string next;
  for (const Price& price : *prices) {
    if (!query->Wants(price)) continue;
    if (items.size() == static_cast<std::size_t>(query->limit)) {
      next = fmt::to_string(last);
      break;
    }
    items.push_back(PriceJson(price));
    last = price.id;
  }
  co_return PageResponse(call, std::move(items), next);
}

// "0.15", so that no digit is lost; or 0.15, which is taken when nine decimals say it exactly.
std::optional<NanoUsd> AmountOf(const Json& value) {
  if (value.is_string()) return ParseUsd(value.get<std::string>());
  if (!value.is_number()) return std::nullopt;
  const double number = value.get<double>();
  const std::string text = fmt::format("{:.9f}", number);
  double back = 0;
  std::from_chars(text.data(), text.data() + text.size(), back);
  return back == number ? ParseUsd(text) : std::nullopt;
}

std::optional<NanoUsd> ReadAmount(Fields& fields, const char* name) {
  const Json* value = fields.Value(name);
  if (value == nullptr) return std::nullopt;
  const std::optional<NanoUsd> amount = AmountOf(*value);
  if (!amount) {
    fields.Complain(name, fmt::format("\"{}\" must be US dollars from 0 on with at most nine "
                                      "decimals, such as \"0.15\"",
                                      name));
  }
  return amount;
}

NanoUsd ReadRequired(Fields& fields, const char* name) {
  const std::optional<NanoUsd> amount = ReadAmount(fields, name);
  if (!amount) {
    fields.Complain(name, fmt::format("\"{}\" is required: US dollars per million tokens", name));
  }
  return amount.value_or(NanoUsd{});
}

Result<Price> ReadPrice(const AdminCall& call) {
  Fields fields(call.body);
  Price price;
  price.provider = fields.RequiredText("provider", limits::kMaxNameBytes);
  price.upstream_model = fields.RequiredText("model", limits::kMaxModelNameBytes);
  price.input = ReadRequired(fields, "input");
  price.output = ReadRequired(fields, "output");
  price.cache_read = ReadAmount(fields, "cache_read");
  price.cache_write_5m = ReadAmount(fields, "cache_write_5m");
  price.cache_write_1h = ReadAmount(fields, "cache_write_1h");
  price.audio_input = ReadAmount(fields, "audio_input");
  price.output_reasoning = ReadAmount(fields, "output_reasoning");
  price.image = ReadAmount(fields, "image");
  price.call = ReadAmount(fields, "call");
  const std::string from = fields.Text("effective_from", limits::kMaxNameBytes);
  price.effective_from = call.context.clock.Now();
  if (!from.empty()) {
    const std::optional<WallTime> parsed = ParseUtc(from);
    if (!parsed) {
      fields.Complain("effective_from",
                      "\"effective_from\" must be a time in UTC, such as 2026-03-09T14:00:00Z");
    }
    price.effective_from = parsed.value_or(price.effective_from);
  }
  price.reason = fields.Text("reason", limits::kMaxReasonBytes);
  price.actor = call.principal.actor;
  PODIUM_TRY(fields.Finish());
  PODIUM_TRY(CheckPrice(price));
  return price;
}

AdminReply SetPrice(AdminCall& call) {
  const Result<Price> price = ReadPrice(call);
  if (!price) co_return Fail(price.error());
  auto write =
      RunOn(call.context.pools.writer, [&] { return call.context.costs->AddPrice(*price); });
  const Result<Price> added = co_await std::move(write);
  if (!added) co_return Fail(added.error());
  if (call.context.publish_prices) {
    auto publish = RunOn(call.context.pools.publish, [&] { return call.context.publish_prices(); });
    const Status published = co_await std::move(publish);
    (void)published;  // It is in; the next minute brings it.
  }
  co_return JsonResponse(PriceJson(*added), 201);
}

}  // namespace

void AddCostEndpoints(AdminRoutes& routes) {
  using enum net::HttpMethod;
  constexpr auto kAdmin = Endpoint::Access::kAdmin;
  routes.Add(kGet, "/api/models/costs", {Costs});
  routes.Add(kGet, "/api/v1/prices", {ListPrices});
  routes.Add(kPut, "/api/v1/prices",
             {SetPrice, kAdmin, Endpoint::Body::kJson, Endpoint::Precondition::kNone});
}

}  // namespace podium::control
