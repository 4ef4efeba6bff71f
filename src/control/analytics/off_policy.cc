#include "control/analytics/off_policy.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

#include "control/analytics/compare_statistics.h"

namespace podium::control {
namespace {

constexpr double kSumsToOne = 1e-9;
constexpr std::size_t kFolds = 2;

/// Sum and weight: a mean that may be asked for when there is one.
struct WeightedMean {
  double sum = 0;
  double weight = 0;
  void Add(double value, double by) {
    sum += value * by;
    weight += by;
  }
};

Status CheckTarget(const TargetPolicy& target) {
  if (target.empty() || target.front().empty()) {
    return Fail(ErrorCode::kInvalidArgument, "the target policy has no arms");
  }
  for (const std::vector<double>& row : target) {
    double sum = 0;
    for (const double probability : row) {
      if (!(probability >= 0 && probability <= 1)) {
        return Fail(ErrorCode::kInvalidArgument, "{} is no probability", probability);
      }
      sum += probability;
    }
    if (row.size() != target.front().size() || std::fabs(sum - 1) > kSumsToOne) {
      return Fail(ErrorCode::kInvalidArgument,
                  "the target policy must give each stratum's arms probabilities that sum to 1");
    }
  }
  return {};
}

Status CheckDecision(const LoggedDecision& decision, const TargetPolicy& target) {
  if (decision.stratum >= target.size() || decision.arm >= target.front().size()) {
    return Fail(ErrorCode::kInvalidArgument,
                "a decision is of stratum {} and arm {}, which the "
                "target policy does not know",
                decision.stratum, decision.arm);
  }
  const bool usable = decision.propensity >= 0 && decision.propensity <= 1 &&
                      std::isfinite(decision.reward) && decision.keep > 0 && decision.keep <= 1;
  if (usable) return {};
  return Fail(ErrorCode::kInvalidArgument, "a decision has propensity {}, reward {} and keep {}",
              decision.propensity, decision.reward, decision.keep);
}

// An arm that was never drawn has no reward to weigh: whatever the target gives it is a guess.
Status CheckSupport(const std::vector<LoggedDecision>& used, const TargetPolicy& target) {
  std::vector<std::vector<bool>> drawn(target.size(),
                                       std::vector<bool>(target.front().size(), false));
  std::vector<bool> seen(target.size(), false);
  for (const LoggedDecision& decision : used) {
    drawn[decision.stratum][decision.arm] = true;
    seen[decision.stratum] = true;
  }
  for (std::size_t stratum = 0; stratum < target.size(); ++stratum) {
    for (std::size_t arm = 0; seen[stratum] && arm < target[stratum].size(); ++arm) {
      if (target[stratum][arm] <= 0 || drawn[stratum][arm]) continue;
      return Fail(ErrorCode::kUnprocessable,
                  "the target gives arm {} of stratum {} {:.3g} of the traffic, and the log has "
                  "never drawn it there: no log of this kind can answer that",
                  arm, stratum, target[stratum][arm]);
    }
  }
  return {};
}

/// The mean reward of stratum and arm as the other half saw it; where it saw none, that of the arm,
/// then of all.
class RewardModel {
 public:
  RewardModel(const std::vector<LoggedDecision>& used, const TargetPolicy& target) {
    for (Half& half : halves_) {
      half.cells.assign(target.size(), std::vector<WeightedMean>(target.front().size()));
      half.arms.resize(target.front().size());
    }
    for (const LoggedDecision& decision : used) {
      Half& half = halves_[1 - FoldOf(decision)];  // What one half teaches, the other is told.
      const double weight = 1 / decision.keep;
      half.cells[decision.stratum][decision.arm].Add(decision.reward, weight);
      half.arms[decision.arm].Add(decision.reward, weight);
      half.all.Add(decision.reward, weight);
    }
  }
  static std::size_t FoldOf(const LoggedDecision& decision) { return decision.unit % kFolds; }

  double Expect(const LoggedDecision& decision, std::size_t arm) const {
    const Half& half = halves_[FoldOf(decision)];
    const WeightedMean& cell = half.cells[decision.stratum][arm];
    if (cell.weight > 0) return cell.sum / cell.weight;
    if (half.arms[arm].weight > 0) return half.arms[arm].sum / half.arms[arm].weight;
    return half.all.weight > 0 ? half.all.sum / half.all.weight : 0;
  }

