// Predictions and feedback as the API shows them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "domain/compare_report.h"
#include "domain/prediction.h"
#include "net/request_head.h"

namespace podium::control {

Json PredictionJson(const PredictionRow& row);
Json FeedbackJson(const Feedback& feedback);
/// A number; null when JSON has no word for it.
Json NumberJson(double number);
/// {value, low, high, n}; null for none.
Json EstimateJson(const std::optional<Estimate>& estimate);
/// A parameter that is a finite number; nullopt when absent.
Result<std::optional<double>> QueryNumber(const net::RequestHead& head, std::string_view name);

/// A moment: RFC 3339 in UTC, or how long before `now` as in "90s", "30m", "24h", "7d".
Result<WallTime> ReadMoment(std::string_view name, const std::string& text, WallTime now);

}  // namespace podium::control
