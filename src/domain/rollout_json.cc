#include "domain/rollout_json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "base/json_members.h"
#include "base/limits.h"

namespace podium {
namespace {

using std::chrono::seconds;

constexpr double kNoThreshold = std::numeric_limits<double>::infinity();
constexpr std::array<std::string_view, 7> kDays = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
constexpr std::int64_t kMostSeconds = 1'000'000'000;  // So that no sum of them overflows.
constexpr std::size_t kMostTextBytes = 4096;

// Whole and unsigned; nullopt for anything else.
std::optional<std::int64_t> WholeOf(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && end == text.data() + text.size() && !text.empty();
  return whole && value >= 0 && value <= kMostSeconds ? std::optional(value) : std::nullopt;
}

// "30s", "10m", "24h".
std::optional<seconds> SecondsFromText(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const char unit = text.back();
  const std::int64_t factor = unit == 's' ? 1 : unit == 'm' ? 60 : unit == 'h' ? 3600 : 0;
  const std::optional<std::int64_t> count = WholeOf(text.substr(0, text.size() - 1));
  if (factor == 0 || !count || *count > kMostSeconds / factor) return std::nullopt;
  return seconds(*count * factor);
}

std::string TextOf(seconds time) {
  const std::int64_t count = time.count();
  if (count != 0 && count % 3600 == 0) return fmt::format("{}h", count / 3600);
  if (count != 0 && count % 60 == 0) return fmt::format("{}m", count / 60);
  return fmt::format("{}s", count);
}

// "09:30"; "24:00" is the end of a day.
std::optional<std::chrono::minutes> TimeOfDay(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const std::optional<std::int64_t> hour = WholeOf(text.substr(0, 2));
  const std::optional<std::int64_t> minute = WholeOf(text.substr(3));
  if (!hour || !minute || *minute > 59 || *hour * 60 + *minute > 24 * 60) return std::nullopt;
  return std::chrono::minutes(*hour * 60 + *minute);
}

std::string TextOf(std::chrono::minutes time) {
  return fmt::format("{:02}:{:02}", time.count() / 60, time.count() % 60);
}

// Numbers that a program has put into JSON are signed, those that were parsed need not be.
std::optional<std::uint64_t> CountOf(const Json& json) {
  if (json.is_number_unsigned()) return json.get<std::uint64_t>();
  if (!json.is_number_integer() || json.get<std::int64_t>() < 0) return std::nullopt;
  return static_cast<std::uint64_t>(json.get<std::int64_t>());
}

/// What becomes of members that nobody asked for: a caller has misspelt them, a row may have them
/// from a later release.
enum class Unknown : std::uint8_t { kRefused, kPassedOver };

/// The members of a plan's or a row's JSON. Places are JSON pointers.
class Members : public JsonMembers {
 public:
  Members(const Json& json, std::string where, Unknown unknown)
      : JsonMembers(json, std::move(where), Places::kPointer,
                    unknown == Unknown::kRefused ? "is not known here: correct or remove it" : ""),
        unknown_(unknown) {}

