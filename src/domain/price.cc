#include "domain/price.h"

#include <string_view>
#include <utility>

#include "base/limits.h"
#include "domain/names.h"

namespace podium {
namespace {

Status CheckAmount(std::string_view field, std::optional<NanoUsd> amount) {
  if (!amount || (amount->value >= 0 && amount->value <= limits::kMaxPriceNanoUsd)) return {};
  return Fail(Error{ErrorCode::kInvalidArgument,
                    fmt::format("\"{}\" is {} USD: a price is 0 to {}", field, FormatUsd(*amount),
                                limits::kMaxPriceNanoUsd / kNanosPerUsd),
                    fmt::format("/{}", field), nullptr});
}

Status CheckKey(std::string_view field, std::string_view text, std::size_t most) {
  if (text.empty()) {
    return Fail(Error{ErrorCode::kInvalidArgument, fmt::format("\"{}\" is required", field),
                      fmt::format("/{}", field), nullptr});
  }
  Status fit = CheckText(field, text, most);
  if (fit) return {};
  return Fail(std::move(fit).error().At(fmt::format("/{}", field)));
}

}  // namespace

Status CheckPrice(const Price& price) {
  PODIUM_TRY(CheckKey("provider", price.provider, limits::kMaxNameBytes));
  PODIUM_TRY(CheckKey("model", price.upstream_model, limits::kMaxModelNameBytes));
  const std::pair<std::string_view, std::optional<NanoUsd>> amounts[] = {
      {"input", price.input},
      {"output", price.output},
      {"cache_read", price.cache_read},
      {"cache_write_5m", price.cache_write_5m},
      {"cache_write_1h", price.cache_write_1h},
      {"audio_input", price.audio_input},
      {"output_reasoning", price.output_reasoning},
      {"image", price.image},
      {"call", price.call}};
  for (const auto& [field, amount] : amounts) PODIUM_TRY(CheckAmount(field, amount));
  return {};
}

}  // namespace podium
