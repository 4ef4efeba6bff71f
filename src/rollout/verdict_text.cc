#include "rollout/verdict_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace podium::rollout {
namespace {

std::string CandidateOf(const Evidence& evidence) {
  return evidence.candidate.empty() ? "the candidate" : evidence.candidate;
}

std::string RatioText(double ratio) {
  return std::isinf(ratio) ? "infinitely many" : fmt::format("{:.2f}", ratio);
}

std::string EvidenceText(const char* what, double log_e, double needs) {
  if (std::isinf(needs)) return fmt::format("{} is not possible in this epoch", what);
  return fmt::format("ln E {:.2f} of {:.2f} for {}", log_e, needs, what);
}

// "error rate: ratio 2.31 (93.9 % confidence sequence 1.42 to 3.90)"
std::string RatioOf(const Finding& finding, const Verdict& verdict, const Evidence& evidence) {
  const bool sticky = evidence.unit == RolloutUnit::kSticky;
  return fmt::format("{}: ratio {}{} ({:.1f} % confidence sequence {})", finding.name,
                     RatioText(finding.ratio.estimate), sticky ? " of affected keys" : "",
                     100 * verdict.confidence, IntervalText(finding.ratio));
}

std::string RatesOf(const Finding& finding) {
  return fmt::format("candidate {}, primary {}", RateText(finding.canary),
                     RateText(finding.primary));
}

const Finding& NearestAlarm(const Verdict& verdict) {
  return *std::max_element(verdict.findings.begin(), verdict.findings.end(),
                           [](const Finding& a, const Finding& b) {
                             return a.log_e_alarm - a.alarm_needs < b.log_e_alarm - b.alarm_needs;
                           });
}

std::string RollBackText(const Verdict& verdict, const Evidence& evidence) {
  const Finding& worst = NearestAlarm(verdict);
  std::string text = fmt::format(
      "Roll back {}: it is worse than the primary. {}; {}; {}", CandidateOf(evidence),
      RatioOf(worst, verdict, evidence),
      EvidenceText("rollback", verdict.log_e_rollback, verdict.rollback_needs), RatesOf(worst));
  if (verdict.blamed.empty()) return text + ". The metrics prove it together, none alone.";
  return fmt::format("{}. Proven by: {}.", text, fmt::join(verdict.blamed, ", "));
}

std::string StepUpText(const Verdict& verdict, const Evidence& evidence) {
  std::string text =
      fmt::format("Step up to {} %: {} is not worse by the margin {:.2f}.",
                  FormatPercent(evidence.next_share), CandidateOf(evidence), evidence.margin);
  for (const Finding& finding : verdict.findings) {
    if (!finding.guards_promotion) continue;
    text += fmt::format(" {}; {}.", RatioOf(finding, verdict, evidence),
                        EvidenceText("promotion", finding.log_e_promote, finding.promote_needs));
  }
  return text;
}

std::string HoldText(const Verdict& verdict, const Evidence& evidence) {
  if (verdict.findings.empty()) return "Hold: nothing is measured, so nothing can be proven.";
  std::string text = fmt::format("Hold {}: nothing is proven yet.", CandidateOf(evidence));
  for (const Finding& finding : verdict.findings) {
    text += ' ' + SentenceOf(finding, verdict, evidence);
  }
  return text;
}

std::string NoPowerText(const Verdict& verdict, const Evidence& evidence) {
  const bool sticky = evidence.unit == RolloutUnit::kSticky;
  std::string text = "No power left: ";
  for (const Finding& finding : verdict.findings) {
    if (!finding.no_power) continue;
    const StepUnits& step = evidence.steps.back();
    text += fmt::format(
        "{}, {}, {} % step: {:.0f} {} can still show a failure, a ratio of {:.3g} needs about "
        "{:.0f}. ",
        CandidateOf(evidence), finding.name, FormatPercent(step.share), finding.attainable,
        sticky ? "keys" : "requests", finding.ratio_of_interest, finding.needed);
  }
  return text + (sticky ? "The guard cannot judge this step. Use unit=request, paired shadow "
                          "traffic, or a larger share. The alarm stays armed."
                        : "The guard cannot judge this step. Use paired shadow traffic, a longer "
                          "step, or a larger share. The alarm stays armed.");
}

std::string FreezeText(const Verdict& verdict, const Evidence& evidence) {
  const StepUnits& step = evidence.steps.back();
  return fmt::format(
      "Frozen: the split is not the one asked for (ln E {:.2f} of {:.2f}; the present step has {} "
      "of "
      "{} units on {} at {} %). Nothing is decided automatically: find what moves or drops units, "
      "then start again under a new salt.",
      verdict.log_e_sample_ratio, verdict.sample_ratio_needs, step.canary_units, step.units,
      CandidateOf(evidence), FormatPercent(step.share));
}

}  // namespace