  using JsonMembers::Read;
  /// Null: none.
  void Read(const char* key, std::optional<double>& to) {
    const Json* value = Find(key);
    if (value == nullptr) return;
    if (value->is_null()) return to.reset();
    Read(key, to.emplace());
  }
  /// Null: `none`, which no number stands for.
  void Read(const char* key, double& to, double none) {
    const Json* value = Find(key);
    if (value == nullptr) return;
    if (value->is_null()) {
      to = none;
    } else {
      Read(key, to);
    }
  }
  void Read(const char* key, std::uint64_t& to) {
    const Json* value = Find(key);
    if (value == nullptr) return;
    const std::optional<std::uint64_t> count = CountOf(*value);
    if (!count) return Fault(key, "must be a whole number, 0 or more");
    to = *count;
  }
  void Read(const char* key, std::uint32_t& to) {
    std::uint64_t count = to;
    Read(key, count);
    if (count > std::numeric_limits<std::uint32_t>::max()) return Fault(key, "is too large");
    to = static_cast<std::uint32_t>(count);
  }
  void Read(const char* key, std::int64_t& to) {
    const Json* value = Find(key);
    if (value == nullptr) return;
    if (!value->is_number_integer()) return Fault(key, "must be a whole number");
    to = value->get<std::int64_t>();
  }
  void Read(const char* key, std::string& to) {
    const Json* value = Find(key);
    if (value == nullptr) return;
    if (!value->is_string() || value->get_ref<const std::string&>().size() > kMostTextBytes) {
      return Fault(key, fmt::format("must be a text of at most {} bytes", kMostTextBytes));
    }
    to = value->get<std::string>();
  }
  void Read(const char* key, BasisPoints& to) {
    const Json* value = Find(key);
    if (value == nullptr) return;
    Result<BasisPoints> share = value->is_number()
                                    ? BasisPoints::FromPercent(value->get<double>())
                                    : Result<BasisPoints>(Fail(ErrorCode::kInvalidArgument, ""));
    if (!share) return Fault(key, "must be a share in percent, 0 to 100 in steps of 0.01");
    to = *share;
  }
  void Read(const char* key, seconds& to) {
    const Json* value = Find(key);
    if (value == nullptr) return;
    std::optional<seconds> time;
    if (value->is_string()) time = SecondsFromText(value->get_ref<const std::string&>());
    if (const std::optional<std::uint64_t> count = CountOf(*value)) {
      time = seconds(std::min(*count, std::uint64_t{kMostSeconds}));
    }
    if (!time) return Fault(key, "must be a time such as \"30s\", \"10m\", \"24h\", or seconds");
    to = *time;
  }
  void Read(const char* key, std::chrono::minutes& to) {
    const Json* value = Find(key);
    if (value == nullptr) return;
    std::optional<std::chrono::minutes> time;
    if (value->is_string()) time = TimeOfDay(value->get_ref<const std::string&>());
    if (!time) return Fault(key, "must be a time of day in UTC such as \"09:00\"");
    to = *time;
  }
  void Read(const char* key, WallTime& to) {
    std::int64_t micros = MicrosOf(to);
    Read(key, micros);
    to = WallTimeOf(micros);
  }
  /// A word that `parse` knows; `words` says which those are.
  template <typename Enum, typename Parse>
  void ReadWord(const char* key, Enum& to, const Parse& parse, std::string_view words) {
    const Json* value = Find(key);
    if (value == nullptr) return;
    std::optional<Enum> known;
    if (value->is_string()) known = parse(value->get_ref<const std::string&>());
    if (!known) return Fault(key, fmt::format("must be {}", words));
    to = *known;
  }
  /// `read` fills one element from its members; nothing is read of a list above `most`.
  template <typename Element, typename ReadOne>
  void ReadList(const char* key, std::size_t most, std::vector<Element>& to, const ReadOne& read) {
    const Json* value = FindList(key, most);
    if (value == nullptr) return;
    to.clear();
    for (std::size_t i = 0; i < value->size() && good(); ++i) {
      Members members((*value)[i], Place(key, i), unknown_);
      read(members, to.emplace_back());
      Take(members.Finish());
    }
  }
  template <typename Element, typename ReadOne>
  void ReadObject(const char* key, Element& to, const ReadOne& read) {
    const Json* value = Find(key);
    if (value == nullptr) return;
    Members members(*value, Place(key), unknown_);
    read(members, to);
    Take(members.Finish());
  }
  /// As many numbers as `to` holds; null stands for infinity.
  template <typename Number, std::size_t N>
  void Read(const char* key, std::array<Number, N>& to) {
    const Json* value = Find(key);
    if (value == nullptr) return;
    bool good = value->is_array() && value->size() == N;
    for (std::size_t i = 0; good && i < N; ++i) {
      const Json& one = (*value)[i];
      if constexpr (std::is_floating_point_v<Number>) {
        good = one.is_number() || one.is_null();
        if (good) to[i] = one.is_null() ? kNoThreshold : one.get<Number>();
      } else {
        const std::optional<std::uint64_t> count = CountOf(one);
        good = count && *count <= std::numeric_limits<Number>::max();
        if (good) to[i] = static_cast<Number>(*count);
      }
    }
    if (!good) Fault(key, fmt::format("must be a list of {} numbers", N));
  }

