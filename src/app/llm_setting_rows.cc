// The settings of language models: providers, routes and how calls are carried out.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "app/setting_rows.h"
#include "base/limits.h"
#include "domain/names.h"
#include "domain/version.h"

namespace podium::app {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""us;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""h;
using Values = std::vector<std::string>;

auto TimeoutOf(std::chrono::milliseconds gateway::ProviderTimeouts::* member) {
  return [member](Settings& settings, const std::string& name) -> std::chrono::milliseconds& {
    return settings.providers[name].timeouts.*member;
  };
}

template <typename T>
auto OfAttempts(T gateway::AttemptPolicy::* member) {
  return
      [member](Settings& settings, const std::string&) -> T& { return settings.attempts.*member; };
}

template <typename T>
auto OfBreaker(T gateway::BreakerPolicy::* member) {
  return
      [member](Settings& settings, const std::string&) -> T& { return settings.breaker.*member; };
}

template <typename T>
auto OfDrain(T gateway::DrainPolicy::* member) {
  return [member](Settings& settings, const std::string&) -> T& { return settings.drain.*member; };
}

template <typename Slot>
SettingRow FlagRow(std::string_view path, Slot slot, std::string_view help) {
  return ChoiceRow(path, "true or false", slot, kYesNo, help);
}

/// A name: of a provider, a model, a variable.
template <typename Slot>
SettingRow NameSettingRow(std::string_view path, std::string_view type, Slot slot,
                          std::string_view help) {
  SettingRow row = Row(path, type, help);
  row.set = [=](Settings& settings, const std::string& name, const Values& values) -> Status {
    if (auto checked = CheckText("it", values.at(0), limits::kMaxModelNameBytes);
        !checked || values.at(0).empty()) {
      return Fail(ErrorCode::kInvalidArgument, "must be 1 to {} bytes of text",
                  limits::kMaxModelNameBytes);
    }
    slot(settings, name) = values.at(0);
    return {};
  };
  row.show = [=](Settings settings) { return slot(settings, ""); };
  return row;
}

SettingRow BaseUrlRow() {
  SettingRow row = Row("providers.*.base_url", "URL",
                       "Where it is: scheme, host, port, and the path before the endpoint.");
  row.set = [](Settings& settings, const std::string& name, const Values& values) -> Status {
    Result<BaseUrl> url = ParseBaseUrl(values.at(0));
    if (!url) return Fail(std::move(url).error());
    settings.providers[name].base_url = *std::move(url);
    return {};
  };
  row.show = [](const Settings&) { return std::string(); };
  return row;
}

SettingRow FallbackOnRow() {
  SettingRow row = Row("llm.fallback_on", "list",
                       "After which failures another of the chain is asked: errors, timeouts, "
                       "context_length, content_policy.");
  row.is_list = true;
  using gateway::FallbackOn;
  static constexpr std::array<std::pair<std::string_view, bool FallbackOn::*>, 4> kWords{{
      {"errors", &FallbackOn::errors},
      {"timeouts", &FallbackOn::timeouts},
      {"context_length", &FallbackOn::context_length},
      {"content_policy", &FallbackOn::content_policy},
  }};
  row.set = [](Settings& settings, const std::string&, const Values& values) -> Status {
    FallbackOn on{false, false, false, false};
    for (const std::string& value : values) {
      const auto known = std::ranges::find(
          kWords, value, [](const auto& word) { return std::string(word.first); });
      if (known == kWords.end()) {
        return Fail(ErrorCode::kInvalidArgument,
                    "holds \"{}\", known are errors, timeouts, context_length and content_policy",
                    value);
      }
      on.*known->second = true;
    }
    settings.attempts.fallback_on = on;
    return {};
  };
  row.show = [](const Settings& settings) {
    std::string text;
    for (const auto& [word, member] : kWords) {
      if (!(settings.attempts.fallback_on.*member)) continue;
      if (!text.empty()) text += ',';
      text += word;
    }
    return text;
  };
  return row;
}

std::vector<SettingRow> ProviderRows() {
  using gateway::ProviderKind;
  using gateway::ProviderTimeouts;
  return {
      ChoiceRow("providers.*.kind", "openai or anthropic", OfProvider(&ProviderSettings::kind),
                std::to_array<std::pair<std::string_view, ProviderKind>>(
                    {{"openai", ProviderKind::kOpenAi}, {"anthropic", ProviderKind::kAnthropic}}),
                "What it speaks: OpenAI and all that are like it, or Anthropic's Messages."),
      BaseUrlRow(),
      NameSettingRow("providers.*.api_key_env", "variable",
                     OfProvider(&ProviderSettings::api_key_env),
                     "The environment variable that holds its credential."),
      PathRow("providers.*.api_key_file", OfProvider(&ProviderSettings::api_key_file),
              "The file that holds it. With neither no credential is sent."),
      FlagRow("providers.*.allow_private", OfProvider(&ProviderSettings::allow_private),
              "Whether it may be at a loopback or private address."),
      PathRow("providers.*.ca_file", OfProvider(&ProviderSettings::ca_file),
              "Whose certificates are believed, as PEM; without it, those that the system trusts."),
      FlagRow("providers.*.azure", OfProvider(&ProviderSettings::azure),
              "Whether paths below base_url and credential are Azure's: openai/deployments/MODEL, "
              "api-key."),
      NameSettingRow("providers.*.api_version", "text", OfProvider(&ProviderSettings::api_version),
                     "Value of the query's api-version; without it, none is sent."),
      FlagRow("providers.*.native_responses", OfProvider(&ProviderSettings::native_responses),
              "Whether it has /responses; else that surface becomes chat completions there."),
      FlagRow("providers.*.legacy_max_tokens", OfProvider(&ProviderSettings::legacy_max_tokens),
              "Whether it knows max_tokens only, not max_completion_tokens."),
      WholeRow("providers.*.default_max_tokens", OfProvider(&ProviderSettings::default_max_tokens),
               1, limits::kMaxRequestedTokens,
               "Bound of an answer for providers that demand one, when the caller gives none."),
      DurationRow("providers.*.connect_timeout", TimeoutOf(&ProviderTimeouts::connect), 1ms, 1h,
                  "From the name of the host to the end of the TLS handshake."),
      DurationRow("providers.*.first_token_timeout", TimeoutOf(&ProviderTimeouts::first_token), 1ms,
                  1h, "From sending a call to the first token of its stream."),
      DurationRow("providers.*.idle_timeout", TimeoutOf(&ProviderTimeouts::idle), 1ms, 1h,
                  "Between two pieces of an answer."),
      DurationRow("providers.*.timeout", TimeoutOf(&ProviderTimeouts::total), 1ms, 24h,
                  "For one attempt, all of it."),
  };
}

std::vector<SettingRow> RouteRows() {
  using routing::UnknownRoutes;
  const auto of_route = [](std::string routing::UpstreamTarget::* member) {
    return [member](Settings& settings, const std::string& tag) -> std::string& {
      return settings.routes[tag].*member;
    };
  };
  return {
      NameSettingRow(
          "default_provider", "provider", Of(&Settings::default_provider),
          "Who is asked when neither the registry nor the route's setting has an answer."),
      ChoiceRow("unknown_routes", "allow or deny", Of(&Settings::unknown_routes),
                std::to_array<std::pair<std::string_view, UnknownRoutes>>(
                    {{"allow", UnknownRoutes::kAllow}, {"deny", UnknownRoutes::kDeny}}),
                "Whether models that nothing knows go to the default provider, or are 404."),
      NameSettingRow("routes.*.default.provider", "provider",
                     of_route(&routing::UpstreamTarget::provider),
                     "Who answers a route when the registry cannot."),
      NameSettingRow("routes.*.default.model", "text",
                     of_route(&routing::UpstreamTarget::upstream_model),
                     "And the model's name there."),
  };
}

std::vector<SettingRow> CallRows() {
  using gateway::AttemptPolicy;
  using gateway::BreakerPolicy;
  using gateway::DrainPolicy;
  constexpr std::uint64_t kKiB = 1024;
  return {
      WholeRow("llm.max_attempts", OfAttempts(&AttemptPolicy::max_attempts), 1, 20,
               "Attempts of one call, whoever is asked."),
      WholeRow("llm.retries", OfAttempts(&AttemptPolicy::retries), 0, 10,
               "Of those, further ones at the same model before the next of the chain is asked."),
      DurationRow("llm.retry_backoff", OfAttempts(&AttemptPolicy::backoff), 0us, 1h,
                  "Pause before the first retry, with jitter; doubled for each further one."),
      DurationRow("llm.retry_backoff_max", OfAttempts(&AttemptPolicy::max_backoff), 0us, 1h,
                  "The longest pause; who asks for a longer one (Retry-After) is not retried."),
      FallbackOnRow(),
      DurationRow("llm.timeout", Of(&Settings::llm_timeout), 1ms, 24h,
                  "For one call with all its attempts."),
      SizeRow("llm.max_body_bytes", Of(&Settings::max_llm_bytes), kKiB, kKiB * kKiB * kKiB,
              "Largest body of a call."),
      WholeRow("llm.drain_streams", OfDrain(&DrainPolicy::streams), 0, 10'000,
               "Streams per core whose caller has left and that are read on for their usage; 0: "
               "the provider is told to stop, and the usage is estimated."),
      SizeRow("llm.drain_bytes", OfDrain(&DrainPolicy::bytes), kKiB, kKiB * kKiB * kKiB,
              "The most that is read of one."),
      DurationRow("llm.drain_time", OfDrain(&DrainPolicy::time), 1ms, 1h, "For how long, at most."),
      WholeRow("llm.breaker_failures", OfBreaker(&BreakerPolicy::failures), 0, 1'000'000,
               "Failures in a row after which a model of a provider is left alone; 0: none."),
      WholeRow("llm.breaker_error_percent", OfBreaker(&BreakerPolicy::error_percent), 0, 100,
               "Share of failures in a window after which it is; 0: none."),
      WholeRow("llm.breaker_min_calls", OfBreaker(&BreakerPolicy::min_calls), 1, 1'000'000,
               "Calls in a window before that share means anything."),
      DurationRow("llm.breaker_window", OfBreaker(&BreakerPolicy::window), 2ms, 1h,
                  "How long that window is."),
      DurationRow("llm.breaker_open_time", OfBreaker(&BreakerPolicy::open_time), 1ms, 1h,
                  "How long it is left alone before a probe; doubled while probes fail."),
      DurationRow("llm.breaker_max_open_time", OfBreaker(&BreakerPolicy::max_open_time), 1ms, 1h,
                  "The longest that it is."),
  };
}

}  // namespace

std::vector<SettingRow> LlmSettingRows() {
  std::vector<SettingRow> rows = ProviderRows();
  for (SettingRow& row : RouteRows()) rows.push_back(std::move(row));
  for (SettingRow& row : CallRows()) rows.push_back(std::move(row));
  return rows;
}

}  // namespace podium::app
