#include "predictions/record.h"

#include <fmt/format.h>

#include <cmath>

#include "base/digest.h"
#include "base/json.h"
#include "base/log.h"
#include "base/utf8.h"

namespace podium::predictions {
namespace {

constexpr std::size_t kHashDigits = 32;
constexpr std::size_t kRecordOverhead = 512;  // Its strings and itself, about.
// Where the index's part of a line ends: no text inside a JSON string has a bare quote.
constexpr std::string_view kPayloadMark = ",\"request\":";

void AddText(std::string& line, std::string_view key, std::string_view text) {
  line += fmt::format(",\"{}\":", key);
  if (text.empty()) {
    line += "null";
    return;
  }
  line += '"';
  line += EscapeJson(text.substr(0, limits::kMaxPredictionTextBytes));
  line += '"';
}

// JSON has no NaN and no infinity.
std::string NumberText(double number) {
  return std::isfinite(number) ? fmt::format("{}", number) : "null";
}

void AddScores(std::string& line, const std::vector<double>& scores) {
  line += ",\"scores\":[";
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (i > 0) line += ',';
    line += NumberText(scores[i]);
  }
  line += ']';
}

// One value of JSON: what is no JSON goes out as text, what is too long as null.
std::string PayloadText(const std::optional<Payload>& payload, const RouteLogging& policy) {
  if (!payload || (payload->bytes.empty() && payload->size > 0)) return "null";
  Result<Json> parsed = ParseJson(payload->bytes);
  if (!parsed) {
    // What cannot be looked into cannot be redacted either.
    if (!policy.redact.empty()) return fmt::format("\"{}\"", kRedacted);
    return '"' + EscapeJson(payload->bytes) + '"';
  }
  if (Redact(*parsed, policy.redact) > 0) return DumpJson(*parsed);
  // As it came: numbers keep their digits. A line end can only stand between two tokens.
  std::string text = payload->bytes;
  for (char& c : text) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return text;
}

void AddPayloads(std::string& line, const Record& record, const RouteLogging& policy) {
  line += kPayloadMark;
  line += PayloadText(record.request, policy);
  line += ",\"answer\":";
  line += PayloadText(record.answer, policy);
  line += fmt::format(",\"request_bytes\":{}", record.request ? record.request->size : 0);
  line += fmt::format(",\"answer_bytes\":{}", record.answer ? record.answer->size : 0);
  line += ",\"other_answer\":" + PayloadText(record.other_answer, policy);
}

/// Reads one member each; the first that is missing or of another type is remembered.
class LineFields {
 public:
  explicit LineFields(const Json& line) : line_(line) {}

  std::string Text(const char* key) {
    const Json* value = Find(key);
    if (value == nullptr || value->is_null()) return {};
    if (!value->is_string()) {
      wrong_ = key;
      return {};
    }
    return value->get<std::string>();
  }
  template <typename Number>
  Number As(const char* key) {
    const Json* value = Find(key);
    if (value == nullptr) return {};
    if (!value->is_number()) {
      wrong_ = key;
      return {};
    }
    return value->get<Number>();
  }
  std::optional<std::int64_t> OptionalWhole(const char* key) {
    const Json* value = Find(key);
    if (value == nullptr || !value->is_number_integer()) return std::nullopt;
    return value->get<std::int64_t>();
  }
  std::vector<double> Numbers(const char* key) {
    std::vector<double> numbers;
    const Json* list = Find(key);
    if (list == nullptr || !list->is_array()) return numbers;
    for (const Json& each : *list) {
      if (numbers.size() == limits::kPredictionScores) break;
      numbers.push_back(each.is_number() ? each.get<double>() : std::nan(""));
    }
    return numbers;
  }
  /// Lines of before there was one have none.
  std::optional<ChallengerRecord> Challenger() const {
    const auto found = line_.find("challenger");
    if (found == line_.end()) return std::nullopt;
    Result<ChallengerRecord> record = ParseChallenger(*found);
    return record ? std::optional(*std::move(record)) : std::nullopt;
  }
  const char* wrong() const { return wrong_; }
  void Complain(const char* key) { wrong_ = key; }

 private:
  const Json* Find(const char* key) {
    const auto found = line_.find(key);
    if (found != line_.end()) return &*found;
    wrong_ = key;
    return nullptr;
  }

  const Json& line_;
  const char* wrong_ = nullptr;
};

std::optional<UnitKind> UnitKindNamed(std::string_view name) {
  for (const UnitKind kind : {UnitKind::kSession, UnitKind::kUser, UnitKind::kRequest}) {
    if (NameOf(kind) == name) return kind;
  }
  return std::nullopt;
}

}  // namespace

