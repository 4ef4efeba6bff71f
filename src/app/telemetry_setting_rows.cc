// The settings of telemetry. Their variables are OpenTelemetry's own, so that an environment that
// is set up for other programs is for Podium too.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "app/setting_rows.h"
#include "app/telemetry_settings.h"
#include "base/limits.h"
#include "domain/names.h"
#include "net/http_head.h"
#include "telemetry/otlp_json.h"

namespace podium::app {
namespace {

using Values = std::vector<std::string>;

constexpr std::size_t kMaxOtlpHeaders = 32;
constexpr std::size_t kMaxOtlpHeaderBytes = 8 * 1024;  // Of one value: tokens are long.

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::optional<std::string> PercentDecoded(std::string_view text) {
  std::string decoded;
  while (!text.empty()) {
    if (text.front() != '%') {
      decoded += text.front();
      text.remove_prefix(1);
      continue;
    }
    unsigned byte = 0;
    if (text.size() < 3) return std::nullopt;
    const auto [end, failed] = std::from_chars(text.data() + 1, text.data() + 3, byte, 16);
    if (failed != std::errc() || end != text.data() + 3) return std::nullopt;
    decoded += static_cast<char>(byte);
    text.remove_prefix(3);
  }
  return decoded;
}

bool IsHeaderName(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool IsHeaderValue(std::string_view value) {
  return value.size() <= kMaxOtlpHeaderBytes &&
         std::ranges::all_of(value, [](char c) { return c == '\t' || (c >= ' ' && c <= '~'); });
}

// What the connection writes itself.
bool IsReserved(std::string_view name) {
  return std::ranges::any_of(
      std::to_array<std::string_view>(
          {"host", "connection", "content-length", "content-type", "transfer-encoding"}),
      [&](std::string_view each) { return net::EqualsIgnoreCase(each, name); });
}

template <typename T>
auto OfTelemetry(T TelemetrySettings::* member) {
  return
      [member](Settings& settings, const std::string&) -> T& { return settings.telemetry.*member; };
}

SettingRow Named(SettingRow row, std::string env) {
  row.env = std::move(env);
  return row;
}

SettingRow EndpointRow(std::string_view path, std::optional<BaseUrl> TelemetrySettings::* member,
                       std::string_view help) {
  SettingRow row = Row(path, "URL", help);
  row.set = [member](Settings& settings, const std::string&, const Values& values) -> Status {
    Result<BaseUrl> url = ParseBaseUrl(values.at(0));
    if (!url) return Fail(std::move(url).error());
    settings.telemetry.*member = *std::move(url);
    return {};
  };
  row.show = [](const Settings&) { return std::string(); };
  return row;
}

SettingRow HeadersRow() {
  SettingRow row = Row("telemetry.otlp_headers", "list of name=value",
                       "Sent to the collector with each export, as its credential.");
  row.is_list = true;
  row.is_secret = true;
  row.set = [](Settings& settings, const std::string&, const Values& values) -> Status {
    std::vector<std::pair<std::string, Secret>> headers;
    for (const std::string& each : values) {
      auto member = ParseListMember(each);
      if (!member || !IsHeaderName(member->first) || !IsHeaderValue(member->second)) {
        return Fail(ErrorCode::kInvalidArgument,
                    "holds what is no name=value of a header, percent-encoded");
      }
      if (IsReserved(member->first)) {
        return Fail(ErrorCode::kInvalidArgument, "may not set {}", member->first);
      }
      headers.emplace_back(std::move(member->first), Secret(std::move(member->second)));
    }
    if (headers.size() > kMaxOtlpHeaders) {
      return Fail(ErrorCode::kInvalidArgument, "holds more than {} headers", kMaxOtlpHeaders);
    }
    settings.telemetry.otlp_headers = std::move(headers);
    return {};
  };
  row.show = [](const Settings& settings) {
    return std::string(settings.telemetry.otlp_headers.empty() ? "" : "(set)");
  };
  return row;
}

SettingRow ServiceNameRow() {
  SettingRow row =
      Row("telemetry.service_name", "text", "What this server is called there (service.name).");
  row.set = [](Settings& settings, const std::string&, const Values& values) -> Status {
    if (auto checked = CheckText("it", values.at(0), limits::kMaxSpanTextBytes);
        !checked || values.at(0).empty()) {
      return Fail(ErrorCode::kInvalidArgument, "must be 1 to {} bytes of text",
                  limits::kMaxSpanTextBytes);
    }
    settings.telemetry.service_name = values.at(0);
    return {};
  };
  row.show = [](const Settings& settings) { return settings.telemetry.service_name; };
  return row;
}

SettingRow AttributesRow() {
  SettingRow row = Row("telemetry.resource_attributes", "list of name=value",
                       "What else is said of this server, as deployment.environment.name=prod.");
  row.is_list = true;
  row.set = [](Settings& settings, const std::string&, const Values& values) -> Status {
    std::vector<std::pair<std::string, std::string>> attributes;
    for (const std::string& each : values) {
      auto member = ParseListMember(each);
      if (!member) return Fail(std::move(member).error());
      attributes.push_back(*std::move(member));
    }
    if (attributes.size() > telemetry::kMaxResourceAttributes) {
      return Fail(ErrorCode::kInvalidArgument, "holds more than {} attributes",
                  telemetry::kMaxResourceAttributes);
    }
    settings.telemetry.attributes = std::move(attributes);
    return {};
  };
  row.show = [](const Settings& settings) {
    std::string text;
    for (const auto& [name, value] : settings.telemetry.attributes) {
      text += fmt::format("{}{}={}", text.empty() ? "" : ",", name, value);
    }
    return text;
  };
  return row;
}

std::string SamplerName(const telemetry::Sampler& sampler) {
  constexpr auto kNames =
      std::to_array<std::string_view>({"always_on", "always_off", "traceidratio"});
  return (sampler.parent_based ? "parentbased_" : "") +
         std::string(kNames[static_cast<std::size_t>(sampler.by)]);
}

SettingRow SamplerRow() {
  SettingRow row = Row("telemetry.traces_sampler", "name",
                       "Which calls are traced: always_on, always_off, traceidratio, or one of "
                       "these behind parentbased_: then a caller's decision holds.");
  row.set = [](Settings& settings, const std::string&, const Values& values) -> Status {
    PODIUM_TRY_ASSIGN(telemetry::Sampler sampler, telemetry::SamplerNamed(values.at(0)));
    sampler.ratio = settings.telemetry.sampler.ratio;
    settings.telemetry.sampler = sampler;
    return {};
  };
  row.show = [](const Settings& settings) { return SamplerName(settings.telemetry.sampler); };
  return row;
}

SettingRow RatioRow() {
  SettingRow row =
      Row("telemetry.traces_sampler_arg", "number", "The share of traces that traceidratio takes.");
  row.range = "0..1";
  row.set = [](Settings& settings, const std::string&, const Values& values) -> Status {
    const std::string& text = values.at(0);
    double ratio = -1;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), ratio);
    if (failed != std::errc() || end != text.data() + text.size() || !(ratio >= 0 && ratio <= 1)) {
      return OutOfRange(text, "0", "1");
    }
    settings.telemetry.sampler.ratio = ratio;
    return {};
  };
  row.show = [](const Settings& settings) {
    return fmt::format("{}", settings.telemetry.sampler.ratio);
  };
  return row;
}

// The standard's variables have milliseconds and no unit.
SettingRow IntervalRow(std::string_view path, std::chrono::milliseconds TelemetrySettings::* member,
                       std::string_view help) {
  SettingRow row = DurationRow(path, OfTelemetry(member), std::chrono::milliseconds(10),
                               std::chrono::hours(1), help);
  row.set = [set = row.set](Settings& settings, const std::string& name,
                            const Values& values) -> Status {
    const std::string& text = values.at(0);
    const bool is_bare =
        !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
    return set(settings, name, {is_bare ? text + "ms" : text});
  };
  return row;
}

std::optional<BaseUrl> EndpointBelow(const std::optional<BaseUrl>& base, std::string_view path) {
  if (!base) return std::nullopt;
  BaseUrl url = *base;
  url.path += path;
  return url;
}

}  // namespace

