#include "app/chat_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>
#include <vector>

#include "app/cli_console.h"
#include "app/demo_format.h"
#include "ledger/price_book.h"

namespace podium::app {
namespace {

constexpr std::array<std::string_view, 5> kFallbackReasons = {
    "primary_fallback", "previous_primary", "route_config", "default_provider", "openai"};

// As the API shows money: six digits behind the point.
std::string ShowUsd(NanoUsd amount) { return FormatMicroUsd(amount) + " USD"; }

std::string WhoAnswered(const ChatReport& report) {
  const std::string model =
      report.provider.empty() ? report.model : report.provider + "/" + report.model;
  if (report.version.empty()) return fmt::format("{}, {}", report.route, model);
  return fmt::format("{}, version {} ({})", report.route, report.version, model);
}

Price PriceOf(const Json& row) {
  const auto amount = [&](const char* key) { return ParseUsd(TextOf(row, key)); };
  Price price;
  price.provider = "any";
  price.upstream_model = "any";
  price.effective_from = ParseUtc(TextOf(row, "effective_from")).value_or(WallTime::max());
  price.id = static_cast<std::int64_t>(CountOf(row, "price_id"));
  price.input = amount("input").value_or(NanoUsd{});
  price.output = amount("output").value_or(NanoUsd{});
  price.cache_read = amount("cache_read");
  price.audio_input = amount("audio_input");
  price.output_reasoning = amount("output_reasoning");
  return price;
}

Json OrNull(const std::string& text) { return text.empty() ? Json() : Json(text); }

}  // namespace

void TakeHeaders(const ApiAnswer& answer, ChatReport& report) {
  report.route = answer.Header("x-podium-route");
  report.version = answer.Header("x-podium-version");
  // Of a version this is its id; of a setting the model's name at its provider.
  (report.version.empty() ? report.model : report.model_id) = answer.Header("x-podium-model");
  report.reason = answer.Header("x-podium-reason");
  report.request_id = answer.Header("x-request-id");
  report.cost = ParseUsd(answer.Header("x-podium-cost-usd"));
  const std::string attempts = answer.Header("x-podium-attempts");
  std::from_chars(attempts.data(), attempts.data() + attempts.size(), report.attempts);
}

bool FellBack(const ChatReport& report) {
  return report.attempts > 1 && std::find(kFallbackReasons.begin(), kFallbackReasons.end(),
                                          report.reason) != kFallbackReasons.end();
}

std::string ReportLine(const ChatReport& report) {
  std::string line = WhoAnswered(report);
  line += fmt::format(
      ", {}", ShowCount(static_cast<std::uint64_t>(std::max(report.attempts, 0)), "attempt"));
  if (FellBack(report)) line += fmt::format(", fell back ({})", report.reason);
  if (report.reply.usage) {
    line += fmt::format(", {} + {} tokens", report.reply.usage->input_tokens(),
                        report.reply.usage->output_tokens());
  }
  line += ", " + (report.cost ? ShowUsd(*report.cost) : std::string("cost unknown"));
  if (report.first_token) line += ", first token " + ShowSeconds(*report.first_token);
  line += ", total " + ShowSeconds(report.total);
  if (!report.reply.finish.empty() && report.reply.finish != "stop") {
    line += fmt::format(", ended by {}", report.reply.finish);
  }
  return Printable(line);
}

Json ReportJson(const ChatReport& report, const std::string& error) {
  const std::optional<TokenUsage>& usage = report.reply.usage;
  Json json = {{"text", report.reply.text}};
  json["usage"] = usage ? Json{{"input_tokens", usage->input_tokens()},
                               {"output_tokens", usage->output_tokens()},
                               {"cached_tokens", usage->cache_read},
                               {"reasoning_tokens", usage->output_reasoning}}
                        : Json();
  json["route"] = OrNull(report.route);
  json["version"] = OrNull(report.version);
  json["provider"] = OrNull(report.provider);
  json["model"] = OrNull(report.model);
  json["reason"] = OrNull(report.reason);
  json["attempts"] = report.attempts;
  json["cost_usd"] =
      report.cost ? Json(static_cast<double>(RoundToMicroUsd(*report.cost)) / 1e6) : Json();
  json["finish_reason"] = OrNull(report.reply.finish);
  json["request_id"] = OrNull(report.request_id);
  json["first_token_ms"] = report.first_token ? Json(report.first_token->count()) : Json();
  json["total_ms"] = report.total.count();
  if (!error.empty()) json["error"] = error;
  return json;
}

std::optional<NanoUsd> CostByPrices(const TokenUsage& usage, const Json& prices, WallTime now) {
  std::vector<Price> rows;
  for (const Json& row : prices) rows.push_back(PriceOf(row));
  return ledger::PriceBook(std::move(rows)).CostOf(usage, "any", "any", now).amount;
}

}  // namespace podium::app
