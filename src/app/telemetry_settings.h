// `telemetry.*`: where OpenTelemetry's traces and metrics go, by the standard's own names.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/base_url.h"
#include "base/result.h"
#include "base/secret.h"
#include "telemetry/sampler.h"

namespace podium::app {

struct TelemetrySettings {
  bool disabled = false;                                        ///< OTEL_SDK_DISABLED
  std::optional<BaseUrl> otlp_endpoint;                         ///< Without /v1/traces.
  std::optional<BaseUrl> otlp_traces_endpoint;                  ///< As it is.
  std::optional<BaseUrl> otlp_metrics_endpoint;                 ///< As it is.
  std::vector<std::pair<std::string, Secret>> otlp_headers;     ///< With each export.
  std::filesystem::path otlp_ca_file;                           ///< PEM; empty: the system's.
  std::string service_name = "podium";                          ///< service.name
  std::vector<std::pair<std::string, std::string>> attributes;  ///< Of the resource.
  telemetry::Sampler sampler;                                   ///< With its argument.
  std::chrono::milliseconds traces_interval{5'000};             ///< Longest wait of a span.
  std::chrono::milliseconds metrics_interval{60'000};

  /// Where each signal goes; nullopt: nowhere.
  std::optional<BaseUrl> TracesUrl() const;
  std::optional<BaseUrl> MetricsUrl() const;
};

/// A `name=value` of the standard's lists, percent-decoded, without the white space around the two.
Result<std::pair<std::string, std::string>> ParseListMember(std::string_view text);

}  // namespace podium::app
