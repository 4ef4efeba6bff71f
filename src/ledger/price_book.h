// Prices by provider, model and moment, and what a usage costs by them.
//
// Pure and exact: integers throughout; the sum over all classes is rounded once, half up, to whole
// nano-dollars. Neither look-up nor cost allocates.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/money.h"
#include "domain/price.h"
#include "domain/token_usage.h"

namespace podium::ledger {

/// What a usage costs, or why nobody knows.
struct Cost {
  enum class Unknown : std::uint8_t {
    kNot,         ///< It is known.
    kNoPrice,     ///< No price of this model is in force.
    kClass,       ///< A class was used that the price says nothing about.
    kOutOfRange,  ///< A negative count, or an amount beyond limits::kMaxAttemptCostNanoUsd.
  };
  std::optional<NanoUsd> amount;  ///< nullopt: unknown, which is not zero.
  std::int64_t price_id = 0;      ///< The price that was applied, or tried; 0: none.
  Unknown unknown = Unknown::kNot;
};
std::string_view NameOf(Cost::Unknown unknown);

/// What `usage` costs at `price`.
Cost CostAt(const TokenUsage& usage, const Price& price);

/// All prices that were ever set. Immutable: cores share it.
class PriceBook {
 public:
  PriceBook() = default;
  explicit PriceBook(std::vector<Price> prices);

  /// The price in force at `at`; nullptr when there is none.
  const Price* Find(std::string_view provider, std::string_view upstream_model, WallTime at) const;
  Cost CostOf(const TokenUsage& usage, std::string_view provider, std::string_view upstream_model,
              WallTime at) const;
  /// By provider, model, effective_from, id.
  const std::vector<Price>& prices() const { return prices_; }

 private:
  std::vector<Price> prices_;
};

}  // namespace podium::ledger
