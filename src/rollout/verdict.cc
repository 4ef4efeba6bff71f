#include "rollout/verdict.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "rollout/absolute_rate.h"
#include "rollout/log_space.h"
#include "rollout/power.h"
#include "rollout/sample_ratio.h"
#include "rollout/verdict_text.h"

namespace podium::rollout {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// What the present attempt may spend.
struct Budget {
  double rollback = 0;
  double promote = 0;
};

LabelCounts LabelsOf(const StepUnits& units, const StepEvents& events) {
  return {.label_probability = units.label_probability,
          .null_ratio = events.null_ratio,
          .canary = events.canary_events,
          .all = events.events};
}

std::vector<LabelCounts> AllLabels(const Evidence& evidence, const Series& series) {
  std::vector<LabelCounts> labels;
  for (std::size_t i = 0; i < series.steps.size(); ++i) {
    labels.push_back(LabelsOf(evidence.steps[i], series.steps[i]));
  }
  return labels;
}

// The units of a step that a series' events are held against. Each report stands for a unit, also
// for one that is not counted yet; what checks the split itself is the counted ones alone.
StepUnits UnitsUnder(const Evidence& evidence, const Series& series, std::size_t step) {
  StepUnits units = evidence.steps[step];
  if (!series.reported) return units;
  const StepEvents& events = series.steps[step];
  const std::uint64_t primary =
      std::max(units.units - units.canary_units, events.events - events.canary_events);
  units.canary_units = std::max(units.canary_units, events.canary_events);
  units.units = units.canary_units + primary;
  return units;
}

bool Informative(const StepUnits& step) {
  return step.label_probability > 0 && step.label_probability < 1;
}

// The weight of one series among all: the metric's, shared by its series.
double SeriesWeight(const Evidence& evidence, const Metric& metric) {
  double sum = 0;
  for (const Metric& each : evidence.metrics) sum += each.weight;
  return metric.weight / sum / static_cast<double>(metric.series.size());
}

// Sample ratio. First sights of requests multiply over steps; keys re-enter with each epoch, so
// that their epochs stand alone and share alpha.
double SampleRatio(const Evidence& evidence) {
  const bool sticky = evidence.unit == RolloutUnit::kSticky;
  double log_e = sticky ? -kInfinity : 0;
  for (std::size_t i = 0; i < evidence.steps.size(); ++i) {
    const StepUnits& step = evidence.steps[i];
    const double one = LogSampleRatioE(step.label_probability, step.canary_units, step.units);
    if (!sticky) {
      log_e += one;
      continue;
    }
    const double weight = EpochWeight(static_cast<int>(i) + 1, evidence.declared_steps);
    log_e = std::max(log_e, one + std::log(weight));
  }
  return log_e;
}

// Where nobody has counted units the sentence says so.
void AddRates(const Evidence& evidence, const Series& series, Finding& finding) {
  const StepEvents& events = series.steps[finding.step];
  const StepUnits& counted = evidence.steps[finding.step];
  const StepUnits units = counted.units == 0 ? counted : UnitsUnder(evidence, series, finding.step);
  finding.canary = Describe(events.canary_events, units.canary_units);
  finding.primary =
      Describe(events.events - events.canary_events, units.units - units.canary_units);
}

// `present`: the alarm that the present step or epoch may still give.
void AddPower(const Evidence& evidence, const Series& series, const Finding& present,
              Finding& finding) {
  if (!evidence.units_left) return;
  const StepUnits units = UnitsUnder(evidence, series, evidence.steps.size() - 1);
  const StepEvents& events = series.steps.back();
  const Outlook outlook{.hit = events.events,
                        .active_hit = events.events - events.canary_events,
                        .active_units = units.units - units.canary_units,
                        .units_left = *evidence.units_left,
                        .rate_before = series.rate_before};
  const double rho = units.label_probability;
  finding.attainable = Attainable(outlook);
  finding.ratio_of_interest = RatioOfInterest(events.null_ratio);
  finding.needed =
      EventsNeeded(present.alarm_needs, rho, finding.ratio_of_interest, events.null_ratio);
  finding.no_power =
      OutOfReach(present.log_e_alarm, present.alarm_needs, outlook, rho, events.null_ratio) &&
      OutOfReach(finding.log_e_promote, finding.promote_needs, outlook, rho);
}

// The candidate alone, in all steps.
AbsoluteCounts CandidateAgainst(double limit, const Evidence& evidence, const Series& series) {
  AbsoluteCounts counts{.limit = limit};
  for (std::size_t i = 0; i < series.steps.size(); ++i) {
    counts.bad += series.steps[i].canary_events;
    counts.units += UnitsUnder(evidence, series, i).canary_units;
  }
  return counts;
}

// The unit is the request: steps multiply. Where a rate is harmless by itself, harm is "the ratio
// is above r0 and the rate above the harmless one", and the lesser of two e-processes is one
// against its opposite.
Finding JudgeRequests(const Evidence& evidence, const Metric& metric, const Series& series,
                      const Budget& budget) {
  const std::vector<LabelCounts> labels = AllLabels(evidence, series);
  Finding finding;
  finding.step = labels.size() - 1;
  finding.log_e_alarm = LogRegressionE(
      labels, {.count = static_cast<std::size_t>(evidence.declared_steps)}, series.grid);
  finding.alarm_needs = LogThreshold(budget.rollback, SeriesWeight(evidence, metric));
  if (series.harmless_rate) {
    const double above = LogAboveE(CandidateAgainst(*series.harmless_rate, evidence, series));
    finding.log_e_alarm = std::min(finding.log_e_alarm, above);
  }
  std::optional<AbsoluteCounts> absolute;
  if (series.absolute_limit) absolute = CandidateAgainst(*series.absolute_limit, evidence, series);
  finding.log_e_promote = LogPromotionE(labels, evidence.margin, absolute);
  finding.promote_needs = LogThreshold(budget.promote);
  finding.ratio = RatioConfidence(labels, finding.alarm_needs, finding.promote_needs, series.grid);
  return finding;
}

// R1 and R2 of one epoch; an epoch without a split says nothing.
Finding AlarmOfEpoch(const Evidence& evidence, const Metric& metric, const Series& series,
                     std::size_t i, const Budget& budget) {
  Finding finding;
  finding.step = i;
  const double weight = EpochWeight(static_cast<int>(i) + 1, evidence.declared_steps);
  finding.alarm_needs = LogThreshold(budget.rollback, SeriesWeight(evidence, metric) * weight / 2);
  if (!Informative(evidence.steps[i])) return finding;
  const StepEvents& events = series.steps[i];
  const LabelCounts labels = LabelsOf(evidence.steps[i], events);
  finding.log_e_first = LogFirstEventE(labels);
  finding.log_e_score = LogScoreE(events.closed, labels.label_probability, events.null_ratio);
  finding.log_e_alarm = std::max(finding.log_e_first, finding.log_e_score);
  return finding;
}

// The epoch nearest to an alarm, by what it lacks of its own threshold. Where none says anything,
// the present one, at ln E = 0.
Finding AlarmOfEpochs(const Evidence& evidence, const Metric& metric, const Series& series,
                      const Budget& budget) {
  Finding nearest = AlarmOfEpoch(evidence, metric, series, evidence.steps.size() - 1, budget);
  double lacks = kInfinity;
  for (std::size_t i = 0; i < evidence.steps.size(); ++i) {
    if (!Informative(evidence.steps[i])) continue;
    Finding epoch = AlarmOfEpoch(evidence, metric, series, i, budget);
    if (epoch.alarm_needs - epoch.log_e_alarm > lacks) continue;
    lacks = epoch.alarm_needs - epoch.log_e_alarm;
    nearest = std::move(epoch);
  }
  return nearest;
}

// (P): first events among the judged requests of the present epoch, at the margin that answers for
// requests; with the absolute companion counted in keys.
void PromotionOfEpoch(const Evidence& evidence, const Series& series, const Budget& budget,
                      Finding& finding) {
  const StepEvents& events = series.steps.back();
  const double margin = StickyMargin(evidence.margin, events.judged.repeat_share);
  const LabelCounts early[] = {{.label_probability = evidence.steps.back().label_probability,
                                .canary = events.canary_early,
                                .all = events.early}};
  std::optional<AbsoluteCounts> absolute;
  if (series.absolute_limit) {
    absolute = AbsoluteCounts{
        .limit = *series.absolute_limit, .bad = events.canary_early, .units = events.canary_judged};
  }
  finding.log_e_promote = margin > 1 ? LogPromotionE(early, margin, absolute) : 0;
  finding.promote_needs =
      margin > 1 ? LogThreshold(budget.promote,
                                EpochWeight(evidence.epoch_of_step, evidence.epochs_in_step))
                 : kInfinity;
}

// Keys are sticky: every epoch stands alone.
Finding JudgeKeys(const Evidence& evidence, const Metric& metric, const Series& series,
                  const Budget& budget) {
  Finding finding = AlarmOfEpochs(evidence, metric, series, budget);
  PromotionOfEpoch(evidence, series, budget, finding);
  const LabelCounts labels[] = {LabelsOf(evidence.steps[finding.step], series.steps[finding.step])};
  finding.ratio = RatioConfidence(labels, finding.alarm_needs, finding.promote_needs);
  return finding;
}

std::string NameOfSeries(const Metric& metric, const Series& series) {
  if (metric.series.size() == 1 || series.name.empty()) return metric.name;
  return metric.name + " " + series.name;
}

// Request units: E_all = sum w_m E_m, with the mean of a metric's series as E_m.
double Combined(const Evidence& evidence, const std::vector<Finding>& findings) {
  std::vector<double> terms;
  std::size_t at = 0;
  for (const Metric& metric : evidence.metrics) {
    const double weight = SeriesWeight(evidence, metric);
    for (std::size_t i = 0; i < metric.series.size(); ++i) {
      terms.push_back(std::log(weight) + findings[at++].log_e_alarm);
    }
  }
  return terms.empty() ? 0 : LogSumExp(terms);
}

void AddRollback(const Evidence& evidence, const Budget& budget, Verdict& verdict) {
  if (evidence.unit == RolloutUnit::kRequest) {
    const double now = Combined(evidence, verdict.findings);
    verdict.log_e_rollback = std::max(now, evidence.log_e_peak);
    verdict.rollback_needs = LogThreshold(budget.rollback);
    return;
  }
  double lacks = kInfinity;
  for (const Finding& finding : verdict.findings) {
    if (finding.alarm_needs - finding.log_e_alarm >= lacks) continue;
    lacks = finding.alarm_needs - finding.log_e_alarm;
    verdict.log_e_rollback = finding.log_e_alarm;
    verdict.rollback_needs = finding.alarm_needs;
  }
}

// Blame: w_m E_m >= 1/alpha, familywise. A metric's series share its weight, so their sum is
// judged.
void AddBlame(const Evidence& evidence, const Budget& budget, Verdict& verdict) {
  std::size_t at = 0;
  for (const Metric& metric : evidence.metrics) {
    std::vector<double> terms;
    bool alone = false;
    for (std::size_t i = 0; i < metric.series.size(); ++i, ++at) {
      const Finding& finding = verdict.findings[at];
      terms.push_back(finding.log_e_alarm + std::log(SeriesWeight(evidence, metric)));
      alone = alone || finding.log_e_alarm >= finding.alarm_needs;
    }
    const bool together =
        evidence.unit == RolloutUnit::kRequest && LogSumExp(terms) >= LogThreshold(budget.rollback);
    if (alone || together) verdict.blamed.push_back(metric.name);
  }
}

Decision Decide(const Verdict& verdict) {
  if (verdict.log_e_sample_ratio >= verdict.sample_ratio_needs) return Decision::kFreeze;
  if (verdict.findings.empty()) return Decision::kHold;  // No data is hold.
  if (verdict.log_e_rollback >= verdict.rollback_needs) return Decision::kRollBack;
  bool guarded = false;
  bool passed = true;
  bool powerless = false;
  for (const Finding& finding : verdict.findings) {
    powerless = powerless || finding.no_power;
    if (!finding.guards_promotion) continue;
    guarded = true;
    passed = passed && finding.log_e_promote >= finding.promote_needs;
  }
  if (guarded && passed) return Decision::kStepUp;
  return powerless ? Decision::kNoPowerLeft : Decision::kHold;
}

PairedFinding JudgePairs(const PairedMetric& pairs, const Budget& budget) {
  PairedFinding finding;
  finding.name = pairs.name;
  finding.log_e_worse = LogPairedRegressionE(pairs.counts);
  finding.log_e_not_worse = LogPairedNonInferiorityE(pairs.counts, pairs.margin);
  const LabelCounts labels[] = {
      {.label_probability = 0.5,
       .canary = pairs.counts.challenger_worse,
       .all = pairs.counts.challenger_worse + pairs.counts.champion_worse}};
  finding.ratio =
      RatioConfidence(labels, LogThreshold(budget.rollback), LogThreshold(budget.promote));
  finding.sentence =
      SentenceOf(finding, pairs, LogThreshold(budget.rollback), LogThreshold(budget.promote));
  return finding;
}

void AddFindings(const Evidence& evidence, const Budget& budget, Verdict& verdict) {
  const bool sticky = evidence.unit == RolloutUnit::kSticky;
  for (const Metric& metric : evidence.metrics) {
    for (const Series& series : metric.series) {
      Finding finding = sticky ? JudgeKeys(evidence, metric, series, budget)
                               : JudgeRequests(evidence, metric, series, budget);
      finding.name = NameOfSeries(metric, series);
      finding.guards_promotion = metric.guards_promotion;
      AddRates(evidence, series, finding);
      // An alarm of an epoch that is over does not give the present one more power.
      AddPower(evidence, series,
               sticky ? AlarmOfEpoch(evidence, metric, series, evidence.steps.size() - 1, budget)
                      : finding,
               finding);
      finding.sentence = SentenceOf(finding, verdict, evidence);
      verdict.findings.push_back(std::move(finding));
    }
  }
}

}  // namespace

