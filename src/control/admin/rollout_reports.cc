#include "control/admin/rollout_reports.h"

#include <utility>

#include "base/limits.h"
#include "control/admin/fields.h"

namespace podium::control {
namespace {

/// Not a replica: all who report are one, so that a unit is one however often it is told of.
constexpr std::string_view kReporters = "reports";

std::optional<double> ValueIn(Fields& fields) {
  const Json* value = fields.Value("value");
  if (value != nullptr && value->is_boolean()) return value->get<bool>() ? 1.0 : 0.0;
  const std::optional<double> number = fields.Number("value");
  if (!number) fields.Complain("value", "\"value\" is required: a number, or true or false");
  return number;
}

Result<MetricReport> ReadReport(const Json& json) {
  if (!json.is_object()) {
    return Fail(ErrorCode::kInvalidArgument, "it must be an object, not {}", json.type_name());
  }
  Fields fields(json);
  MetricReport report;
  const std::string ticket = fields.RequiredText("ticket", limits::kMaxTicketBytes);
  report.metric = fields.RequiredText("metric", limits::kMaxNameBytes);
  report.value = ValueIn(fields).value_or(0);
  PODIUM_TRY(fields.Finish());
  PODIUM_TRY_ASSIGN(report.ticket, ParseEvidenceTicket(ticket));
  return report;
}

Error InItem(std::size_t item, Error error) {
  error.message = fmt::format("item {}: {}", item + 1, error.message);
  return error;
}

std::string CustomNames(const RolloutPlan& plan) {
  std::string names;
  for (const RolloutGuard& guard : plan.guards) {
    if (guard.metric != GuardMetric::kCustom) continue;
    names += (names.empty() ? "" : ", ") + guard.name;
  }
  return names.empty() ? "it guards no custom metric" : "it guards " + names;
}

store::RolloutHit HitOf(const MetricReport& report, std::size_t series) {
  store::RolloutHit hit;
  hit.rollout = report.ticket.rollout;
  hit.epoch = report.ticket.epoch;
  hit.series = static_cast<std::uint32_t>(series);
  hit.unit = report.ticket.unit;
  hit.incarnation = kReporters;
  hit.canary = report.ticket.canary;
  hit.first_rank = report.ticket.rank;
  hit.second_rank = UINT32_MAX;
  hit.bad = 1;
  hit.seen = 1;
  return hit;
}

Result<std::size_t> SeriesFor(const Rollout& rollout, const MetricReport& report) {
  const RolloutGuard* guard = CustomGuard(rollout.plan, report.metric);
  if (guard == nullptr) {
    return Fail(ErrorCode::kInvalidArgument, "no guard of rollout {} is about \"{}\": {}",
                rollout.id.get(), report.metric, CustomNames(rollout.plan));
  }
  if (report.ticket.epoch >= rollout.epochs.size()) {
    return Fail(ErrorCode::kInvalidArgument, "rollout {} has had no part {}: the ticket is none",
                rollout.id.get(), report.ticket.epoch);
  }
  return SeriesOfGuard(rollout.plan, static_cast<std::size_t>(guard - rollout.plan.guards.data()));
}

}  // namespace

Result<std::vector<MetricReport>> ReadReports(const Json& body) {
  Fields fields(body);
  const Json* items = fields.Array("items");
  PODIUM_TRY(fields.Finish());
  if (items == nullptr || items->empty()) {
    return Fail(ErrorCode::kInvalidArgument, "\"items\" is required: one at least");
  }
  if (items->size() > limits::kMaxReports) {
    return Fail(ErrorCode::kTooLarge, "{} items: send at most {} at once", items->size(),
                limits::kMaxReports);
  }
  std::vector<MetricReport> reports;
  for (const Json& item : *items) {
    Result<MetricReport> report = ReadReport(item);
    if (!report) return Fail(InItem(reports.size(), std::move(report).error()));
    reports.push_back(std::move(*report));
  }
  return reports;
}

Result<TakenReports> TakeReports(const Rollout& rollout, const std::vector<MetricReport>& reports) {
  TakenReports taken;
  for (std::size_t i = 0; i < reports.size(); ++i) {
    const MetricReport& report = reports[i];
    if (report.ticket.rollout != rollout.id) {
      ++taken.of_others;
      continue;
    }
    Result<std::size_t> series = SeriesFor(rollout, report);
    if (!series) return Fail(InItem(i, std::move(series).error()));
    if (!CustomGuard(rollout.plan, report.metric)->IsBad(report.value)) {
      ++taken.good;
      continue;
    }
    taken.hits.push_back(HitOf(report, *series));
  }
  return taken;
}

}  // namespace podium::control
