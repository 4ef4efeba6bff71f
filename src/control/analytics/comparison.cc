#include "control/analytics/comparison.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace podium::control {
namespace {

constexpr double kMicrosPerMilli = 1000.0;

bool IsWhole(double number) { return std::trunc(number) == number; }

// Right where it is equal: classes.
std::int64_t EqualOf(const std::vector<Scored>& pairs) {
  return std::ranges::count_if(pairs, [](const Scored& pair) { return pair.label == pair.score; });
}

}  // namespace

void Comparison::AddCall(const store::PredictionFact& fact, const OwnPart& own, Version& version) {
  ++version.n;
  version.least_keep = std::min(version.least_keep, fact.keep);
  if (own.outcome == PredictionOutcome::kRefused) {
    ++version.refused;
    return;
  }
  if (own.outcome != PredictionOutcome::kOk) {
    ++version.failed;
    return;
  }
  if (own.latency) {
    (own.beside ? version.beside_ms : version.latencies_ms)
        .push_back(static_cast<double>(own.latency->count()) / kMicrosPerMilli);
  }
  // What a call has cost is known of the answer that was given.
  if (fact.cost && own.was_given) {
    version.costs_usd.push_back(static_cast<double>(fact.cost->value) / kNanosPerUsd);
  }
}

void Comparison::AddFeedback(const store::PredictionFact& fact, const OwnPart& own,
                             Version& version) {
  // What an answer was worth, and what the caller was told, is about the one that was given.
  if (fact.score && own.was_given) version.feedback_scores.push_back(*fact.score);
  if (!fact.label) return;
  ++version.labelled;
  const auto row = static_cast<std::size_t>(fact.row);
  const double score = fact.prediction && own.was_given ? *fact.prediction
                       : row < own.scores.size()        ? own.scores[row]
                                                        : std::nan("");
  if (std::isfinite(score)) {
    version.scored.push_back({*fact.label, score});
  } else {
    ++version.unscored;
  }
}

void Comparison::AddSide(const store::PredictionFact& fact, const ChallengerSide& side,
                         bool is_new) {
  const bool answered = side.outcome == SideOutcome::kAnswered;
  if (!answered && side.outcome != SideOutcome::kFailed) return;
  OwnPart own{PredictionOutcome::kOk, side.latency, side.scores, fact.served == side.version,
              /*beside=*/true};
  // A side that fails on what its caller did wrong has not failed.
  if (!answered) {
    own.outcome = fact.outcome == PredictionOutcome::kRefused ? PredictionOutcome::kRefused
                                                              : PredictionOutcome::kError;
  }
  Version& version = versions_[side.version];
  if (is_new) AddCall(fact, own, version);
  if (fact.has_feedback && answered) AddFeedback(fact, own, version);
}

void Comparison::AddBoth(const store::PredictionFact& fact, bool is_new) {
  AddSide(fact, fact.challenger->champion, is_new);
  AddSide(fact, fact.challenger->challenger, is_new);
}

void Comparison::Add(const store::PredictionFact& fact) {
  const bool is_new = fact.id != last_id_;
  last_id_ = fact.id;
  ++rows_;
  predictions_ += is_new ? 1 : 0;
  if (fact.arm == "override") {
    overrides_ += is_new ? 1 : 0;
    return;
  }
  if (fact.assigned.empty()) return;
  if (fact.challenger) return AddBoth(fact, is_new);
  Version& version = versions_[fact.assigned];
  // An answer of nobody in the registry is an outside fallback's.
  const bool by_another =
      fact.served.empty() ? fact.outcome == PredictionOutcome::kOk : fact.served != fact.assigned;
  if (by_another) {
    version.not_served += is_new ? 1 : 0;
    return;
  }
  const OwnPart own{fact.outcome, fact.latency, fact.scores};
  if (is_new) AddCall(fact, own, version);
  if (fact.has_feedback && fact.outcome == PredictionOutcome::kOk) AddFeedback(fact, own, version);
}

