// What a remote model costs from a moment on: a row of `prices`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/money.h"
#include "base/result.h"

namespace podium {

/// Rows are added and never changed: what an attempt was charged by stays readable. Of several that
/// are in force, the one with the latest effective_from counts, then the one added last.
struct Price {
  std::int64_t id = 0;         ///< Given by the store, from 1, in the order in which they came.
  std::string provider;        ///< ModelVersion::provider_key.
  std::string upstream_model;  ///< As the provider names it.
  WallTime effective_from;

  // Per million tokens. A class that is used and has no price makes the cost unknown, not zero;
  // only reasoning is output like any other unless it has a price of its own.
  NanoUsd input;
  NanoUsd output;
  std::optional<NanoUsd> cache_read;
  std::optional<NanoUsd> cache_write_5m;
  std::optional<NanoUsd> cache_write_1h;
  std::optional<NanoUsd> audio_input;
  std::optional<NanoUsd> output_reasoning;
  // Each.
  std::optional<NanoUsd> image;
  std::optional<NanoUsd> call;

  std::string actor;  ///< Who added it.
  std::string reason;
  WallTime created_at;

  bool operator==(const Price&) const = default;
};

/// kInvalidArgument for names that are empty, too long or not text, and for amounts that are
/// negative or above limits::kMaxPriceNanoUsd. `where` is the JSON pointer of the field.
Status CheckPrice(const Price& price);

}  // namespace podium
