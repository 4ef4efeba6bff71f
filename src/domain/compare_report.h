// How the versions of a route did, by what was logged of their predictions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace podium {

/// A figure and an interval of 95 % around it.
struct Estimate {
  double value = 0;
  double low = 0;
  double high = 0;
  std::int64_t n = 0;  ///< What it was made from.
};

/// What the labels are, over all versions: what may be computed of them.
enum class LabelKind : std::uint8_t {
  kNone,      ///< There are none.
  kBinary,    ///< 0 and 1, with scores from 0 to 1.
  kClass,     ///< Whole numbers, and so are the scores: classes.
  kQuantity,  ///< Numbers.
};
std::string_view NameOf(LabelKind kind);  ///< "none", "binary", "class", "quantity".

struct VersionComparison {
  std::string model_id;
  std::int64_t n = 0;           ///< Predictions that it was assigned to and gave, or failed to.
  std::int64_t not_served = 0;  ///< Assigned to it and answered by another: in no figure below.
  std::int64_t refused = 0;     ///< Of n: the caller's own mistakes, in no figure below.
  std::int64_t labelled = 0;    ///< Rows with a label.
  std::int64_t unscored = 0;    ///< Of those: without a number to compare it with.
  double least_keep = 1;        ///< The least rate at which units were logged meanwhile.
  /// Latencies are of the model alone (of a stream: to the first token), of the calls that it was
  /// asked beside another version. False: of whole calls.
  bool beside = false;
  std::optional<Estimate> error_rate;  ///< Errors and timeouts.
  std::optional<Estimate> latency_p50_ms;
  std::optional<Estimate> latency_p90_ms;
  std::optional<Estimate> latency_p99_ms;
  std::optional<Estimate> cost_usd;  ///< Of one prediction, of those with a known cost.
  std::optional<Estimate> auc;       ///< kBinary, with both labels.
  std::optional<Estimate> precision;
  std::optional<Estimate> recall;
  std::optional<Estimate> log_loss;
  std::optional<Estimate> accuracy;        ///< kBinary and kClass.
  std::optional<Estimate> absolute_error;  ///< kQuantity: the mean.
  std::optional<Estimate> squared_error;   ///< kQuantity: the mean; its root is the RMSE.
  std::optional<Estimate> feedback_score;  ///< The mean of `score`.
};

struct CompareQuestion {
  std::string route;
  WallTime since;
  WallTime until;          ///< Exclusive.
  double threshold = 0.5;  ///< The score from which on a row counts as 1.
};

struct CompareReport {
  std::string route;
  WallTime since;
  WallTime until;
  double threshold = 0.5;
  LabelKind labels = LabelKind::kNone;
  std::int64_t overrides = 0;  ///< Calls that named their version: in no figure.
  bool complete = true;        ///< False: there were more than are compared; the oldest were taken.
  std::vector<VersionComparison> versions;  ///< By model id.
};

}  // namespace podium
