#include "telemetry/otlp_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

#include "base/assert.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/utf8.h"

namespace podium::telemetry {
namespace {

constexpr std::string_view kSpansEnd = "]}]}]}";
constexpr std::string_view kMetricsEnd = "]}]}]}";
constexpr std::string_view kMetricEnd = "]}}";
constexpr int kCumulative = 2;
constexpr int kStatusError = 2;
// Of Span.flags: the lower eight are those of traceparent.
constexpr unsigned kFlagSampled = 0x001;
constexpr unsigned kFlagKnowsRemote = 0x100;
constexpr unsigned kFlagRemote = 0x200;
constexpr int kClientError = 400;  // Of HTTP, as the next one.
constexpr int kServerError = 500;

std::int64_t UnixNano(WallTime time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

// Nearly every text is plain: it is copied as it is.
void AppendText(std::string_view text, std::string& out) {
  const bool is_plain = std::ranges::all_of(
      text, [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
  if (is_plain) {
    out += text;
  } else {
    out += EscapeJson(text);
  }
}

template <typename Number>
void AppendNumber(Number value, std::string& out) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

/// Attributes of one span or point, one behind the other.
class AttributeWriter {
 public:
  explicit AttributeWriter(std::string& out) : out_(out) { out_ += R"("attributes":[)"; }

  void Text(std::string_view key, std::string_view value) {
    if (value.empty()) return;
    Begin(key);
    out_ += R"("stringValue":")";
    AppendText(value, out_);
    out_ += R"("}})";
  }
  /// A list of that one text.
  void OneText(std::string_view key, std::string_view value) {
    if (value.empty()) return;
    Begin(key);
    out_ += R"("arrayValue":{"values":[{"stringValue":")";
    AppendText(value, out_);
    out_ += R"("}]}}})";
  }
  void Whole(std::string_view key, std::int64_t value) {
    Begin(key);
    out_ += R"("intValue":")";
    AppendNumber(value, out_);
    out_ += R"("}})";
  }
  void Number(std::string_view key, double value) {
    Begin(key);
    out_ += R"("doubleValue":)";
    AppendNumber(value, out_);
    out_ += "}}";
  }
  void Flag(std::string_view key) {
    Begin(key);
    out_ += R"("boolValue":true}})";
  }
  void End() { out_ += ']'; }

 private:
  void Begin(std::string_view key) {
    out_ += first_ ? R"({"key":")" : R"(,{"key":")";
    first_ = false;
    AppendText(key, out_);
    out_ += R"(","value":{)";
  }

  std::string& out_;
  bool first_ = true;
};

void WriteUsage(const TokenUsage& usage, AttributeWriter& attributes) {
  attributes.Whole("gen_ai.usage.input_tokens", usage.input_tokens());
  attributes.Whole("gen_ai.usage.output_tokens", usage.output_tokens());
  if (usage.cache_read > 0) {
    attributes.Whole("gen_ai.usage.cache_read.input_tokens", usage.cache_read);
  }
  if (const std::int64_t written = usage.cache_write_5m + usage.cache_write_1h; written > 0) {
    attributes.Whole("gen_ai.usage.cache_creation.input_tokens", written);
  }
  if (usage.output_reasoning > 0) {
    attributes.Whole("gen_ai.usage.reasoning.output_tokens", usage.output_reasoning);
  }
  if (usage.estimated) attributes.Flag("podium.usage.estimated");
}

void WriteGenAi(const Span& span, AttributeWriter& attributes) {
  attributes.Text("gen_ai.operation.name", span.operation);
  attributes.Text("gen_ai.provider.name", span.gen_ai_kind);
  attributes.Text("gen_ai.request.model", span.request_model.view());
  attributes.Text("gen_ai.response.model", span.response_model.view());
  attributes.OneText("gen_ai.response.finish_reasons", span.finish);
  if (span.first_chunk) {
    attributes.Number("gen_ai.response.time_to_first_chunk", SecondsOf(*span.first_chunk));
  }
  if (span.usage) WriteUsage(*span.usage, attributes);
}

void WriteAttributes(const Span& span, std::string& out) {
  AttributeWriter attributes(out);
  if (span.is_gen_ai) WriteGenAi(span, attributes);
  attributes.Text("error.type", span.error_type);
  attributes.Text("server.address", span.server_address.view());
  if (span.server_port != 0) attributes.Whole("server.port", span.server_port);
  if (span.status != 0) attributes.Whole("http.response.status_code", span.status);
  attributes.Text("podium.route", span.route.view());
  attributes.Text("podium.version", span.version.view());
  attributes.Text("podium.provider", span.provider.view());
  const bool is_attempt = span.kind == SpanKind::kClient;
  if (is_attempt) attributes.Whole("podium.attempt", span.attempt);
  if (!is_attempt && span.is_gen_ai) attributes.Whole("podium.attempts", span.attempt);
  attributes.Whole("podium.generation", static_cast<std::int64_t>(span.generation));
  attributes.End();
}

