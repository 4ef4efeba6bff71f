#include "app/otlp_exporter.h"

#include <algorithm>
#include <map>
#include <memory>

#include "base/log.h"
#include "telemetry/export_policy.h"

namespace podium::app {
namespace {

using telemetry::ExportVerdict;

constexpr std::chrono::minutes kComplainEvery{1};
constexpr std::array<std::string_view, kOtlpSignals> kSignalNames = {"traces", "metrics"};
constexpr std::array<std::string_view, kOtlpOutcomes> kOutcomeNames = {"ok", "retried", "failed"};

std::size_t IndexOf(OtlpSignal signal) { return static_cast<std::size_t>(signal); }

net::UpstreamRequest RequestTo(const OtlpTarget& target, const OtlpOptions& options,
                               std::string body, SteadyTime deadline) {
  net::UpstreamRequest request;
  request.target = target.path.empty() ? "/" : target.path;
  request.headers.emplace_back("Content-Type", "application/json");
  request.headers.emplace_back("User-Agent", "podium");
  for (const auto& [name, value] : options.headers) {
    request.headers.emplace_back(name, value.Reveal());
  }
  request.body = std::move(body);
  request.timeouts.deadline = deadline;
  request.repeatable = true;  // Collectors tell spans apart by their ids.
  return request;
}

// As much of an answer as may say something.
Task<std::string> ReadAnswer(net::UpstreamResponse& response) {
  std::string body;
  while (body.size() <= limits::kMaxUpstreamErrorBytes) {
    auto read = response.ReadSome();
    const Result<std::string_view> piece = co_await std::move(read);
    if (!piece || piece->empty()) break;
    body += *piece;
  }
  co_return body;
}

}  // namespace

OtlpExporter::OtlpExporter(OtlpOptions options, std::vector<telemetry::Recorder*> recorders,
                           net::Upstream& upstream, const Clock& clock, Rng& rng)
    : options_(std::move(options)),
      recorders_(std::move(recorders)),
      upstream_(upstream),
      clock_(clock),
      rng_(rng),
      started_(clock.Now()),
      traces_(options_.sender) {}

bool OtlpExporter::IsHalfFull() const {
  return std::ranges::any_of(recorders_, [](telemetry::Recorder* recorder) {
    return 2 * recorder->spans().size() >= recorder->spans().capacity();
  });
}

// Takes what waits into one request; false: there is nothing.
bool OtlpExporter::FillTraces() {
  bool full = false;
  for (telemetry::Recorder* recorder : recorders_) {
    telemetry::SpanQueue& spans = recorder->spans();
    while (!full) {
      const telemetry::Span* span = spans.Front();
      if (span == nullptr) break;
      full = !traces_.Add(*span);
      if (!full) spans.Pop();
    }
  }
  if (traces_.spans() == 0) return false;
  const std::size_t count = traces_.spans();
  unsent_ = Request{OtlpSignal::kTraces, traces_.Take(), count};
  return true;
}

Task<void> OtlpExporter::SendTraces() {
  if (!options_.traces) co_return;
  SteadyTime due = clock_.SteadyNow() + options_.traces_interval;
  while (co_await NextTick(options_.look_every)) {
    if (clock_.SteadyNow() < due && !IsHalfFull()) continue;
    while (FillTraces()) {
      auto deliver = Deliver(*unsent_);
      if (!co_await std::move(deliver)) co_return;
      unsent_.reset();
    }
    due = clock_.SteadyNow() + options_.traces_interval;
  }
}

std::vector<std::string> OtlpExporter::MetricsNow() const {
  std::map<telemetry::SeriesKey, telemetry::SeriesPoint> series;
  for (telemetry::Recorder* recorder : recorders_) recorder->metrics().Collect(series);
  return telemetry::MetricsRequests(options_.sender, series, started_, clock_.Now());
}

Task<void> OtlpExporter::SendMetrics() {
  if (!options_.metrics) co_return;
  while (co_await NextTick(options_.metrics_interval)) {
    for (std::string& body : MetricsNow()) {
      const Request request{OtlpSignal::kMetrics, std::move(body), 0};
      auto deliver = Deliver(request);
      if (!co_await std::move(deliver)) co_return;
    }
  }
}

Task<void> OtlpExporter::Flush(SteadyTime deadline) {
  while (options_.traces && (unsent_ || FillTraces())) {
    auto attempt = TryOnce(*unsent_, deadline);
    const Tried tried = co_await std::move(attempt);
    if (tried.outcome != OtlpOutcome::kOk) GiveUp(*unsent_, tried.trouble);
    unsent_.reset();
  }
  if (!options_.metrics) co_return;
  for (std::string& body : MetricsNow()) {
    const Request request{OtlpSignal::kMetrics, std::move(body), 0};
    auto attempt = TryOnce(request, deadline);
    const Tried tried = co_await std::move(attempt);
    if (tried.outcome != OtlpOutcome::kOk) GiveUp(request, tried.trouble);
  }
}

Task<bool> OtlpExporter::Deliver(const Request& request) {
  for (int tries = 1;; ++tries) {
    auto attempt = TryOnce(request, clock_.SteadyNow() + options_.timeout);
    const Tried tried = co_await std::move(attempt);
    if (tried.outcome == OtlpOutcome::kOk) co_return true;
    const std::optional<std::string_view> asked =
        tried.retry_after ? std::optional<std::string_view>(*tried.retry_after) : std::nullopt;
    const auto pause = tried.outcome == OtlpOutcome::kRetried
                           ? telemetry::ExportPause(tries, asked, rng_.Next64())
                           : std::nullopt;
    if (!pause) {
      GiveUp(request, tried.trouble);
      co_return true;
    }
    auto wait = Pause(*pause);
    if (!co_await std::move(wait)) co_return false;  // The server stops: that ended the try too.
    Count(request.signal, OtlpOutcome::kRetried);
    Complain(request.signal, tried.trouble);
  }
}

Task<OtlpExporter::Tried> OtlpExporter::TryOnce(const Request& request, SteadyTime deadline) {
  const OtlpTarget& target =
      request.signal == OtlpSignal::kTraces ? *options_.traces : *options_.metrics;
  auto send = upstream_.Send(target.origin, RequestTo(target, options_, request.body, deadline));
  Result<std::unique_ptr<net::UpstreamResponse>> response = co_await std::move(send);
  if (!response) {
    co_return Tried{OtlpOutcome::kRetried, std::nullopt, Describe(response.error())};
  }
  auto read = ReadAnswer(**response);
  const std::string body = co_await std::move(read);
  co_return Judge(request, **response, body);
}

OtlpExporter::Tried OtlpExporter::Judge(const Request& request,
                                        const net::UpstreamResponse& response,
                                        std::string_view body) {
  Tried tried;
  tried.trouble = fmt::format("the collector answered {}", response.status());
  switch (telemetry::VerdictOf(response.status())) {
    case ExportVerdict::kTaken: {
      tried.outcome = OtlpOutcome::kOk;
      Count(request.signal, OtlpOutcome::kOk);
      const telemetry::PartialSuccess partial = telemetry::ReadPartialSuccess(body);
      if (partial.rejected == 0) break;
      if (request.signal == OtlpSignal::kTraces) {
        Drop(static_cast<std::size_t>(std::min<std::uint64_t>(partial.rejected, request.spans)));
      }
      Complain(request.signal, fmt::format("the collector rejected {} of them: {}",
                                           partial.rejected, partial.message));
      break;
    }
    case ExportVerdict::kAgain:
      tried.outcome = OtlpOutcome::kRetried;
      if (const auto asked = response.Find("retry-after")) tried.retry_after = std::string(*asked);
      break;
    case ExportVerdict::kRefused:
      tried.outcome = OtlpOutcome::kFailed;
      break;
  }
  return tried;
}

void OtlpExporter::GiveUp(const Request& request, const std::string& trouble) {
  Count(request.signal, OtlpOutcome::kFailed);
  Drop(request.spans);
  Complain(request.signal, trouble);
}

void OtlpExporter::Count(OtlpSignal signal, OtlpOutcome outcome) {
  exports_[IndexOf(signal)][static_cast<std::size_t>(outcome)].fetch_add(1,
                                                                         std::memory_order_relaxed);
}

// A collector may be away for days: that is one line a minute, not one for each try.
void OtlpExporter::Complain(OtlpSignal signal, const std::string& trouble) {
  const SteadyTime now = clock_.SteadyNow();
  std::optional<SteadyTime>& last = complained_[IndexOf(signal)];
  if (last && now - *last < kComplainEvery) return;
  last = now;
  LogWarning("telemetry does not reach its collector",
             {{"signal", kSignalNames[IndexOf(signal)]}, {"error", trouble}});
}

void OtlpExporter::WriteMetrics(Exposition& out) const {
  out.Family("podium_otlp_exports_total", "counter",
             "Exports to the OpenTelemetry collector: taken, tried again, given up.");
  for (std::size_t signal = 0; signal < kOtlpSignals; ++signal) {
    for (std::size_t outcome = 0; outcome < kOtlpOutcomes; ++outcome) {
      out.Sample({{"signal", kSignalNames[signal]}, {"outcome", kOutcomeNames[outcome]}},
                 static_cast<double>(exports_[signal][outcome].load(std::memory_order_relaxed)));
    }
  }
  std::uint64_t dropped = dropped_.load(std::memory_order_relaxed);
  for (telemetry::Recorder* recorder : recorders_) dropped += recorder->spans().dropped();
  out.Family("podium_otlp_dropped_spans_total", "counter",
             "Spans that no collector has: no room to wait in, or nobody took them.");
  out.Sample({}, static_cast<double>(dropped));
}

}  // namespace podium::app
