// Facts of the prediction log in, decisions that may be weighed out. Pure, but for reading them.
//
// Only what chance has decided counts, and only while it could have drawn every version that the
// policy in question wants. The log has no list of the versions that could have come; it is put
// together again from the propensities: while the split was one, those of its versions add up to 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "control/analytics/off_policy.h"
#include "domain/off_policy_report.h"
#include "store/prediction_store.h"

namespace podium::limits {
inline constexpr std::int64_t kMaxEvaluated = 1'000'000;  ///< Predictions of one evaluation.
}  // namespace podium::limits

namespace podium::control {

/// A decision of chance, with what came of it.
struct DrawnCall {
  std::size_t arm = 0;
  double propensity = 0;
  double keep = 1;
  std::uint64_t unit = 0;
  std::uint64_t generation = 0;
  std::size_t place = 0;  ///< In the log.
  std::optional<double> reward;
};

/// For each call, by position, whether all of `wanted` could have been drawn when it was. `calls`
/// must be by generation, then place. Where too few calls were made under one split to see all its
/// versions, it is taken to have been that of its neighbours.
std::vector<bool> SupportOf(const std::vector<DrawnCall>& calls,
                            const std::vector<std::size_t>& wanted);

class OffPolicyLog {
 public:
  explicit OffPolicyLog(const OffPolicyQuestion& question);

  /// In the order of ReadFacts: those of one prediction follow each other.
  void Add(const store::PredictionFact& fact);
  std::int64_t predictions() const { return predictions_; }
  /// kInvalidArgument for a policy that is none; kUnprocessable, with the reason, where the log
  /// cannot answer. What was added is used up.
  Result<OffPolicyAnswer> Answer();

 private:
  void Begin(const store::PredictionFact& fact);
  void AddFeedback(const store::PredictionFact& fact);
  void EndCall();
  std::size_t ArmOf(const std::string& model_id);
  std::vector<LoggedDecision> Usable();
  Status CheckAnyLeft(const std::vector<LoggedDecision>& usable) const;
  std::vector<LoggedArm> ArmsOf(const std::vector<LoggedDecision>& usable) const;

  OffPolicyQuestion question_;
  std::map<std::string, std::size_t> arms_;
  std::vector<double> shares_;  // By arm.
  std::vector<DrawnCall> calls_;
  LeftOut left_out_;
  std::int64_t predictions_ = 0;
  std::string last_id_;
  std::optional<DrawnCall> call_;  // The present prediction, if it counts.
  double feedback_sum_ = 0;
  int feedback_rows_ = 0;
};

/// Reads what there is and evaluates it, as far as the limits go. Blocks on the store.
Result<OffPolicyAnswer> EvaluateRoute(store::PredictionStore& store,
                                      const OffPolicyQuestion& question,
                                      std::int64_t most = limits::kMaxEvaluated);

}  // namespace podium::control
