// The port to the index of predictions and to what turned out to be true of them. Records, not
// routing input: they take no revision and reach no core.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/result.h"
#include "domain/prediction.h"
#include "store/registry_store.h"

namespace podium::limits {
inline constexpr std::size_t kPredictionTransaction = 500;  ///< Rows that one transaction takes.
inline constexpr int kFactPage = 5'000;                     ///< Predictions of one read of facts.
/// Rows that one read of facts gives: a prediction is one for each row of its feedback.
inline constexpr int kFactRows = 20'000;
inline constexpr int kPredictionsOfRequest = 20;  ///< The newest of one request id.
}  // namespace podium::limits

namespace podium::store {

/// What became of a batch.
struct RecordedPredictions {
  std::size_t taken = 0;     ///< From the front: these are in the store now.
  std::size_t inserted = 0;  ///< Of those, the ones that were not there yet.
};

/// Newest first. Unset members do not filter.
struct PredictionQuery {
  std::optional<std::string> route;
  std::optional<std::string> version;  ///< Assigned or served: ModelVersion::model_id.
  std::optional<PredictionOutcome> outcome;
  std::optional<std::string> unit;
  std::optional<std::string> request_id;
  std::optional<WallTime> since;
  std::optional<WallTime> until;  ///< Exclusive.
  std::string cursor;             ///< The id that the page before has ended with; empty: newest.
  int limit = limits::kPageDefault;
};

/// What a comparison needs of one prediction, once for each row of it that there is feedback on, or
/// once without. Feedback is on one prediction of a request: LabelledPrediction's.
struct PredictionFact {
  std::string id;
  std::string unit;  ///< Empty when units are not kept.
  std::string assigned;
  std::string served;
  std::string arm;
  Generation generation;
  PredictionOutcome outcome = PredictionOutcome::kOk;
  std::chrono::microseconds latency{0};
  std::optional<NanoUsd> cost;
  double propensity = 1.0;
  double keep = 1.0;
  std::vector<double> scores;
  std::optional<ChallengerRecord> challenger;  ///< As PredictionRow's.
  bool has_feedback = false;
  std::int64_t row = 0;  ///< The members below are of this row.
  std::optional<double> label;
  std::optional<double> score;
  std::optional<double> prediction;
};

struct FactQuery {
  std::string route;
  WallTime since;
  WallTime until;                 ///< Exclusive.
  std::string after;              ///< The id that the page before has ended with.
  int limit = limits::kFactPage;  ///< Of predictions.
  int rows = limits::kFactRows;   ///< Of facts.
};
struct FactPage {
  std::vector<PredictionFact> facts;  ///< By id, then row.
  std::string after;                  ///< Empty on the last page.
  bool cut = false;                   ///< Its one prediction has more rows than a page holds.
};

enum class FeedbackFate : std::uint8_t {
  kNew,
  kSame,      ///< It was known: nothing changed.
  kReplaced,  ///< It was otherwise before.
};
std::string_view NameOf(FeedbackFate fate);  ///< "new", "same", "replaced".

/// Threads: all methods from any thread. A busy database is waited for, as in RegistryStore.
class PredictionStore {
 public:
  virtual ~PredictionStore() = default;

  /// Inserts rows by their ids; those that are known are passed over. It takes from the front what
  /// limits::kRecordTransaction and limits::kPredictionTransaction allow, one at least.
  /// REQUIRES: there is one at least.
  virtual Result<RecordedPredictions> RecordPredictions(std::span<const PredictionRow> rows) = 0;
  virtual Result<Page<PredictionRow>> ListPredictions(const PredictionQuery& query) = 0;
  /// kNotFound.
  virtual Result<PredictionRow> FindPrediction(const std::string& id) = 0;
  /// The id of the one that feedback on a request is about, of those that were sent again under its
  /// id: the last that was answered well, else the last. Empty: none is known.
  virtual Result<std::string> LabelledPrediction(const std::string& route,
                                                 const std::string& request_id) = 0;
  virtual Result<FactPage> ReadFacts(const FactQuery& query) = 0;
  /// Removes rows from before `before`, the oldest first, in one transaction that takes what
  /// limits::kRecordTransaction allows; how many went, 0 when none is left.
  virtual Result<std::size_t> DropPredictions(WallTime before) = 0;

  /// Each replaces what was known of the same row of the same request. It may come before the
  /// prediction is known; the two are joined when they are read. One transaction; the fates are in
  /// the order of the items. REQUIRES: at most limits::kMaxFeedbackBatch, each row once.
  virtual Result<std::vector<FeedbackFate>> RecordFeedback(std::span<const Feedback> items) = 0;
  /// Of one request, by row.
  virtual Result<std::vector<Feedback>> ReadFeedback(const std::string& route,
                                                     const std::string& request_id) = 0;
  /// As DropPredictions.
  virtual Result<std::size_t> DropFeedback(WallTime before) = 0;
};

}  // namespace podium::store