// A refusal that is the caller's affair is no error of the server that tells it; a stream that
// broke began with a 200.
bool HasFailed(const Span& span) {
  if (span.kind == SpanKind::kClient) return !span.error_type.empty();
  return span.status >= kServerError || (span.status < kClientError && !span.error_type.empty());
}

unsigned FlagsOf(const Span& span) {
  return kFlagSampled | kFlagKnowsRemote | (span.parent_is_remote ? kFlagRemote : 0U);
}

void WriteName(const Span& span, std::string& out) {
  const bool is_attempt = span.kind == SpanKind::kClient;
  const std::string_view object = is_attempt ? span.request_model.view() : span.route.view();
  AppendText(span.operation, out);
  if (object.empty()) return;
  out += ' ';
  AppendText(object, out);
}

void WriteSpan(const Span& span, std::string& out) {
  const auto to = std::back_inserter(out);
  fmt::format_to(to, R"({{"traceId":"{:016x}{:016x}","spanId":"{:016x}",)", span.trace.high,
                 span.trace.low, span.id.value);
  if (!span.parent.is_none()) {
    fmt::format_to(to, R"("parentSpanId":"{:016x}",)", span.parent.value);
  }
  fmt::format_to(to, R"("flags":{},"name":")", FlagsOf(span));
  WriteName(span, out);
  const std::int64_t start = UnixNano(span.start);
  fmt::format_to(to, R"(","kind":{},"startTimeUnixNano":"{}","endTimeUnixNano":"{}",)",
                 static_cast<int>(span.kind), start, start + span.duration.count());
  WriteAttributes(span, out);
  if (HasFailed(span)) {
    fmt::format_to(to, R"(,"status":{{"code":{}}}}})", kStatusError);
  } else {
    out += R"(,"status":{}})";
  }
}

struct MetricName {
  std::string_view name;
  std::string_view unit;
  std::string_view token_type;  ///< Of points that share a metric.
};

constexpr std::array<MetricName, kInstruments> kMetrics{{
    {"gen_ai.client.operation.duration", "s", ""},
    {"gen_ai.client.token.usage", "{token}", "input"},
    {"gen_ai.client.token.usage", "{token}", "output"},
    {"gen_ai.client.operation.time_to_first_chunk", "s", ""},
    {"gen_ai.client.operation.time_per_output_chunk", "s", ""},
    {"gen_ai.server.request.duration", "s", ""},
    {"gen_ai.server.time_to_first_token", "s", ""},
    {"gen_ai.server.time_per_output_token", "s", ""},
}};

std::string PointJson(const SeriesKey& key, const MetricName& metric, const HistogramPoint& point,
                      std::span<const double> bounds, WallTime start, WallTime now) {
  std::string out = "{";
  AttributeWriter attributes(out);
  attributes.Text("gen_ai.operation.name", key.operation);
  attributes.Text("gen_ai.provider.name", key.gen_ai_kind);
  attributes.Text("gen_ai.token.type", metric.token_type);
  attributes.Text("gen_ai.request.model", key.request_model);
  attributes.Text("gen_ai.response.model", key.response_model);
  attributes.Text("error.type", key.error_type);
  attributes.Text("server.address", key.server_address);
  if (key.server_port != 0) attributes.Whole("server.port", key.server_port);
  if (key.overflow) attributes.Flag("otel.metric.overflow");
  attributes.End();
  out += fmt::format(
      R"(,"startTimeUnixNano":"{}","timeUnixNano":"{}","count":"{}","sum":{},"bucketCounts":[)",
      UnixNano(start), UnixNano(now), point.count(), point.sum);
  for (std::size_t i = 0; i <= bounds.size(); ++i) {
    fmt::format_to(std::back_inserter(out), R"({}"{}")", i == 0 ? "" : ",", point.buckets[i]);
  }
  out += R"(],"explicitBounds":[)";
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    fmt::format_to(std::back_inserter(out), "{}{}", i == 0 ? "" : ",", bounds[i]);
  }
  return out + "]}";
}

/// Requests that are full, and the one being written.
class MetricsWriter {
 public:
  MetricsWriter(const Sender& sender, std::size_t max_bytes)
      : sender_(sender), max_bytes_(max_bytes) {}