LabelKind Comparison::KindOfLabels() const {
  bool any = false;
  bool binary = true;
  bool whole = true;
  for (const auto& [id, version] : versions_) {
    for (const Scored& pair : version.scored) {
      any = true;
      binary = binary && (pair.label == 0 || pair.label == 1) && pair.score >= 0 && pair.score <= 1;
      whole = whole && IsWhole(pair.label) && IsWhole(pair.score);
    }
  }
  if (!any) return LabelKind::kNone;
  if (binary) return LabelKind::kBinary;
  return whole ? LabelKind::kClass : LabelKind::kQuantity;
}

VersionComparison Comparison::ReportOf(const std::string& model_id, Version& version,
                                       LabelKind kind) const {
  VersionComparison report;
  report.model_id = model_id;
  report.n = version.n;
  report.not_served = version.not_served;
  report.refused = version.refused;
  report.labelled = version.labelled;
  report.unscored = version.unscored;
  report.least_keep = version.least_keep;
  report.error_rate = ShareOf(version.failed, version.n - version.refused);
  // A model's own time and that of whole calls are two things: never in one quantile.
  report.beside = !version.beside_ms.empty();
  std::vector<double>& latencies = report.beside ? version.beside_ms : version.latencies_ms;
  std::ranges::sort(latencies);
  report.latency_p50_ms = QuantileOf(latencies, 0.5);
  report.latency_p90_ms = QuantileOf(latencies, 0.9);
  report.latency_p99_ms = QuantileOf(latencies, 0.99);
  report.cost_usd = MeanOf(version.costs_usd);
  report.feedback_score = MeanOf(version.feedback_scores);
  const std::vector<Scored>& scored = version.scored;
  const auto count = static_cast<std::int64_t>(scored.size());
  if (kind == LabelKind::kBinary) {
    const Confusion found = ConfusionOf(scored, threshold_);
    report.auc = AucOf(scored);
    report.log_loss = LogLossOf(scored);
    report.accuracy = ShareOf(found.true_positives + found.true_negatives, count);
    report.precision = ShareOf(found.true_positives, found.true_positives + found.false_positives);
    report.recall = ShareOf(found.true_positives, found.true_positives + found.false_negatives);
  } else if (kind == LabelKind::kClass) {
    report.accuracy = ShareOf(EqualOf(scored), count);
  } else if (kind == LabelKind::kQuantity) {
    std::vector<double> errors;
    errors.reserve(scored.size());
    for (const Scored& pair : scored) errors.push_back(std::fabs(pair.score - pair.label));
    report.absolute_error = MeanOf(errors);
    for (double& error : errors) error *= error;
    report.squared_error = MeanOf(errors);
  }
  return report;
}

CompareReport Comparison::Report() {
  CompareReport report;
  report.threshold = threshold_;
  report.labels = KindOfLabels();
  report.overrides = overrides_;
  for (auto& [id, version] : versions_) {
    report.versions.push_back(ReportOf(id, version, report.labels));
  }
  return report;
}

Result<CompareReport> CompareVersions(store::PredictionStore& store,
                                      const CompareQuestion& question, std::int64_t most_rows) {
  Comparison comparison(question.threshold);
  store::FactQuery query{question.route, question.since, question.until, "", limits::kFactPage};
  bool complete = true;
  bool cut = false;
  do {
    PODIUM_TRY_ASSIGN(const store::FactPage page, store.ReadFacts(query));
    for (const store::PredictionFact& fact : page.facts) comparison.Add(fact);
    query.after = page.after;
    cut = cut || page.cut;
    complete = query.after.empty() ||
               (comparison.predictions() < limits::kMaxCompared && comparison.rows() < most_rows);
  } while (!query.after.empty() && complete);
  CompareReport report = comparison.Report();
  report.route = question.route;
  report.since = question.since;
  report.until = question.until;
  report.complete = complete && !cut;
  return report;
}

}  // namespace podium::control
