// Facts in, a report out: which figures the versions of a route get. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "control/analytics/compare_statistics.h"
#include "domain/compare_report.h"
#include "store/prediction_store.h"

namespace podium::limits {
inline constexpr std::int64_t kMaxCompared = 2'000'000;  ///< Predictions of one comparison.
/// Of one comparison: predictions, each as often as there are rows of feedback on it.
inline constexpr std::int64_t kMaxComparedRows = 2'000'000;
}  // namespace podium::limits

namespace podium::control {

/// Who compares counts a version's own predictions: those that were assigned to it by chance and
/// that it gave. What another one gave in its place says nothing of either. Of a call that champion
/// and challenger were both asked each has its own, whoever's answer was given.
class Comparison {
 public:
  explicit Comparison(double threshold) : threshold_(threshold) {}

  /// In the order of ReadFacts: those of one prediction follow each other.
  void Add(const store::PredictionFact& fact);
  std::int64_t predictions() const { return predictions_; }
  std::int64_t rows() const { return rows_; }
  /// Versions, labels and overrides; the rest is the caller's. What was added is put in order for
  /// it: a copy of it would be as large again.
  CompareReport Report();

 private:
  struct Version {
    std::int64_t n = 0;
    std::int64_t not_served = 0;
    std::int64_t refused = 0;
    std::int64_t failed = 0;
    std::int64_t labelled = 0;
    std::int64_t unscored = 0;
    double least_keep = 1;
    std::vector<double> latencies_ms;
    std::vector<double> beside_ms;  ///< Of the model alone, beside another one.
    std::vector<double> costs_usd;
    std::vector<Scored> scored;
    std::vector<double> feedback_scores;
  };
  /// A version's own part in one call.
  struct OwnPart {
    PredictionOutcome outcome = PredictionOutcome::kOk;
    std::optional<std::chrono::microseconds> latency;
    const std::vector<double>& scores;
    bool was_given = true;  ///< Its answer was the call's.
    bool beside = false;    ///< Another version was asked too.
  };
  void AddBoth(const store::PredictionFact& fact, bool is_new);
  void AddSide(const store::PredictionFact& fact, const ChallengerSide& side, bool is_new);
  static void AddCall(const store::PredictionFact& fact, const OwnPart& own, Version& version);
  static void AddFeedback(const store::PredictionFact& fact, const OwnPart& own, Version& version);
  LabelKind KindOfLabels() const;
  VersionComparison ReportOf(const std::string& model_id, Version& version, LabelKind kind) const;

  const double threshold_;
  std::map<std::string, Version> versions_;
  std::int64_t overrides_ = 0;
  std::int64_t predictions_ = 0;
  std::int64_t rows_ = 0;
  std::string last_id_;
};

/// Reads what there is and compares it, as far as the limits go. Blocks on the store.
Result<CompareReport> CompareVersions(store::PredictionStore& store,
                                      const CompareQuestion& question,
                                      std::int64_t most_rows = limits::kMaxComparedRows);

}  // namespace podium::control
