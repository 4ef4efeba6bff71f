#include "rollout/verdict_json.h"

#include <cmath>

#include "base/json.h"

namespace podium::rollout {
namespace {

Json NumberJson(double value) {
  if (std::isfinite(value)) return value;
  return value > 0 ? "Infinity" : "-Infinity";
}

Json RatioJson(const RatioInterval& ratio) {
  return {{"estimate", NumberJson(ratio.estimate)},
          {"lower", NumberJson(ratio.lower)},
          {"upper", NumberJson(ratio.upper)}};
}

Json RateJson(const DescriptiveRate& arm) {
  return {{"bad", arm.bad},
          {"units", arm.units},
          {"rate", arm.rate},
          {"low", arm.low},
          {"high", arm.high}};
}

Json PowerJson(const Finding& finding) {
  if (!(finding.needed > 0)) return nullptr;  // Not asked for.
  return {{"attainable", NumberJson(finding.attainable)},
          {"ratio_of_interest", finding.ratio_of_interest},
          {"needed", NumberJson(finding.needed)},
          {"no_power", finding.no_power}};
}

Json FindingJson(const Finding& finding) {
  return {{"name", finding.name},
          {"step", finding.step},
          {"log_e_alarm", NumberJson(finding.log_e_alarm)},
          {"log_e_first", NumberJson(finding.log_e_first)},
          {"log_e_score", NumberJson(finding.log_e_score)},
          {"alarm_needs", NumberJson(finding.alarm_needs)},
          {"log_e_promote", NumberJson(finding.log_e_promote)},
          {"promote_needs", NumberJson(finding.promote_needs)},
          {"guards_promotion", finding.guards_promotion},
          {"ratio", RatioJson(finding.ratio)},
          {"candidate", RateJson(finding.canary)},
          {"primary", RateJson(finding.primary)},
          {"power", PowerJson(finding)},
          {"sentence", finding.sentence}};
}

Json PairedJson(const PairedFinding& finding) {
  return {{"name", finding.name},
          {"log_e_worse", NumberJson(finding.log_e_worse)},
          {"log_e_not_worse", NumberJson(finding.log_e_not_worse)},
          {"ratio", RatioJson(finding.ratio)},
          {"sentence", finding.sentence}};
}

}  // namespace

std::string ToJson(const Verdict& verdict) {
  Json json = {{"decision", NameOf(verdict.decision)},
               {"sentence", verdict.sentence},
               {"log_e_rollback", NumberJson(verdict.log_e_rollback)},
               {"rollback_needs", NumberJson(verdict.rollback_needs)},
               {"log_e_sample_ratio", NumberJson(verdict.log_e_sample_ratio)},
               {"sample_ratio_needs", NumberJson(verdict.sample_ratio_needs)},
               {"confidence", verdict.confidence},
               {"blamed", verdict.blamed},
               {"findings", Json::array()},
               {"paired", Json::array()}};
  for (const Finding& finding : verdict.findings) json["findings"].push_back(FindingJson(finding));
  for (const PairedFinding& finding : verdict.paired) json["paired"].push_back(PairedJson(finding));
  return DumpJson(json);
}

}  // namespace podium::rollout
