#include "ledger/price_book.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "base/limits.h"

namespace podium::ledger {
namespace {

// Long enough for nine products of 63 bits each.
__extension__ using Wide = __int128;

constexpr std::int64_t kTokensPerPrice = 1'000'000;

/// One class of a usage: how much of it, at what price per million.
struct Part {
  std::int64_t count;
  std::optional<NanoUsd> price;
  std::int64_t scale = 1;  // kTokensPerPrice where the price is for each.
};

std::array<Part, 9> PartsOf(const TokenUsage& usage, const Price& price) {
  const NanoUsd reasoning = price.output_reasoning.value_or(price.output);
  return {{{usage.uncached_input, price.input},
           {usage.cache_read, price.cache_read},
           {usage.cache_write_5m, price.cache_write_5m},
           {usage.cache_write_1h, price.cache_write_1h},
           {usage.audio_input, price.audio_input},
           {usage.output_text, price.output},
           {usage.output_reasoning, reasoning},
           {usage.images, price.image, kTokensPerPrice},
           {usage.calls, price.call, kTokensPerPrice}}};
}

auto KeyOf(const Price& price) {
  return std::tuple(std::string_view(price.provider), std::string_view(price.upstream_model),
                    price.effective_from, price.id);
}

}  // namespace

std::string_view NameOf(Cost::Unknown unknown) {
  switch (unknown) {
    case Cost::Unknown::kNot:
      return "known";
    case Cost::Unknown::kNoPrice:
      return "no_price";
    case Cost::Unknown::kClass:
      return "class_without_price";
    case Cost::Unknown::kOutOfRange:
      return "out_of_range";
  }
  return "known";
}

Cost CostAt(const TokenUsage& usage, const Price& price) {
  Wide sum = 0;  // Nano-dollars times a million.
  for (const Part& part : PartsOf(usage, price)) {
    if (part.count < 0 || part.count > limits::kMaxUsage) {
      return {std::nullopt, price.id, Cost::Unknown::kOutOfRange};
    }
    if (part.count == 0) continue;
    if (!part.price) return {std::nullopt, price.id, Cost::Unknown::kClass};
    if (part.price->value < 0 || part.price->value > limits::kMaxPriceNanoUsd) {
      return {std::nullopt, price.id, Cost::Unknown::kOutOfRange};
    }
    sum += Wide{part.count} * part.price->value * part.scale;
  }
  const Wide rounded = (sum + kTokensPerPrice / 2) / kTokensPerPrice;
  if (rounded > limits::kMaxAttemptCostNanoUsd) {
    return {std::nullopt, price.id, Cost::Unknown::kOutOfRange};
  }
  return {NanoUsd{static_cast<std::int64_t>(rounded)}, price.id, Cost::Unknown::kNot};
}

PriceBook::PriceBook(std::vector<Price> prices) : prices_(std::move(prices)) {
  std::sort(prices_.begin(), prices_.end(),
            [](const Price& a, const Price& b) { return KeyOf(a) < KeyOf(b); });
}

const Price* PriceBook::Find(std::string_view provider, std::string_view upstream_model,
                             WallTime at) const {
  const auto key = std::tuple(provider, upstream_model, at);
  // The first that begins later, or belongs to another model.
  const auto after =
      std::upper_bound(prices_.begin(), prices_.end(), key, [](const auto& wanted, const Price& p) {
        return wanted < std::tuple(std::string_view(p.provider), std::string_view(p.upstream_model),
                                   p.effective_from);
      });
  if (after == prices_.begin()) return nullptr;
  const Price& found = *std::prev(after);
  if (found.provider != provider || found.upstream_model != upstream_model) return nullptr;
  return &found;
}

Cost PriceBook::CostOf(const TokenUsage& usage, std::string_view provider,
                       std::string_view upstream_model, WallTime at) const {
  const Price* price = Find(provider, upstream_model, at);
  if (price == nullptr) return {std::nullopt, 0, Cost::Unknown::kNoPrice};
  return CostAt(usage, *price);
}

}  // namespace podium::ledger