std::optional<BaseUrl> TelemetrySettings::TracesUrl() const {
  if (disabled) return std::nullopt;
  return otlp_traces_endpoint ? otlp_traces_endpoint : EndpointBelow(otlp_endpoint, "/v1/traces");
}

std::optional<BaseUrl> TelemetrySettings::MetricsUrl() const {
  if (disabled) return std::nullopt;
  return otlp_metrics_endpoint ? otlp_metrics_endpoint
                               : EndpointBelow(otlp_endpoint, "/v1/metrics");
}

Result<std::pair<std::string, std::string>> ParseListMember(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals != std::string_view::npos) {
    auto name = PercentDecoded(Trimmed(text.substr(0, equals)));
    auto value = PercentDecoded(Trimmed(text.substr(equals + 1)));
    if (name && value && !name->empty()) return std::pair(*std::move(name), *std::move(value));
  }
  return Fail(ErrorCode::kInvalidArgument, "holds what is no name=value, percent-encoded");
}

std::vector<SettingRow> TelemetrySettingRows() {
  using S = TelemetrySettings;
  return {
      Named(EndpointRow("telemetry.otlp_endpoint", &S::otlp_endpoint,
                        "The OpenTelemetry collector: traces go to /v1/traces there, metrics to "
                        "/v1/metrics, as JSON over HTTP. Without it nothing is recorded for it."),
            "OTEL_EXPORTER_OTLP_ENDPOINT"),
      Named(EndpointRow("telemetry.otlp_traces_endpoint", &S::otlp_traces_endpoint,
                        "Where traces go instead; the whole URL."),
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
      Named(EndpointRow("telemetry.otlp_metrics_endpoint", &S::otlp_metrics_endpoint,
                        "Where metrics go instead; the whole URL."),
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"),
      Named(HeadersRow(), "OTEL_EXPORTER_OTLP_HEADERS"),
      Named(PathRow("telemetry.otlp_ca_file", OfTelemetry(&S::otlp_ca_file),
                    "Whose certificates the collector's is judged by (PEM); without it, those "
                    "that the system trusts."),
            "OTEL_EXPORTER_OTLP_CERTIFICATE"),
      Named(ServiceNameRow(), "OTEL_SERVICE_NAME"),
      Named(AttributesRow(), "OTEL_RESOURCE_ATTRIBUTES"),
      Named(SamplerRow(), "OTEL_TRACES_SAMPLER"),
      Named(RatioRow(), "OTEL_TRACES_SAMPLER_ARG"),
      Named(IntervalRow("telemetry.traces_interval", &S::traces_interval,
                        "The longest that a span waits to be sent; a number without a unit is in "
                        "milliseconds."),
            "OTEL_BSP_SCHEDULE_DELAY"),
      Named(IntervalRow("telemetry.metrics_interval", &S::metrics_interval,
                        "How often metrics are sent; a number without a unit is in milliseconds."),
            "OTEL_METRIC_EXPORT_INTERVAL"),
      Named(ChoiceRow("telemetry.disabled", "true or false", OfTelemetry(&S::disabled), kYesNo,
                      "Nothing is recorded or sent, wherever the collector is."),
            "OTEL_SDK_DISABLED"),
  };
}

}  // namespace podium::app