Payload KeptPayload(std::string bytes) {
  const std::size_t size = bytes.size();
  if (size > limits::kMaxPredictionPayload) bytes = std::string();  // Half a body helps nobody.
  return {std::move(bytes), size};
}

std::size_t Record::bytes() const {
  std::size_t total = kRecordOverhead;
  if (request) total += request->bytes.size();
  if (answer) total += answer->bytes.size();
  if (other_answer) total += other_answer->bytes.size();
  return total;
}

std::string LineOf(const Record& record, const RouteLogging& policy) {
  const PredictionRow& row = record.row;
  std::string line = fmt::format("{{\"id\":\"{}\",\"at\":\"{}\"", row.id, FormatUtc(row.at));
  AddText(line, "route", row.route);
  AddText(line, "request_id", row.request_id);
  AddText(line, "unit_kind", NameOf(row.unit_kind));
  AddText(line, "unit", row.unit);
  AddText(line, "assigned", row.assigned);
  AddText(line, "served", row.served);
  AddText(line, "arm", row.arm);
  AddText(line, "reason", row.reason);
  line += fmt::format(",\"propensity\":{},\"keep\":{},\"bucket\":{},\"generation\":{}",
                      NumberText(row.propensity), NumberText(row.keep), row.bucket,
                      row.generation.get());
  line += fmt::format(",\"outcome\":\"{}\",\"status\":{},\"latency_us\":{}", NameOf(row.outcome),
                      row.status, row.latency.count());
  line += row.cost ? fmt::format(",\"cost_nano_usd\":{}", row.cost->value)
                   : std::string(",\"cost_nano_usd\":null");
  line += fmt::format(",\"rows\":{}", row.rows);
  AddScores(line, row.scores);
  AddText(line, "replica", row.replica);
  AddText(line, "path", record.path);
  line +=
      ",\"challenger\":" + (row.challenger ? DumpJson(ChallengerJson(*row.challenger)) : "null");
  AddPayloads(line, record, policy);
  line += "}\n";
  return line;
}

Result<PredictionRow> RowOfLine(std::string_view line) {
  const std::size_t end = line.find(kPayloadMark);
  if (end == std::string_view::npos) {
    return Fail(ErrorCode::kUnprocessable, "the line is not one of a prediction log");
  }
  PODIUM_TRY_ASSIGN(const Json json, ParseJson(std::string(line.substr(0, end)) + '}'));
  LineFields fields(json);
  PredictionRow row;
  row.id = fields.Text("id");
  const std::optional<WallTime> at = ParseUtc(fields.Text("at"));
  if (!at) fields.Complain("at");
  row.at = at.value_or(WallTime());
  row.route = fields.Text("route");
  row.request_id = fields.Text("request_id");
  const std::optional<UnitKind> kind = UnitKindNamed(fields.Text("unit_kind"));
  if (!kind) fields.Complain("unit_kind");
  row.unit_kind = kind.value_or(UnitKind::kRequest);
  row.unit = fields.Text("unit");
  row.assigned = fields.Text("assigned");
  row.served = fields.Text("served");
  row.arm = fields.Text("arm");
  row.reason = fields.Text("reason");
  row.propensity = fields.As<double>("propensity");
  row.keep = fields.As<double>("keep");
  row.bucket = fields.As<int>("bucket");
  row.generation = Generation(fields.As<std::uint64_t>("generation"));
  const auto outcome = ParsePredictionOutcome(fields.Text("outcome"));
  if (!outcome) fields.Complain("outcome");
  row.outcome = outcome.value_or(PredictionOutcome::kOk);
  row.status = fields.As<int>("status");
  row.latency = std::chrono::microseconds(fields.As<std::int64_t>("latency_us"));
  if (const auto nanos = fields.OptionalWhole("cost_nano_usd")) row.cost = NanoUsd{*nanos};
  row.rows = fields.As<std::int64_t>("rows");
  row.scores = fields.Numbers("scores");
  row.replica = fields.Text("replica");
  row.challenger = fields.Challenger();
  if (row.id.empty()) fields.Complain("id");
  if (row.route.empty()) fields.Complain("route");
  if (fields.wrong() == nullptr) return row;
  return Fail(ErrorCode::kUnprocessable, "the line has no usable \"{}\"", fields.wrong());
}

std::string KeptUnit(std::string_view unit, Units units) {
  if (units == Units::kPlain) return std::string(unit);
  return Sha256Hex(unit).substr(0, kHashDigits);
}

}  // namespace podium::predictions
