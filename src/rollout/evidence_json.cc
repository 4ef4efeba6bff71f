#include <algorithm>
#include <vector>

#include "base/json_members.h"
#include "rollout/evidence.h"
#include "rollout/evidence_limits.h"

namespace podium::rollout {
namespace {

/// The fields of a form that a person has written. Keys that nobody asked for are refused.
class Fields : public JsonMembers {
 public:
  Fields(const Json& json, std::string where)
      : JsonMembers(json, std::move(where), Places::kDotted,
                    "is not a key of this form: correct or remove it") {}

  using JsonMembers::Read;
  void Read(const char* key, std::optional<double>& to) {
    if (Find(key) == nullptr) return;
    Read(key, to.emplace());
  }
  void Read(const char* key, std::uint64_t& to) {
    const Json* value = Find(key);
    if (value == nullptr) return;
    if (!value->is_number_unsigned())
      return Fault(key, "must be a count: a whole number, 0 or more");
    to = value->get<std::uint64_t>();
  }
  void Read(const char* key, int& to) {
    std::uint64_t count = static_cast<std::uint64_t>(to);
    Read(key, count);
    if (count > kMostInt) return Fault(key, "must be at most 1000000");
    to = static_cast<int>(count);
  }
  void Read(const char* key, std::uint32_t& to) {
    int count = static_cast<int>(to);
    Read(key, count);
    to = static_cast<std::uint32_t>(count);
  }
  void Read(const char* key, std::string& to) {
    const Json* value = Find(key);
    if (value == nullptr) return;
    if (!value->is_string()) return Fault(key, "must be a text");
    to = value->get<std::string>();
  }
  void Read(const char* key, BasisPoints& to) {
    double percent = to.percent();
    Read(key, percent);
    Result<BasisPoints> share = BasisPoints::FromPercent(percent);
    if (!share) return Fault(key, share.error().message);
    to = *share;
  }
  void Read(const char* key, std::array<std::uint64_t, kScoredRequests>& to) {
    const Json* value = Find(key);
    if (value == nullptr) return;
    if (!value->is_array() || value->size() != to.size()) {
      return Fault(key, "must be a list of 16 counts");
    }
    for (std::size_t i = 0; i < to.size(); ++i) {
      if (!(*value)[i].is_number_unsigned()) return Fault(key, "must be a list of 16 counts");
      to[i] = (*value)[i].get<std::uint64_t>();
    }
  }
  /// `read` fills one element from its Fields; nothing is read of a list above `most`.
  template <typename Element, typename ReadOne>
  void Read(const char* key, std::size_t most, std::vector<Element>& to, const ReadOne& read) {
    const Json* value = FindList(key, most);
    if (value == nullptr) return;
    for (std::size_t i = 0; i < value->size(); ++i) {
      Fields fields((*value)[i], Place(key, i));
      read(fields, to.emplace_back());
      Take(fields.Finish());
    }
  }
  template <typename Element, typename ReadOne>
  void ReadObject(const char* key, Element& to, const ReadOne& read) {
    const Json* value = Find(key);
    if (value == nullptr) return;
    Fields fields(*value, Place(key));
    read(fields, to);
    Take(fields.Finish());
  }
  bool HoldsObject(const char* key) {
    const Json* value = Find(key);
    return value != nullptr && value->is_object();
  }