  void Add(const MetricName& metric, const std::string& point) {
    const bool fits =
        text_.size() + point.size() + kMetricEnd.size() + kMetricsEnd.size() + kMetricHeadRoom <=
        max_bytes_;
    if (!text_.empty() && !fits) EndRequest();
    if (text_.empty()) {
      text_ = fmt::format(R"({{"resourceMetrics":[{{"resource":{},"scopeMetrics":[{{"scope":{},)"
                          R"("metrics":[)",
                          sender_.resource(), sender_.scope());
    }
    if (metric.name != open_) {
      EndMetric();
      fmt::format_to(std::back_inserter(text_),
                     R"({}{{"name":"{}","unit":"{}","histogram":{{"aggregationTemporality":{},)"
                     R"("dataPoints":[)",
                     text_.back() == '[' ? "" : ",", metric.name, metric.unit, kCumulative);
      open_ = metric.name;
    } else {
      text_ += ',';
    }
    text_ += point;
  }

  std::vector<std::string> Take() {
    if (!text_.empty()) EndRequest();
    return std::move(done_);
  }

 private:
  static constexpr std::size_t kMetricHeadRoom = 256;  // Of one metric's name and unit.

  void EndMetric() {
    if (!open_.empty()) text_ += kMetricEnd;
    open_ = {};
  }
  void EndRequest() {
    EndMetric();
    text_ += kMetricsEnd;
    done_.push_back(std::exchange(text_, {}));
  }

  const Sender& sender_;
  const std::size_t max_bytes_;
  std::string text_;
  std::string_view open_;  // The metric that points are added to.
  std::vector<std::string> done_;
};

}  // namespace

Sender::Sender(const Attributes& attributes, std::string_view build) {
  std::map<std::string_view, std::string_view> last;
  for (const auto& [key, value] : attributes) last[key] = value;
  std::size_t room = kMaxResourceAttributes;
  resource_ = "{";
  AttributeWriter writer(resource_);
  for (const auto& [key, value] : last) {
    if (key.empty() || room == 0) continue;
    --room;
    writer.Text(Shortened(key, limits::kMaxSpanTextBytes),
                Shortened(value, limits::kMaxSpanTextBytes));
  }
  writer.End();
  resource_ += '}';
  scope_ = fmt::format(R"({{"name":"podium","version":"{}"}})", EscapeJson(build));
}

bool TraceRequest::Add(const Span& span) {
  const std::size_t before = text_.size();
  if (spans_ == 0) {
    text_ =
        fmt::format(R"({{"resourceSpans":[{{"resource":{},"scopeSpans":[{{"scope":{},"spans":[)",
                    sender_.resource(), sender_.scope());
  } else {
    text_ += ',';
  }
  WriteSpan(span, text_);
  if (spans_ > 0 && text_.size() + kSpansEnd.size() > max_bytes_) {
    text_.resize(before);
    return false;
  }
  ++spans_;
  return true;
}

std::string TraceRequest::Take() {
  PODIUM_ASSERT(spans_ > 0);
  spans_ = 0;
  return std::exchange(text_, {}).append(kSpansEnd);
}

std::vector<std::string> MetricsRequests(const Sender& sender,
                                         const std::map<SeriesKey, SeriesPoint>& series,
                                         WallTime start, WallTime now, std::size_t max_bytes) {
  MetricsWriter writer(sender, max_bytes);
  for (std::size_t i = 0; i < kInstruments; ++i) {
    const std::span<const double> bounds = BoundsOf(static_cast<Instrument>(i));
    for (const auto& [key, point] : series) {
      const HistogramPoint& histogram = point.histograms[i];
      if (histogram.count() == 0) continue;
      writer.Add(kMetrics[i], PointJson(key, kMetrics[i], histogram, bounds, start, now));
    }
  }
  return writer.Take();
}

PartialSuccess ReadPartialSuccess(std::string_view body) {
  PartialSuccess partial;
  const Result<Json> parsed = ParseJson(body);
  if (!parsed || !parsed->is_object()) return partial;
  const auto found = parsed->find("partialSuccess");
  if (found == parsed->end() || !found->is_object()) return partial;
  for (const char* name : {"rejectedSpans", "rejectedDataPoints"}) {
    const auto count = found->find(name);
    if (count == found->end()) continue;
    // As text by the book; collectors that write a number are understood too.
    const std::string text = count->is_string() ? count->get<std::string>() : DumpJson(*count);
    if (!text.empty() && text.size() < 19 &&
        std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) {
      partial.rejected += std::stoull(text);
    }
  }
  if (const auto text = found->find("errorMessage"); text != found->end() && text->is_string()) {
    partial.message = Shortened(text->get<std::string>(), limits::kMaxSpanTextBytes);
  }
  return partial;
}

}  // namespace podium::telemetry
