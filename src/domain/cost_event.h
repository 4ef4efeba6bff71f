// What one attempt has cost: a row of `cost_events`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/money.h"
#include "domain/attempt.h"
#include "domain/token_usage.h"

namespace podium {

/// INV-11: one for each attempt. The id is of the server's making, never the caller's.
struct CostEvent {
  std::string event_id;
  std::string model_id;    ///< Catalogue id: what costs are added up by.
  std::string version_id;  ///< ModelVersion::model_id.
  std::string route;
  std::string provider;
  std::string upstream_model;
  std::string request_id;
  std::string user_id;
  std::string key_id;
  std::string workflow_run_id;
  AttemptKind kind = AttemptKind::kFirst;
  std::uint32_t attempt = 1;  ///< Of its call, from 1.
  AttemptStatus status = AttemptStatus::kOk;
  TokenUsage usage;
  std::optional<NanoUsd> cost;  ///< nullopt: no price was known. Never a silent zero.
  std::int64_t price_id = 0;    ///< 0: none.
  WallTime at;                  ///< When it ended, by the clock of the replica that made it.

  bool operator==(const CostEvent&) const = default;
};

/// The event with counts and cost that can be added up: what a provider reports beyond
/// limits::kMaxUsage (or below zero) is cut, a cost beyond limits::kMaxAttemptCostNanoUsd is
/// unknown, and the usage is marked contradictory.
CostEvent Bounded(CostEvent event);

}  // namespace podium