 private:
  struct Half {
    std::vector<std::vector<WeightedMean>> cells;
    std::vector<WeightedMean> arms;
    WeightedMean all;
  };
  std::array<Half, kFolds> halves_;
};

/// A weighted mean, its residuals added up by unit.
class ClusteredMean {
 public:
  void Add(std::uint64_t unit, double value, double weight) {
    values_.push_back({unit, value, weight});
    mean_.Add(value, weight);
  }
  Estimate Get() const {
    const double mean = mean_.sum / mean_.weight;
    std::map<std::uint64_t, double> residuals;
    for (const Value& each : values_) residuals[each.unit] += each.weight * (each.value - mean);
    double squares = 0;
    for (const auto& [unit, residual] : residuals) squares += residual * residual;
    const double half = kNormal975 * std::sqrt(squares) / mean_.weight;
    return {mean, mean - half, mean + half, static_cast<std::int64_t>(values_.size())};
  }

 private:
  struct Value {
    std::uint64_t unit;
    double value;
    double weight;
  };
  std::vector<Value> values_;
  WeightedMean mean_;
};

}  // namespace

Result<OffPolicyReport> EvaluateOffPolicy(std::span<const LoggedDecision> log,
                                          const TargetPolicy& target,
                                          const OffPolicyOptions& options) {
  PODIUM_TRY(CheckTarget(target));
  OffPolicyReport report;
  std::vector<LoggedDecision> used;
  for (const LoggedDecision& decision : log) {
    PODIUM_TRY(CheckDecision(decision, target));
    if (decision.propensity > 0) {
      used.push_back(decision);
    } else {
      ++report.without_propensity;
    }
  }
  if (used.empty()) {
    return Fail(ErrorCode::kUnprocessable, "no decision of the log has a propensity");
  }
  PODIUM_TRY(CheckSupport(used, target));

  const RewardModel model(used, target);
  ClusteredMean ips;
  ClusteredMean snips;
  ClusteredMean robust;
  ClusteredMean logged;
  WeightedMean direct;
  std::map<std::uint64_t, bool> units;
  double sum = 0;
  double squares = 0;
  for (const LoggedDecision& decision : used) {
    const std::vector<double>& probabilities = target[decision.stratum];
    const double weight = probabilities[decision.arm] / decision.propensity;
    const double thinned = 1 / decision.keep;
    const bool clips = options.clip > 0 && weight > options.clip;
    report.clipped += clips ? 1 : 0;
    report.max_weight = std::max(report.max_weight, weight);
    sum += thinned * weight;
    squares += thinned * weight * thinned * weight;
    double expected = 0;
    for (std::size_t arm = 0; arm < probabilities.size(); ++arm) {
      if (probabilities[arm] > 0) expected += probabilities[arm] * model.Expect(decision, arm);
    }
    ips.Add(decision.unit, weight * decision.reward, thinned);
    snips.Add(decision.unit, decision.reward, thinned * (clips ? options.clip : weight));
    const double correction = weight * (decision.reward - model.Expect(decision, decision.arm));
    robust.Add(decision.unit, expected + correction, thinned);
    direct.Add(expected, thinned);
    logged.Add(decision.unit, decision.reward, thinned);
    units[decision.unit] = true;
  }
  report.n = static_cast<std::int64_t>(used.size());
  report.units = static_cast<std::int64_t>(units.size());
  report.ess = squares > 0 ? sum * sum / squares : 0;
  if (report.ess < options.least_ess) {
    return Fail(ErrorCode::kUnprocessable,
                "the log speaks for the target policy with an effective sample of {:.1f} decisions "
                "(of {}): below {:g} its answer would be noise",
                report.ess, report.n, options.least_ess);
  }
  report.ips = ips.Get();
  report.snips = snips.Get();
  report.doubly_robust = robust.Get();
  report.logged = logged.Get();
  report.direct = direct.sum / direct.weight;
  return report;
}

}  // namespace podium::control
