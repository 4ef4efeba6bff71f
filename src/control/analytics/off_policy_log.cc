#include "control/analytics/off_policy_log.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "predictions/unit_thinner.h"

namespace podium::control {
namespace {

constexpr double kSameShare = 1e-9;
constexpr double kWholeSplit = 1e-6;

/// Calls in a row under one split.
struct SplitRun {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::map<std::size_t, double> drawn;  ///< Arm → propensity.
  double sum = 0;

  bool Takes(const DrawnCall& call) const {
    const auto found = drawn.find(call.arm);
    if (found != drawn.end()) return std::fabs(found->second - call.propensity) < kSameShare;
    return sum + call.propensity < 1 + kWholeSplit;
  }
  void Add(const DrawnCall& call) {
    if (drawn.emplace(call.arm, call.propensity).second) sum += call.propensity;
    ++end;
  }
  bool IsWhole() const { return sum > 1 - kWholeSplit; }
};

using ArmSet = std::set<std::size_t>;

ArmSet ArmsIn(const SplitRun& run) {
  ArmSet arms;
  for (const auto& [arm, propensity] : run.drawn) arms.insert(arm);
  return arms;
}

std::vector<SplitRun> RunsOf(const std::vector<DrawnCall>& calls) {
  std::vector<SplitRun> runs;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (runs.empty() || !runs.back().Takes(calls[i])) {
      runs.emplace_back();
      runs.back().begin = runs.back().end = i;
    }
    runs.back().Add(calls[i]);
  }
  return runs;
}

bool Includes(const ArmSet& all, const ArmSet& some) {
  return std::includes(all.begin(), all.end(), some.begin(), some.end());
}

/// For each run the arms that it drew from. A run that is not whole is taken to have been the
/// nearest whole one before it, else behind it, if it can have been.
std::vector<ArmSet> SetsOf(const std::vector<SplitRun>& runs) {
  std::vector<ArmSet> sets;
  sets.reserve(runs.size());
  for (const SplitRun& run : runs) sets.push_back(ArmsIn(run));
  std::vector<bool> known(runs.size(), false);
  const auto fill = [&](std::size_t at, std::optional<std::size_t>& whole) {
    if (runs[at].IsWhole()) {
      whole = at;
    } else if (!known[at] && whole && Includes(sets[*whole], sets[at])) {
      sets[at] = sets[*whole];
      known[at] = true;
    }
  };
  std::optional<std::size_t> whole;
  for (std::size_t at = 0; at < runs.size(); ++at) fill(at, whole);
  whole.reset();
  for (std::size_t at = runs.size(); at > 0; --at) fill(at - 1, whole);
  return sets;
}

/// Of the assigned version. What another one answered in its place is that one's to be praised for;
/// the failure is this one's. A challenger that was asked beside it takes nothing from it; nullopt
/// where nobody knows how it has done.
std::optional<double> SuccessOf(const store::PredictionFact& fact) {
  if (!fact.challenger) {
    return fact.outcome == PredictionOutcome::kOk && fact.served == fact.assigned ? 1 : 0;
  }
  const SideOutcome champion = fact.challenger->champion.outcome;
  if (champion == SideOutcome::kAnswered) return 1;
  return champion == SideOutcome::kFailed ? std::optional<double>(0) : std::nullopt;
}

}  // namespace

std::vector<bool> SupportOf(const std::vector<DrawnCall>& calls,
                            const std::vector<std::size_t>& wanted) {
  const std::vector<SplitRun> runs = RunsOf(calls);
  const ArmSet needed(wanted.begin(), wanted.end());
  const std::vector<ArmSet> sets = SetsOf(runs);
  std::vector<bool> supported(calls.size(), false);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (!Includes(sets[i], needed)) continue;
    for (std::size_t call = runs[i].begin; call < runs[i].end; ++call) supported[call] = true;
  }
  return supported;
}

OffPolicyLog::OffPolicyLog(const OffPolicyQuestion& question) : question_(question) {
  for (const PolicyShare& each : question_.policy) shares_[ArmOf(each.model_id)] = each.share;
}

std::size_t OffPolicyLog::ArmOf(const std::string& model_id) {
  const auto [found, is_new] = arms_.emplace(model_id, shares_.size());
  if (is_new) shares_.push_back(0);
  return found->second;
}

void OffPolicyLog::Add(const store::PredictionFact& fact) {
  if (fact.id != last_id_) {
    EndCall();
    last_id_ = fact.id;
    ++predictions_;
    Begin(fact);
  }
  AddFeedback(fact);
}

void OffPolicyLog::Begin(const store::PredictionFact& fact) {
  if (fact.assigned.empty()) return;
  if (fact.arm == "override") {
    ++left_out_.overrides;
    return;
  }
  if (fact.outcome == PredictionOutcome::kRefused) {
    ++left_out_.refused;
    return;
  }
  // Somebody who could only have got this version, such as a caller without the id that is split
  // by, says nothing of what another one would have done.
  if (fact.propensity >= 1) {
    ++left_out_.not_randomised;
    return;
  }
  if (!(fact.propensity > 0) || !(fact.keep > 0)) {
    ++left_out_.without_propensity;
    return;
  }
  DrawnCall call;
  call.arm = ArmOf(fact.assigned);
  call.propensity = fact.propensity;
  call.keep = std::min(fact.keep, 1.0);
  call.unit = predictions::ThinningHash(fact.unit.empty() ? fact.id : fact.unit);
  call.generation = fact.generation.get();
  if (question_.reward == RewardKind::kSuccess) call.reward = SuccessOf(fact);
  call_ = call;
}