 private:
  static constexpr std::uint64_t kMostInt = 1'000'000;
};

void ReadUnits(Fields& fields, StepUnits& step) {
  fields.Read("share_pct", step.share);
  step.label_probability = static_cast<double>(step.share.value()) / BasisPoints::kWhole;
  fields.Read("label_probability", step.label_probability);
  fields.Read("canary_units", step.canary_units);
  fields.Read("units", step.units);
}

void ReadEvents(Fields& fields, StepEvents& step) {
  fields.Read("null_ratio", step.null_ratio);
  fields.Read("canary_events", step.canary_events);
  fields.Read("events", step.events);
  fields.ReadObject("closed", step.closed, [](Fields& closed, ScoreHistogram& to) {
    closed.Read("canary", to.canary);
    closed.Read("active", to.active);
  });
  fields.ReadObject("judged", step.judged, [](Fields& judged, JudgedLimit& to) {
    judged.Read("requests", to.requests);
    judged.Read("repeat_share", to.repeat_share);
  });
  fields.Read("canary_early", step.canary_early);
  fields.Read("early", step.early);
  fields.Read("canary_judged", step.canary_judged);
}

void ReadGrid(Fields& fields, RatioGrid& grid) {
  if (fields.HoldsObject("grid")) {
    return fields.ReadObject("grid", grid, [](Fields& own, RatioGrid& to) {
      own.Read("octaves", to.octaves);
      own.Read("points", to.points);
    });
  }
  std::string name = "errors";
  fields.Read("grid", name);
  if (name == "errors" || name == "p99") {
    grid = kErrorGrid;
  } else if (name == "p90") {
    grid = kP90Grid;
  } else if (name == "p50") {
    grid = kP50Grid;
  } else {
    fields.Fault("grid", "must be errors, p50, p90, p99, or octaves and points");
  }
}

void ReadSeries(Fields& fields, Series& series) {
  fields.Read("name", series.name);
  ReadGrid(fields, series.grid);
  fields.Read("absolute_limit", series.absolute_limit);
  fields.Read("harmless_rate", series.harmless_rate);
  fields.Read("reported", series.reported);
  fields.Read("rate_before", series.rate_before);
  fields.Read("steps", limits::kMaxRolloutSteps, series.steps, ReadEvents);
}

void ReadMetric(Fields& fields, Metric& metric) {
  fields.Read("name", metric.name);
  fields.Read("weight", metric.weight);
  fields.Read("guards_promotion", metric.guards_promotion);
  fields.Read("series", limits::kMaxMetricSeries, metric.series, ReadSeries);
}

void ReadPairs(Fields& fields, PairedMetric& pairs) {
  fields.Read("name", pairs.name);
  fields.Read("challenger_worse", pairs.counts.challenger_worse);
  fields.Read("champion_worse", pairs.counts.champion_worse);
  fields.Read("ties", pairs.counts.ties);
  fields.Read("margin", pairs.margin);
}

void ReadEvidence(Fields& fields, Evidence& evidence) {
  std::string unit = "request";
  fields.Read("unit", unit);
  if (unit != "request" && unit != "sticky") fields.Fault("unit", "must be request or sticky");
  evidence.unit = unit == "sticky" ? RolloutUnit::kSticky : RolloutUnit::kRequest;
  fields.Read("candidate", evidence.candidate);
  fields.Read("alpha_rollback", evidence.alpha_rollback);
  fields.Read("alpha_promote", evidence.alpha_promote);
  fields.Read("attempt", evidence.attempt);
  fields.Read("margin", evidence.margin);
  fields.Read("next_share_pct", evidence.next_share);
  fields.Read("declared_steps", evidence.declared_steps);
  fields.Read("epoch_of_step", evidence.epoch_of_step);
  fields.Read("epochs_in_step", evidence.epochs_in_step);
  fields.Read("units_left", evidence.units_left);
  fields.Read("log_e_peak", evidence.log_e_peak);
  fields.Read("steps", limits::kMaxRolloutSteps, evidence.steps, ReadUnits);
  fields.Read("metrics", limits::kMaxRolloutMetrics, evidence.metrics, ReadMetric);
  fields.Read("paired", limits::kMaxRolloutMetrics, evidence.paired, ReadPairs);
}

}  // namespace

Result<Evidence> ParseEvidence(std::string_view json) {
  PODIUM_TRY_ASSIGN(const Json parsed, ParseJson(json));
  Fields fields(parsed, "");
  Evidence evidence;
  ReadEvidence(fields, evidence);
  PODIUM_TRY(fields.Finish());
  PODIUM_TRY(Check(evidence));
  return evidence;
}

}  // namespace podium::rollout
