// Brings spans and metrics of all cores to an OpenTelemetry collector, by OTLP over HTTP in JSON.
//
// It runs beside the cores and is never waited for: what cannot be sent is dropped and counted.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/exposition.h"
#include "base/limits.h"
#include "base/rng.h"
#include "base/secret.h"
#include "base/task.h"
#include "net/upstream.h"
#include "telemetry/otlp_json.h"
#include "telemetry/recorder.h"

namespace podium::app {

enum class OtlpSignal : std::uint8_t { kTraces, kMetrics };
inline constexpr std::size_t kOtlpSignals = 2;
enum class OtlpOutcome : std::uint8_t { kOk, kRetried, kFailed };
inline constexpr std::size_t kOtlpOutcomes = 3;

struct OtlpTarget {
  net::Origin origin;
  std::string path;
};

struct OtlpOptions {
  std::optional<OtlpTarget> traces;
  std::optional<OtlpTarget> metrics;
  std::vector<std::pair<std::string, Secret>> headers;
  telemetry::Sender sender{{}, ""};
  std::chrono::nanoseconds traces_interval = std::chrono::seconds(5);
  std::chrono::nanoseconds metrics_interval = std::chrono::seconds(60);
  std::chrono::nanoseconds timeout = limits::kOtlpTimeout;  ///< Of one export.
  /// How often the queues are looked at: one that is half full is emptied before its time.
  std::chrono::nanoseconds look_every = std::chrono::milliseconds(20);
};

/// Threads: the tasks on one executor; WriteMetrics anywhere.
class OtlpExporter {
 public:
  /// References and recorders outlive it.
  OtlpExporter(OtlpOptions options, std::vector<telemetry::Recorder*> recorders,
               net::Upstream& upstream, const Clock& clock, Rng& rng);

  // Until they are cancelled; at once where no target is set.
  Task<void> SendTraces();
  Task<void> SendMetrics();
  /// What there is, once, without a second try. REQUIRES: the two above have ended.
  Task<void> Flush(SteadyTime deadline);

  void WriteMetrics(Exposition& out) const;

 private:
  struct Request {
    OtlpSignal signal = OtlpSignal::kTraces;
    std::string body;
    std::size_t spans = 0;
  };
  /// What came of one try.
  struct Tried {
    OtlpOutcome outcome = OtlpOutcome::kFailed;
    std::optional<std::string> retry_after;
    std::string trouble;
  };

  bool FillTraces();
  bool IsHalfFull() const;
  std::vector<std::string> MetricsNow() const;
  /// With pauses, until it is taken or given up; false: cancelled, and still to be sent.
  Task<bool> Deliver(const Request& request);
  Task<Tried> TryOnce(const Request& request, SteadyTime deadline);
  Tried Judge(const Request& request, const net::UpstreamResponse& response, std::string_view body);
  void GiveUp(const Request& request, const std::string& trouble);
  void Count(OtlpSignal signal, OtlpOutcome outcome);
  void Drop(std::size_t spans) { dropped_.fetch_add(spans, std::memory_order_relaxed); }
  void Complain(OtlpSignal signal, const std::string& trouble);

  const OtlpOptions options_;
  const std::vector<telemetry::Recorder*> recorders_;
  net::Upstream& upstream_;
  const Clock& clock_;
  Rng& rng_;
  const WallTime started_;
  telemetry::TraceRequest traces_;
  std::optional<Request> unsent_;  // Traces that were taken from their queues.
  std::array<std::optional<SteadyTime>, kOtlpSignals> complained_;
  std::array<std::array<std::atomic<std::uint64_t>, kOtlpOutcomes>, kOtlpSignals> exports_{};
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace podium::app