void OffPolicyLog::AddFeedback(const store::PredictionFact& fact) {
  if (!call_ || question_.reward == RewardKind::kSuccess || !fact.has_feedback) return;
  if (fact.served != fact.assigned) return;
  const std::optional<double>& said =
      question_.reward == RewardKind::kScore ? fact.score : fact.label;
  if (!said || !std::isfinite(*said)) return;
  feedback_sum_ += *said;
  ++feedback_rows_;
}

void OffPolicyLog::EndCall() {
  if (call_) {
    if (feedback_rows_ > 0) call_->reward = feedback_sum_ / feedback_rows_;
    call_->place = calls_.size();
    calls_.push_back(*call_);
  }
  call_.reset();
  feedback_sum_ = 0;
  feedback_rows_ = 0;
}

std::vector<LoggedDecision> OffPolicyLog::Usable() {
  // Answers of several replicas come as they come; what was decided by one table belongs together.
  std::ranges::sort(calls_, [](const DrawnCall& a, const DrawnCall& b) {
    return std::pair(a.generation, a.place) < std::pair(b.generation, b.place);
  });
  std::vector<std::size_t> wanted;
  for (std::size_t arm = 0; arm < shares_.size(); ++arm) {
    if (shares_[arm] > 0) wanted.push_back(arm);
  }
  const std::vector<bool> supported = SupportOf(calls_, wanted);
  std::vector<LoggedDecision> usable;
  for (std::size_t i = 0; i < calls_.size(); ++i) {
    const DrawnCall& call = calls_[i];
    if (!supported[i]) {
      ++left_out_.unsupported;
    } else if (!call.reward) {
      ++left_out_.without_reward;
    } else {
      usable.push_back({call.arm, call.propensity, *call.reward, call.keep, 0, call.unit});
    }
  }
  return usable;
}

Status OffPolicyLog::CheckAnyLeft(const std::vector<LoggedDecision>& usable) const {
  const std::string& route = question_.route;
  if (predictions_ == 0) {
    return Fail(ErrorCode::kUnprocessable,
                "there are no predictions of route {} in that time: is it logged "
                "(predictions.log: true in the server's settings)?",
                route);
  }
  if (calls_.empty()) {
    return Fail(ErrorCode::kUnprocessable,
                "none of the {} predictions of route {} in that time was assigned by chance with a "
                "known propensity: without a split no log can say what another would have earned",
                predictions_, route);
  }
  for (const auto& [model_id, arm] : arms_) {
    const auto is_of = [&](const DrawnCall& call) { return call.arm == arm; };
    if (shares_[arm] <= 0 || std::ranges::any_of(calls_, is_of)) continue;
    return Fail(
        ErrorCode::kUnprocessable,
        "the policy gives {} {:.4g} % of the traffic, and chance has never drawn it in that "
        "time: no log of this kind can answer that",
        model_id, 100 * shares_[arm]);
  }
  if (usable.empty() && left_out_.without_reward == 0) {
    return Fail(ErrorCode::kUnprocessable,
                "the policy's versions were never drawn from one split: {} predictions were made "
                "while only some of them could have come",
                left_out_.unsupported);
  }
  for (const auto& [model_id, arm] : arms_) {
    const auto is_of = [&](const LoggedDecision& one) { return one.arm == arm; };
    if (shares_[arm] <= 0 || std::ranges::any_of(usable, is_of)) continue;
    return Fail(ErrorCode::kUnprocessable,
                "no prediction of {} that could have answered has a known {}: {} are without one",
                model_id,
                question_.reward == RewardKind::kSuccess ? "outcome" : NameOf(question_.reward),
                left_out_.without_reward);
  }
  return {};
}

std::vector<LoggedArm> OffPolicyLog::ArmsOf(const std::vector<LoggedDecision>& usable) const {
  std::vector<LoggedArm> by_arm(shares_.size());
  std::vector<double> weights(shares_.size(), 0);
  for (const LoggedDecision& decision : usable) {
    ++by_arm[decision.arm].n;
    by_arm[decision.arm].mean_reward += decision.reward / decision.keep;
    weights[decision.arm] += 1 / decision.keep;
  }
  std::vector<LoggedArm> arms;
  for (const auto& [model_id, arm] : arms_) {
    LoggedArm one = by_arm[arm];
    one.model_id = model_id;
    one.share = shares_[arm];
    if (one.n > 0) one.mean_reward /= weights[arm];
    arms.push_back(std::move(one));
  }
  return arms;
}

Result<OffPolicyAnswer> OffPolicyLog::Answer() {
  EndCall();
  const std::vector<LoggedDecision> usable = Usable();
  PODIUM_TRY(CheckAnyLeft(usable));
  OffPolicyOptions options;
  options.clip = question_.clip;
  OffPolicyAnswer answer;
  PODIUM_TRY_ASSIGN(answer.report, EvaluateOffPolicy(usable, {shares_}, options));
  answer.arms = ArmsOf(usable);
  answer.left_out = left_out_;
  answer.question = std::move(question_);
  return answer;
}

Result<OffPolicyAnswer> EvaluateRoute(store::PredictionStore& store,
                                      const OffPolicyQuestion& question, std::int64_t most) {
  OffPolicyLog log(question);
  store::FactQuery query{question.route, question.since, question.until, "", limits::kFactPage};
  bool cut = false;
  do {
    PODIUM_TRY_ASSIGN(const store::FactPage page, store.ReadFacts(query));
    for (const store::PredictionFact& fact : page.facts) log.Add(fact);
    query.after = page.after;
    cut = cut || page.cut;
  } while (!query.after.empty() && log.predictions() < most);
  PODIUM_TRY_ASSIGN(OffPolicyAnswer answer, log.Answer());
  answer.complete = query.after.empty() && !cut;
  return answer;
}

}  // namespace podium::control