 private:
  Unknown unknown_;
};

// ---- Plans

void ReadStep(Members& json, RolloutStep& step) {
  json.Read("share_pct", step.share);
  json.Read("bake", step.bake);
  json.Read("deadline", step.deadline);
  json.Read("gate", step.gate);
}

void ReadGuard(Members& json, RolloutGuard& guard) {
  if (!json.Has("metric")) json.Fault("metric", "is missing");
  json.ReadWord("metric", guard.metric, ParseGuardMetric,
                "error_rate, latency, first_token, cost or custom");
  json.Read("name", guard.name);
  json.Read("bad_above", guard.bad_above);
  json.Read("bad_below", guard.bad_below);
  json.Read("max_increase_pct", guard.percent);
  json.Read("max_increase_points", guard.points);
  json.Read("at_most_pct", guard.at_most);
  json.Read("weight", guard.weight);
  json.Read("guards_promotion", guard.guards_promotion);
}

void ReadDays(Members& json, std::uint8_t& days) {
  const Json* list = json.Find("days");
  if (list == nullptr) return;
  days = 0;
  bool good = list->is_array();
  for (std::size_t i = 0; good && i < list->size(); ++i) {
    const auto day = (*list)[i].is_string() ? std::find(kDays.begin(), kDays.end(),
                                                        (*list)[i].get_ref<const std::string&>())
                                            : kDays.end();
    good = day != kDays.end();
    if (good) days = static_cast<std::uint8_t>(days | 1u << (day - kDays.begin()));
  }
  if (!good) json.Fault("days", "must be a list of mon, tue, wed, thu, fri, sat and sun");
}

void ReadWindow(Members& json, RolloutWindow& window) {
  ReadDays(json, window.days);
  json.Read("from", window.from);
  json.Read("to", window.to);
}

struct ShortRamp {
  BasisPoints initial;
  BasisPoints step;
  BasisPoints most;
  seconds interval{0};
};

// min(initial + i * step, most), until that is reached.
void Compile(const ShortRamp& ramp, Members& json, RolloutPlan& plan) {
  if (ramp.initial == BasisPoints()) return json.Fault("initial_pct", "must be above 0");
  if (ramp.most < ramp.initial) return json.Fault("max_pct", "must be initial_pct at least");
  if (ramp.step == BasisPoints() && ramp.most > ramp.initial) {
    return json.Fault("step_pct", "must be above 0");
  }
  if (ramp.interval >= plan.deadline) return json.Fault("interval", "must be below the deadline");
  plan.steps.clear();
  for (std::int64_t share = ramp.initial.value(); true; share += ramp.step.value()) {
    if (plan.steps.size() == limits::kMaxPlanSteps) {
      return json.Fault("step_pct", fmt::format("makes more than {} steps of it: raise it",
                                                limits::kMaxPlanSteps));
    }
    RolloutStep step;
    step.share = *BasisPoints::From(std::min<std::int64_t>(share, ramp.most.value()));
    step.bake = ramp.interval;
    plan.steps.push_back(step);
    if (share >= ramp.most.value()) return;
  }
}

void ReadSteps(Members& json, RolloutPlan& plan) {
  const bool is_short = json.Has("initial_pct") || json.Has("step_pct") || json.Has("max_pct") ||
                        json.Has("interval");
  if (is_short && json.Has("steps")) {
    return json.Fault("steps", "cannot be beside initial_pct, step_pct, max_pct and interval");
  }
  json.ReadList("steps", limits::kMaxPlanSteps, plan.steps, ReadStep);
  ShortRamp ramp{plan.steps.empty() ? BasisPoints() : plan.steps.front().share, BasisPoints(),
                 plan.steps.empty() ? BasisPoints() : plan.steps.back().share};
  json.Read("initial_pct", ramp.initial);
  ramp.step = ramp.initial;
  json.Read("step_pct", ramp.step);
  json.Read("max_pct", ramp.most);
  json.Read("interval", ramp.interval);
  if (is_short) Compile(ramp, json, plan);
}

void ReadAlpha(Members& json, RolloutPlan& plan) {
  if (json.Has("alpha") && json.Has("profile")) {
    return json.Fault("profile", "cannot be beside alpha, which it stands for");
  }
  json.ReadWord(
      "profile", plan.alpha,
      [](std::string_view name) {
        return name == "standard" ? std::optional(0.05)
               : name == "strict" ? std::optional(0.01)
                                  : std::nullopt;
      },
      "standard or strict");
  json.Read("alpha", plan.alpha);
}

void ReadPlan(Members& json, RolloutPlan& plan) {
  json.ReadWord("rule", plan.rule, ParseRolloutRule, "sequential, threshold or thompson");
  json.ReadWord("unit", plan.unit, ParseSplitUnit, "route, request, session or user");
  json.Read("deadline", plan.deadline);
  ReadSteps(json, plan);
  json.ReadList("guards", kGuardMetrics - 1 + kCustomMetrics, plan.guards, ReadGuard);
  json.ReadList("windows", limits::kMaxPlanWindows, plan.windows, ReadWindow);
  ReadAlpha(json, plan);
  json.Read("margin", plan.margin);
  json.ReadWord("on_deadline", plan.on_overdue, ParseOnOverdue, "hold or rollback");
  json.Read("promote_at_end", plan.promote_at_end);
  json.Read("success_threshold", plan.success_threshold);
  json.Read("exploration", plan.exploration);
  json.Read("discount", plan.discount);
}

Json StepJson(const RolloutStep& step) {
  Json json = {{"share_pct", step.share.percent()}, {"bake", TextOf(step.bake)}};
  if (step.deadline.count() != 0) json["deadline"] = TextOf(step.deadline);
  json["gate"] = step.gate;
  return json;
}

Json GuardJson(const RolloutGuard& guard) {
  Json json = {{"metric", NameOf(guard.metric)}};
  if (!guard.name.empty()) json["name"] = guard.name;
  if (guard.bad_above) json["bad_above"] = *guard.bad_above;
  if (guard.bad_below) json["bad_below"] = *guard.bad_below;
  if (guard.percent) json["max_increase_pct"] = *guard.percent;
  if (guard.points) json["max_increase_points"] = *guard.points;
  if (guard.at_most) json["at_most_pct"] = *guard.at_most;
  json["weight"] = guard.weight;
  json["guards_promotion"] = guard.guards_promotion;
  return json;
}

Json WindowJson(const RolloutWindow& window) {
  Json days = Json::array();
  for (std::size_t i = 0; i < kDays.size(); ++i) {
    if ((window.days >> i & 1u) != 0) days.push_back(kDays[i]);
  }
  Json json = Json::object();
  json["days"] = std::move(days);
  json["from"] = TextOf(window.from);
  json["to"] = TextOf(window.to);
  return json;
}

template <typename Element, typename Write>
Json ListJson(const std::vector<Element>& list, const Write& write) {
  Json json = Json::array();
  for (const Element& element : list) json.push_back(write(element));
  return json;
}

// ---- Rows. Infinity is null: JSON has no word for it.

Json NumberOrNull(double number) { return std::isfinite(number) ? Json(number) : Json(); }

template <std::size_t N>
Json NumbersJson(const std::array<double, N>& numbers) {
  Json json = Json::array();
  for (const double number : numbers) json.push_back(NumberOrNull(number));
  return json;
}

Json ThresholdsJson(const FrozenThresholds& thresholds) {
  Json json = Json::object();
  json["latency_ms"] = NumbersJson(thresholds.latency_ms);
  json["first_token_ms"] = NumbersJson(thresholds.first_token_ms);
  json["cost_nano_usd"] = NumbersJson(thresholds.cost_nano_usd);
  return json;
}

void ReadThresholds(Members& json, FrozenThresholds& thresholds) {
  json.Read("latency_ms", thresholds.latency_ms);
  json.Read("first_token_ms", thresholds.first_token_ms);
  json.Read("cost_nano_usd", thresholds.cost_nano_usd);
}

Json EpochJson(const RolloutEpoch& epoch) {
  Json json = Json::object();
  json["step"] = epoch.step;
  json["of_step"] = epoch.of_step;
  json["in_step"] = epoch.in_step;
  json["share_pct"] = epoch.share.percent();
  json["began_at"] = MicrosOf(epoch.began_at);
  json["thresholds"] = ThresholdsJson(epoch.thresholds);
  json["bad_before"] = epoch.bad_before;
  json["units_before"] = epoch.units_before;
  json["judged_requests"] = epoch.judged_requests;
  json["repeat_share"] = epoch.repeat_share;
  return json;
}

void ReadEpoch(Members& json, RolloutEpoch& epoch) {
  json.Read("step", epoch.step);
  json.Read("of_step", epoch.of_step);
  json.Read("in_step", epoch.in_step);
  json.Read("share_pct", epoch.share);
  json.Read("began_at", epoch.began_at);
  json.ReadObject("thresholds", epoch.thresholds, ReadThresholds);
  json.Read("bad_before", epoch.bad_before);
  json.Read("units_before", epoch.units_before);
  json.Read("judged_requests", epoch.judged_requests);
  json.Read("repeat_share", epoch.repeat_share);
}

template <typename Id>
void ReadId(Members& json, const char* key, Id& to) {
  std::string text;
  json.Read(key, text);
  if (text.empty()) json.Fault(key, "is missing");
  to = Id(std::move(text));
}

void ReadRow(Members& json, Rollout& rollout) {
  ReadId(json, "id", rollout.id);
  ReadId(json, "route", rollout.route);
  ReadId(json, "candidate", rollout.candidate);
  ReadId(json, "primary", rollout.primary);
  std::uint32_t attempt = 1;
  json.Read("attempt", attempt);
  rollout.attempt = static_cast<int>(std::min(attempt, 1'000'000'000u));
  json.ReadObject("plan", rollout.plan, ReadPlan);
  json.ReadWord("phase", rollout.phase, ParseRolloutPhase,
                "running, paused, promoted, rolled_back or aborted");
  json.Read("step", rollout.step);
  json.Read("gate_open", rollout.gate_open);
  json.Read("paged", rollout.paged);
  json.Read("log_e_peak", rollout.log_e_peak, -std::numeric_limits<double>::infinity());
  json.ReadList("epochs", limits::kMaxRolloutEpochs, rollout.epochs, ReadEpoch);
  json.Read("started_at", rollout.started_at);
  json.Read("step_entered_at", rollout.step_entered_at);
  json.Read("ended_at", rollout.ended_at);
  json.Read("started_by", rollout.started_by);
  json.Read("said", rollout.said);
  json.Read("ended_by", rollout.ended_by);
  std::int64_t revision = 0;
  json.Read("revision", revision);
  rollout.revision = Revision(revision);
}

// What is in the table was ours to write: a fault of it is not the caller's.
Failure Unreadable(std::string_view what, Error error) {
  return Fail(ErrorCode::kUnprocessable, "{}: {}", what, Describe(error));
}

template <typename T, typename Read>
Result<T> FromText(std::string_view what, std::string_view text, const Read& read) {
  Result<Json> json = ParseJson(text);
  if (!json) return Unreadable(what, std::move(json).error());
  T value;
  Members members(*json, "", Unknown::kPassedOver);
  read(members, value);
  if (Status done = members.Finish(); !done) return Unreadable(what, std::move(done).error());
  return value;
}

// Whoever reads a row goes by its numbers: it has an epoch, and is at a step of its plan.
Status CheckPlace(const Rollout& rollout) {
  const std::size_t steps = rollout.plan.steps.size();
  const auto is_beyond = [steps](const RolloutEpoch& epoch) { return epoch.step >= steps; };
  std::string fault;
  if (rollout.step >= steps) fault = fmt::format("/step is beyond the plan's {}", steps);
  if (rollout.epochs.empty()) fault = "/epochs is empty";
  if (std::any_of(rollout.epochs.begin(), rollout.epochs.end(), is_beyond)) {
    fault = fmt::format("/epochs has one beyond the plan's {} steps", steps);
  }
  if (fault.empty()) return {};
  return Fail(ErrorCode::kUnprocessable, "rollout: {}", fault);
}

}  // namespace

Result<RolloutPlan> PlanFromJson(const Json& json) {
  RolloutPlan plan = DefaultPlan();
  Members members(json, "", Unknown::kRefused);
  ReadPlan(members, plan);
  PODIUM_TRY(members.Finish());
  PODIUM_TRY(Check(plan));
  return plan;
}

Json ToJson(const RolloutPlan& plan) {
  Json json = Json::object();
  json["rule"] = NameOf(plan.rule);
  json["unit"] = NameOf(plan.unit);
  json["steps"] = ListJson(plan.steps, StepJson);
  json["guards"] = ListJson(plan.guards, GuardJson);
  json["windows"] = ListJson(plan.windows, WindowJson);
  json["alpha"] = plan.alpha;
  json["margin"] = plan.margin ? Json(*plan.margin) : Json();
  json["deadline"] = TextOf(plan.deadline);
  json["on_deadline"] = NameOf(plan.on_overdue);
  json["promote_at_end"] = plan.promote_at_end;
  json["success_threshold"] = plan.success_threshold;
  json["exploration"] = plan.exploration;
  json["discount"] = plan.discount;
  return json;
}

std::string RolloutToText(const Rollout& rollout) {
  Json json = Json::object();
  json["id"] = rollout.id.get();
  json["route"] = rollout.route.get();
  json["candidate"] = rollout.candidate.get();
  json["primary"] = rollout.primary.get();
  json["attempt"] = rollout.attempt;
  json["plan"] = ToJson(rollout.plan);
  json["phase"] = NameOf(rollout.phase);
  json["step"] = rollout.step;
  json["gate_open"] = rollout.gate_open;
  json["paged"] = rollout.paged;
  json["log_e_peak"] = NumberOrNull(rollout.log_e_peak);
  json["epochs"] = ListJson(rollout.epochs, EpochJson);
  json["started_at"] = MicrosOf(rollout.started_at);
  json["step_entered_at"] = MicrosOf(rollout.step_entered_at);
  json["ended_at"] = MicrosOf(rollout.ended_at);
  json["started_by"] = rollout.started_by;
  json["said"] = rollout.said;
  json["ended_by"] = rollout.ended_by;
  json["revision"] = rollout.revision.get();
  return DumpJson(json);
}

Result<Rollout> RolloutFromText(std::string_view text) {
  PODIUM_TRY_ASSIGN(Rollout rollout, FromText<Rollout>("rollout", text, ReadRow));
  PODIUM_TRY(CheckPlace(rollout));
  return rollout;
}

std::string MarkToText(const RolloutMark& mark) {
  Json json = Json::object();
  json["id"] = mark.id.get();
  json["epoch"] = mark.epoch;
  json["unit"] = NameOf(mark.unit);
  json["thresholds"] = ThresholdsJson(mark.thresholds);
  if (mark.tickets) json["tickets"] = true;
  return DumpJson(json);
}

Result<RolloutMark> MarkFromText(std::string_view text) {
  return FromText<RolloutMark>("rollout", text, [](Members& json, RolloutMark& mark) {
    ReadId(json, "id", mark.id);
    json.Read("epoch", mark.epoch);
    json.ReadWord("unit", mark.unit, ParseSplitUnit, "route, request, session or user");
    json.ReadObject("thresholds", mark.thresholds, ReadThresholds);
    json.Read("tickets", mark.tickets);
  });
}

}  // namespace podium
