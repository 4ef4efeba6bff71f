// What each core keeps for telemetry: spans on their way out, and the metrics of its calls. Nothing
// here is shared with other cores, so nothing is locked.
#pragma once

#include <cstddef>
#include <optional>

#include "base/clock.h"
#include "base/limits.h"
#include "base/rng.h"
#include "telemetry/gen_ai_metrics.h"
#include "telemetry/sampler.h"
#include "telemetry/span_queue.h"
#include "telemetry/trace_context.h"

namespace podium::telemetry {

struct RecorderOptions {
  bool traces =
      true;  ///< Somebody takes spans; without, callers' headers are passed on as they are.
  Sampler sampler;
  std::size_t waiting_spans = limits::kMaxWaitingSpans;
};

/// A call's place in its trace.
struct CallPlace {
  TraceContext self;  ///< The call's own span; `sampled` is the decision.
  SpanId parent;      ///< None: the trace begins here.
};

/// Threads: its core's, but for what the queue and the metrics say of themselves.
class Recorder {
 public:
  using Options = RecorderOptions;
  /// Clock and rng outlive it.
  Recorder(const Options& options, const Clock& clock, Rng& rng)
      : traces_(options.traces),
        sampler_(options.sampler),
        clock_(clock),
        rng_(rng),
        spans_(options.traces ? options.waiting_spans : 1) {}

  bool traces() const { return traces_; }
  const Clock& clock() const { return clock_; }
  Rng& rng() { return rng_; }
  SpanQueue& spans() { return spans_; }
  GenAiMetrics& metrics() { return metrics_; }

  /// Below its caller's span, or at the head of a new trace. REQUIRES: traces().
  CallPlace Place(const std::optional<TraceContext>& caller);
  /// The wall clock's reading at `moment`.
  WallTime WallAt(SteadyTime moment) const;

 private:
  const bool traces_;
  const Sampler sampler_;
  const Clock& clock_;
  Rng& rng_;
  SpanQueue spans_;
  GenAiMetrics metrics_;
};

}  // namespace podium::telemetry
