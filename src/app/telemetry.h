// Telemetry as the server has it: what each core records into, and the thread that sends it.
#pragma once

#include <chrono>
#include <cstddef>
#include <latch>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/otlp_exporter.h"
#include "app/settings.h"
#include "base/clock.h"
#include "base/exposition.h"
#include "base/result.h"
#include "base/rng.h"
#include "base/task.h"
#include "net/core_pool.h"
#include "net/tls.h"
#include "net/upstream_pool.h"
#include "telemetry/recorder.h"

namespace podium::app {

/// How long a stop waits for the collector.
inline constexpr std::chrono::seconds kFlushTime{2};

/// Threads: Start and Stop on one, outside of all pools; WriteMetrics anywhere.
class Telemetry {
 public:
  /// Null when settings name no collector. Error: a ca_file that cannot be used. Clock and rng
  /// outlive it.
  static Result<std::unique_ptr<Telemetry>> Make(const TelemetrySettings& settings,
                                                 const std::string& build, std::size_t cores,
                                                 const Clock& clock, Rng& rng);
  ~Telemetry();  ///< Stops.
  Telemetry(const Telemetry&) = delete;
  Telemetry& operator=(const Telemetry&) = delete;

  /// One for each core; they live as long as this.
  std::vector<telemetry::Recorder*> recorders() const;
  void Start();
  /// Sends what there is, within kFlushTime. REQUIRES: nothing is recorded any more. Idempotent.
  void Stop();
  void WriteMetrics(Exposition& out) const { exporter_.WriteMetrics(out); }

 private:
  Telemetry(const TelemetrySettings& settings, const std::string& build, std::size_t cores,
            const Clock& clock, Rng& rng, std::shared_ptr<const net::TlsTrust> trust);
  Task<void> Finish(std::latch& ended);

  const Clock& clock_;
  std::vector<std::unique_ptr<telemetry::Recorder>> recorders_;
  net::CorePool thread_{1};
  net::UpstreamPool upstream_;
  OtlpExporter exporter_;
  std::optional<TaskGroup> sending_;
  std::optional<TaskGroup> ending_;
  bool stopped_ = false;
};

}  // namespace podium::app
