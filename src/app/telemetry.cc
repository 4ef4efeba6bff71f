#include "app/telemetry.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace podium::app {
namespace {

constexpr int kInstanceIdLength = 26;  // 128 bits of chance, 5 to a character.

OtlpTarget TargetOf(const BaseUrl& url) {
  // Whoever configures a collector allows its address, and most are beside their senders.
  return {{url.tls, url.host, url.port, {.allow_private = true}}, url.path};
}

// What is said of this process; the settings' own attributes come first, so that none of them says
// who wrote the telemetry.
telemetry::Sender SenderOf(const TelemetrySettings& settings, const std::string& build, Rng& rng) {
  telemetry::Sender::Attributes attributes = settings.attributes;
  // OTEL_SERVICE_NAME wins over a service.name among the attributes; its default does not.
  const bool is_named = settings.service_name != TelemetrySettings().service_name;
  const auto has = [&](std::string_view key) {
    return std::ranges::any_of(settings.attributes,
                               [&](const auto& each) { return each.first == key; });
  };
  if (is_named || !has("service.name")) {
    attributes.emplace_back("service.name", settings.service_name);
  }
  if (!has("service.version")) attributes.emplace_back("service.version", build);
  if (!has("service.instance.id")) {
    attributes.emplace_back("service.instance.id", RandomToken(rng, kInstanceIdLength));
  }
  attributes.emplace_back("telemetry.sdk.name", "podium");
  attributes.emplace_back("telemetry.sdk.language", "cpp");
  attributes.emplace_back("telemetry.sdk.version", build);
  return {attributes, build};
}

OtlpOptions OptionsOf(const TelemetrySettings& settings, const std::string& build, Rng& rng) {
  OtlpOptions options;
  if (const auto url = settings.TracesUrl()) options.traces = TargetOf(*url);
  if (const auto url = settings.MetricsUrl()) options.metrics = TargetOf(*url);
  options.headers = settings.otlp_headers;
  options.sender = SenderOf(settings, build, rng);
  options.traces_interval = settings.traces_interval;
  options.metrics_interval = settings.metrics_interval;
  return options;
}

std::vector<std::unique_ptr<telemetry::Recorder>> MakeRecorders(const TelemetrySettings& settings,
                                                                std::size_t cores,
                                                                const Clock& clock, Rng& rng) {
  telemetry::RecorderOptions options;
  options.traces = settings.TracesUrl().has_value();
  options.sampler = settings.sampler;
  std::vector<std::unique_ptr<telemetry::Recorder>> recorders;
  for (std::size_t core = 0; core < cores; ++core) {
    recorders.push_back(std::make_unique<telemetry::Recorder>(options, clock, rng));
  }
  return recorders;
}

net::UpstreamPoolOptions PoolOptions(std::shared_ptr<const net::TlsTrust> trust) {
  net::UpstreamPoolOptions options;
  options.trust = std::move(trust);
  return options;
}

}  // namespace

Result<std::unique_ptr<Telemetry>> Telemetry::Make(const TelemetrySettings& settings,
                                                   const std::string& build, std::size_t cores,
                                                   const Clock& clock, Rng& rng) {
  const auto traces = settings.TracesUrl();
  const auto metrics = settings.MetricsUrl();
  if (!traces && !metrics) return std::unique_ptr<Telemetry>();
  std::shared_ptr<const net::TlsTrust> trust;
  if ((traces && traces->tls) || (metrics && metrics->tls)) {
    PODIUM_TRY_ASSIGN(trust, net::TlsTrust::Load(settings.otlp_ca_file.string()));
  }
  return std::unique_ptr<Telemetry>(
      new Telemetry(settings, build, cores, clock, rng, std::move(trust)));
}

Telemetry::Telemetry(const TelemetrySettings& settings, const std::string& build, std::size_t cores,
                     const Clock& clock, Rng& rng, std::shared_ptr<const net::TlsTrust> trust)
    : clock_(clock),
      recorders_(MakeRecorders(settings, cores, clock, rng)),
      upstream_(thread_.executor(0), clock, PoolOptions(std::move(trust))),
      exporter_(OptionsOf(settings, build, rng), recorders(), upstream_, clock, rng) {}

Telemetry::~Telemetry() { Stop(); }

std::vector<telemetry::Recorder*> Telemetry::recorders() const {
  std::vector<telemetry::Recorder*> all;
  all.reserve(recorders_.size());
  for (const auto& each : recorders_) all.push_back(each.get());
  return all;
}

void Telemetry::Start() {
  thread_.Run(0, [this] {
    sending_.emplace(thread_.executor(0));
    sending_->Spawn(exporter_.SendTraces());
    sending_->Spawn(exporter_.SendMetrics());
  });
}

Task<void> Telemetry::Finish(std::latch& ended) {
  auto join = sending_->Join();
  co_await std::move(join);
  auto flush = exporter_.Flush(clock_.SteadyNow() + kFlushTime);
  co_await std::move(flush);
  auto stop = upstream_.Stop();
  co_await std::move(stop);
  ended.count_down();
}

void Telemetry::Stop() {
  if (std::exchange(stopped_, true)) return;
  if (sending_) {
    std::latch ended(1);
    thread_.Post(0, [this, &ended] {
      sending_->Cancel();
      ending_.emplace(thread_.executor(0));
      ending_->Spawn(Finish(ended));
    });
    ended.wait();
  }
  thread_.Stop();
  sending_.reset();
  ending_.reset();
}

}  // namespace podium::app
