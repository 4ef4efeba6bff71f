// What is remembered of one prediction: the row that lists, comparisons and off-policy evaluation
// read. What was asked and answered stays in the segment that the row names.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/money.h"
#include "base/result.h"
#include "domain/challenger_record.h"
#include "domain/ids.h"
#include "domain/traffic.h"

namespace podium {

namespace limits {
inline constexpr std::size_t kPredictionScores = 64;     ///< Of the first rows of one request.
inline constexpr std::size_t kMaxFeedbackBatch = 1'000;  ///< Items of one request or transaction.
}  // namespace limits

/// How a call ended, as its caller saw it.
enum class PredictionOutcome : std::uint8_t {
  kOk,
  kRefused,  ///< The caller's own mistake (4xx): it says nothing of a version.
  kTimeout,
  kError,
};
std::string_view NameOf(PredictionOutcome outcome);  ///< "ok", "refused", "timeout", "error".
std::optional<PredictionOutcome> ParsePredictionOutcome(std::string_view name);
PredictionOutcome OutcomeOfStatus(int status);

struct PredictionRow {
  std::string id;          ///< Of the server's making; sorted by it is sorted by time.
  std::string request_id;  ///< As the caller knows it; a call that is sent again has it again.
  std::string route;
  std::string unit;  ///< Empty when units are not kept.
  UnitKind unit_kind = UnitKind::kRequest;
  std::string assigned;     ///< ModelVersion::model_id; empty: there was nothing to assign.
  std::string served;       ///< Empty: nobody answered.
  std::string arm;          ///< Why it was assigned: "primary", "canary", "arm", "override".
  std::string reason;       ///< Why that one served: "assigned", "primary_fallback", …
  double propensity = 1.0;  ///< Of the assignment.
  double keep = 1.0;        ///< Probability that a unit's predictions were logged at that moment.
  int bucket = 0;
  Generation generation;
  PredictionOutcome outcome = PredictionOutcome::kOk;
  int status = 0;  ///< HTTP.
  std::chrono::microseconds latency{0};
  std::optional<NanoUsd> cost;  ///< nullopt: none is known.
  std::int64_t rows = 1;        ///< Of the request.
  /// Of the first limits::kPredictionScores rows; empty: the answer has no number for each row.
  std::vector<double> scores;
  std::optional<ChallengerRecord> challenger;  ///< Of a call that both were asked (D4).
  std::string replica;
  std::string segment;       ///< Below DATA/predictions, without its suffix.
  std::int64_t offset = -1;  ///< Of its line in the unpacked segment, in bytes.
  WallTime at;               ///< When it was answered, by the clock of the replica.

  bool operator==(const PredictionRow&) const = default;
};

/// What turned out to be true of one row of a request.
struct Feedback {
  std::string route;
  std::string request_id;
  std::int64_t row = 0;
  std::optional<double> label;       ///< The truth: 0 or 1, or the quantity that was predicted.
  std::optional<double> score;       ///< What the answer was worth, on the caller's own scale.
  std::optional<double> prediction;  ///< What the caller was told, where the answer has no number.
  std::string actor;
  WallTime at;

  /// Whether both say the same of the same row.
  bool SaysTheSame(const Feedback& other) const;
  bool operator==(const Feedback&) const = default;
};

/// The id of a prediction that was answered at `at`: 14 hex digits of its microseconds, and
/// `token`, which tells those of one microsecond apart.
std::string PredictionId(WallTime at, std::string_view token);
/// Below the ids of everything answered at `at` or later, and above all before.
std::string PredictionIdFloor(WallTime at);

/// Shortest text that reads back as the same number: "0.25,1,nan" for a list.
std::string ScoresText(const std::vector<double>& scores);
/// kInvalidArgument for what ScoresText did not write.
Result<std::vector<double>> ParseScores(std::string_view text);

}  // namespace podium
