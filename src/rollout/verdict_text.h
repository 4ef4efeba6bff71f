// Verdicts as sentences with numbers: for the API, the command line, events and the audit. Pure.
#pragma once

#include <string>

#include "rollout/evidence.h"
#include "rollout/verdict.h"

namespace podium::rollout {

/// Why this decision: the ratio with its confidence sequence, and ln E beside what it needs.
std::string SentenceOf(const Verdict& verdict, const Evidence& evidence);

/// The same of one series, without a decision: "error rate: ratio 2.31 (...); ln E ..."
std::string SentenceOf(const Finding& finding, const Verdict& verdict, const Evidence& evidence);

/// What the pairs say; the thresholds are those of "worse" and of "not worse".
std::string SentenceOf(const PairedFinding& finding, const PairedMetric& pairs, double worse_needs,
                       double not_worse_needs);

/// "1.42 to 3.90", "above 1.42", "below 3.90", or "nothing excluded yet".
std::string IntervalText(const RatioInterval& ratio);

/// "35 of 1000 (3.50 %, descriptive 2.53 to 4.83 %)".
std::string RateText(const DescriptiveRate& arm);

}  // namespace podium::rollout