DescriptiveRate Describe(std::uint64_t bad, std::uint64_t units) {
  DescriptiveRate arm{.bad = bad, .units = units};
  if (units == 0 || bad > units) return arm;
  constexpr double kZ = 1.959963984540054;  // Of the normal distribution, at 97.5 %.
  const auto n = static_cast<double>(units);
  arm.rate = static_cast<double>(bad) / n;
  const double scale = 1 + kZ * kZ / n;
  const double centre = (arm.rate + kZ * kZ / (2 * n)) / scale;
  const double radius =
      kZ / scale * std::sqrt(arm.rate * (1 - arm.rate) / n + kZ * kZ / (4 * n * n));
  arm.low = std::max(centre - radius, 0.0);
  arm.high = std::min(centre + radius, 1.0);
  return arm;
}

Result<Verdict> Judge(const Evidence& evidence) {
  PODIUM_TRY(Check(evidence));
  const Budget budget{.rollback = AttemptAlpha(evidence.alpha_rollback, evidence.attempt),
                      .promote = AttemptAlpha(evidence.alpha_promote, evidence.attempt)};
  Verdict verdict;
  verdict.confidence = 1 - budget.rollback - budget.promote;
  verdict.log_e_sample_ratio = SampleRatio(evidence);
  verdict.sample_ratio_needs = LogThreshold(kSampleRatioAlpha);
  AddFindings(evidence, budget, verdict);
  AddRollback(evidence, budget, verdict);
  AddBlame(evidence, budget, verdict);
  for (const PairedMetric& pairs : evidence.paired) {
    verdict.paired.push_back(JudgePairs(pairs, budget));
  }
  verdict.decision = Decide(verdict);
  verdict.sentence = SentenceOf(verdict, evidence);
  return verdict;
}

double MarginFor(BasisPoints next_share, Profile profile) {
  if (next_share.value() <= 500) return 3;
  if (next_share.value() <= 2'500) return 2;
  return profile == Profile::kStrict ? 1.25 : 1.5;
}

}  // namespace podium::rollout
