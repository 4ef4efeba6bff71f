// OpenTelemetry's variables mean here what they mean elsewhere, and never keep Podium from
// starting.
#include "app/telemetry_settings.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "app/finding.h"
#include "app/settings_load.h"

namespace podium::app {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using telemetry::SampleBy;

LoadedSettings LoadTelemetry(const std::string& yaml, Environment environment = {}) {
  SettingsSources sources;
  sources.file = {"podium.yaml", yaml};
  sources.environment = std::move(environment);
  return LoadSettings(sources);
}

std::string UrlText(const std::optional<BaseUrl>& url) {
  if (!url) return "none";
  return (url->tls ? "https://" : "http://") + url->host + ":" + std::to_string(url->port) +
         url->path;
}

TEST(TelemetrySettings, EachSignalGoesWhereTheVariablesSay) {
  struct Case {
    const char* name;
    Environment environment;
    const char* traces;
    const char* metrics;
  };
  const char* const kBase = "OTEL_EXPORTER_OTLP_ENDPOINT";
  const char* const kTraces = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
  const char* const kMetrics = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
  const Case cases[] = {
      {"nothing is said", {}, "none", "none"},
      {"one for both",
       {{kBase, "http://c.example:4318"}},
       "http://c.example:4318/v1/traces",
       "http://c.example:4318/v1/metrics"},
      {"a path before it",
       {{kBase, "https://c.example/otlp/"}},
       "https://c.example:443/otlp/v1/traces",
       "https://c.example:443/otlp/v1/metrics"},
      {"one of its own, as it is",
       {{kBase, "http://c.example:4318"}, {kTraces, "http://t.example/in"}},
       "http://t.example:80/in",
       "http://c.example:4318/v1/metrics"},
      {"metrics alone", {{kMetrics, "http://m.example/m"}}, "none", "http://m.example:80/m"},
      {"switched off",
       {{kBase, "http://c.example:4318"}, {"OTEL_SDK_DISABLED", "true"}},
       "none",
       "none"},
      {"empty is unset", {{kBase, ""}, {"OTEL_SDK_DISABLED", ""}}, "none", "none"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const LoadedSettings loaded = LoadTelemetry("", c.environment);
    EXPECT_TRUE(loaded.findings.empty());
    EXPECT_EQ(UrlText(loaded.settings.telemetry.TracesUrl()), c.traces);
    EXPECT_EQ(UrlText(loaded.settings.telemetry.MetricsUrl()), c.metrics);
  }
}

TEST(TelemetrySettings, ValuesArriveInTheirFields) {
  const LoadedSettings loaded = LoadTelemetry(
      "", {{"OTEL_EXPORTER_OTLP_HEADERS", "x-key=a%20b%2Cc, Authorization = Bearer%20t="},
           {"OTEL_SERVICE_NAME", "gateway"},
           {"OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=prod,team=a%3Db"},
           {"OTEL_TRACES_SAMPLER", "parentbased_traceidratio"},
           {"OTEL_TRACES_SAMPLER_ARG", "0.25"},
           {"OTEL_BSP_SCHEDULE_DELAY", "2500"},
           {"OTEL_METRIC_EXPORT_INTERVAL", "30000"},
           {"OTEL_EXPORTER_OTLP_CERTIFICATE", "/etc/ca.pem"}});
  EXPECT_TRUE(loaded.findings.empty());
  const TelemetrySettings& telemetry = loaded.settings.telemetry;
  ASSERT_EQ(telemetry.otlp_headers.size(), 2U);
  EXPECT_EQ(telemetry.otlp_headers[0].first, "x-key");
  EXPECT_EQ(telemetry.otlp_headers[0].second.Reveal(), "a b,c");
  EXPECT_EQ(telemetry.otlp_headers[1].first, "Authorization");
  EXPECT_EQ(telemetry.otlp_headers[1].second.Reveal(), "Bearer t=");
  EXPECT_EQ(telemetry.service_name, "gateway");
  using Pair = std::pair<std::string, std::string>;
  EXPECT_EQ(telemetry.attributes,
            (std::vector<Pair>{{"deployment.environment.name", "prod"}, {"team", "a=b"}}));
  EXPECT_EQ(telemetry.sampler, (telemetry::Sampler{true, SampleBy::kRatio, 0.25}));
  EXPECT_EQ(telemetry.traces_interval, 2500ms);
  EXPECT_EQ(telemetry.metrics_interval, 30s);
  EXPECT_EQ(telemetry.otlp_ca_file, "/etc/ca.pem");
}

TEST(TelemetrySettings, TheFileHasUnitsAndTheEnvironmentWins) {
  const std::string yaml =
      "telemetry:\n  otlp_endpoint: http://file.example:1\n  traces_interval: 1s\n"
      "  metrics_interval: 90s\n  traces_sampler: always_off\n";
  const TelemetrySettings file = LoadTelemetry(yaml).settings.telemetry;
  EXPECT_EQ(file.traces_interval, 1s);
  EXPECT_EQ(file.metrics_interval, 90s);
  EXPECT_EQ(file.sampler.by, SampleBy::kNever);
  const TelemetrySettings both =
      LoadTelemetry(yaml, {{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://env.example:2"}})
          .settings.telemetry;
  EXPECT_EQ(both.otlp_endpoint->host, "env.example");
}

TEST(TelemetrySettings, AWrongVariableIsAWarningAndTheDefaultHolds) {
  const Environment wrong[] = {
      {{"OTEL_EXPORTER_OTLP_ENDPOINT", "c.example:4317"}},
      {{"OTEL_TRACES_SAMPLER", "jaeger_remote"}},
      {{"OTEL_TRACES_SAMPLER_ARG", "1.5"}},
      {{"OTEL_TRACES_SAMPLER_ARG", "nan"}},
      {{"OTEL_BSP_SCHEDULE_DELAY", "-1"}},
      {{"OTEL_BSP_SCHEDULE_DELAY", "9"}},
      {{"OTEL_SDK_DISABLED", "yes"}},
      {{"OTEL_RESOURCE_ATTRIBUTES", "a=1,b"}},
      {{"OTEL_RESOURCE_ATTRIBUTES", "a=%zz"}},
      {{"OTEL_EXPORTER_OTLP_HEADERS", "x-key"}},
      {{"OTEL_EXPORTER_OTLP_HEADERS", "x key=1"}},
      {{"OTEL_EXPORTER_OTLP_HEADERS", "x=1%0D%0Ay:2"}},
      {{"OTEL_EXPORTER_OTLP_HEADERS", "Content-Type=text/plain"}},
  };
  for (const Environment& environment : wrong) {
    const auto& [name, value] = *environment.begin();
    SCOPED_TRACE(fmt::format("{}={}", name, value));
    const LoadedSettings loaded = LoadTelemetry("", environment);
    ASSERT_EQ(loaded.findings.size(), 1U);
    EXPECT_EQ(loaded.findings[0].severity, Severity::kWarning);
    EXPECT_EQ(loaded.findings[0].place.origin, "env " + name);
    const TelemetrySettings& telemetry = loaded.settings.telemetry;
    EXPECT_FALSE(telemetry.TracesUrl());
    EXPECT_TRUE(telemetry.otlp_headers.empty() && telemetry.attributes.empty());
    EXPECT_EQ(telemetry.sampler, telemetry::Sampler());
    EXPECT_EQ(telemetry.traces_interval, 5s);
  }
}

TEST(TelemetrySettings, InTheFileAMistakeIsAMistake) {
  EXPECT_TRUE(HasErrors(LoadTelemetry("telemetry: { traces_sampler: jaeger_remote }\n").findings));
  EXPECT_TRUE(HasErrors(LoadTelemetry("telemetry: { otlp_endpoint: nowhere }\n").findings));
}

// Invariant 15: it is a credential, wherever it was written and whatever is wrong with it.
TEST(TelemetrySettings, HeadersAreNeverShown) {
  for (const char* value : {"x-key=hunter2", "hunter2", "x-key=hunter2,hunter2"}) {
    for (const LoadedSettings& loaded :
         {LoadTelemetry("", {{"OTEL_EXPORTER_OTLP_HEADERS", value}}),
          LoadTelemetry(std::string("telemetry:\n  otlp_headers:\n    - ") + value + "\n"),
          LoadTelemetry(std::string("telemetry:\n  otlp_heders: [\"") + value + "\"]\n"),
          LoadTelemetry(std::string("telemetry:\n  otlp_headers: [\"") + value + "\"]\n")}) {
      for (const Finding& finding : loaded.findings) {
        EXPECT_EQ(Render(finding).find("hunter2"), std::string::npos) << Render(finding);
      }
    }
  }
}

}  // namespace
}  // namespace podium::app
