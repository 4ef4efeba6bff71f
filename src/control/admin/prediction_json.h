// Predictions and feedback as the API shows them.
#pragma once

#include <optional>

#include "base/json.h"
#include "domain/compare_report.h"
#include "domain/prediction.h"

namespace podium::control {

Json PredictionJson(const PredictionRow& row);
Json FeedbackJson(const Feedback& feedback);
/// A number; null when JSON has no word for it.
Json NumberJson(double number);
/// {value, low, high, n}; null for none.
Json EstimateJson(const std::optional<Estimate>& estimate);

}  // namespace podium::control