std::string IntervalText(const RatioInterval& ratio) {
  const bool below = ratio.lower > 0;
  const bool above = std::isfinite(ratio.upper);
  if (below && above) return fmt::format("{:.2f} to {:.2f}", ratio.lower, ratio.upper);
  if (below) return fmt::format("above {:.2f}", ratio.lower);
  if (above) return fmt::format("below {:.2f}", ratio.upper);
  return "nothing excluded yet";
}

std::string RateText(const DescriptiveRate& arm) {
  if (arm.units == 0) return fmt::format("{} (units not counted)", arm.bad);
  return fmt::format("{} of {} ({:.2f} %, descriptive {:.2f} to {:.2f} %)", arm.bad, arm.units,
                     100 * arm.rate, 100 * arm.low, 100 * arm.high);
}

std::string SentenceOf(const Verdict& verdict, const Evidence& evidence) {
  switch (verdict.decision) {
    case Decision::kHold:
      return HoldText(verdict, evidence);
    case Decision::kNoPowerLeft:
      return NoPowerText(verdict, evidence);
    case Decision::kStepUp:
      return StepUpText(verdict, evidence);
    case Decision::kRollBack:
      return RollBackText(verdict, evidence);
    case Decision::kFreeze:
      return FreezeText(verdict, evidence);
  }
  return "";
}

std::string SentenceOf(const Finding& finding, const Verdict& verdict, const Evidence& evidence) {
  return fmt::format("{}; {}; {}; {}.", RatioOf(finding, verdict, evidence),
                     EvidenceText("rollback", finding.log_e_alarm, finding.alarm_needs),
                     EvidenceText("promotion", finding.log_e_promote, finding.promote_needs),
                     RatesOf(finding));
}

std::string SentenceOf(const PairedFinding& finding, const PairedMetric& pairs, double worse_needs,
                       double not_worse_needs) {
  const std::string ratio = fmt::format(
      "the challenger is worse in {} pairs, the champion in {} ({} ties); ratio {} "
      "(confidence sequence {})",
      pairs.counts.challenger_worse, pairs.counts.champion_worse, pairs.counts.ties,
      RatioText(finding.ratio.estimate), IntervalText(finding.ratio));
  if (finding.log_e_worse >= worse_needs) {
    return fmt::format("{}: worse. {}; {}.", pairs.name, ratio,
                       EvidenceText("worse", finding.log_e_worse, worse_needs));
  }
  if (finding.log_e_not_worse >= not_worse_needs) {
    return fmt::format("{}: not worse by the margin {:.2f}. {}; {}.", pairs.name, pairs.margin,
                       ratio, EvidenceText("not worse", finding.log_e_not_worse, not_worse_needs));
  }
  return fmt::format("{}: open. {}; {}; {}.", pairs.name, ratio,
                     EvidenceText("worse", finding.log_e_worse, worse_needs),
                     EvidenceText("not worse", finding.log_e_not_worse, not_worse_needs));
}

std::string_view NameOf(Decision decision) {
  switch (decision) {
    case Decision::kHold:
      return "hold";
    case Decision::kNoPowerLeft:
      return "no_power_left";
    case Decision::kStepUp:
      return "step_up";
    case Decision::kRollBack:
      return "roll_back";
    case Decision::kFreeze:
      return "freeze";
  }
  return "";
}

}  // namespace podium::rollout
