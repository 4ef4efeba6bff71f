// The settings of the prediction log.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "predictions/logging_policy.h"
#include "predictions/prediction_log.h"

namespace podium::app {

/// `predictions.routes.<route>`: what differs from `predictions`.
struct RoutePredictionSettings {
  std::optional<bool> log;
  std::optional<predictions::Payloads> payloads;
  std::optional<predictions::Units> units;
  std::optional<double> share;
  std::vector<std::string> redact;  ///< Besides those of all routes.
};

/// `predictions.*`
struct PredictionSettings {
  predictions::RouteLogging all;
  std::map<std::string, RoutePredictionSettings> routes;
  std::chrono::seconds retention = limits::kPredictionRetention;
  std::uint64_t max_disk_bytes = limits::kPredictionDiskBytes;
  std::uint64_t segment_bytes = limits::kPredictionSegmentBytes;
  std::chrono::seconds segment_age = limits::kPredictionSegmentAge;

  /// Both put together.
  predictions::LoggingPolicy Policy() const;
};

}  // namespace podium::app
