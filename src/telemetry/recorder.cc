#include "telemetry/recorder.h"

#include <chrono>

namespace podium::telemetry {

CallPlace Recorder::Place(const std::optional<TraceContext>& caller) {
  CallPlace place;
  place.self.trace = caller ? caller->trace : NewTraceId(rng_);
  place.self.sampled = Samples(sampler_, caller, place.self.trace);
  place.self.span = NewSpanId(rng_);
  if (caller) place.parent = caller->span;
  return place;
}

WallTime Recorder::WallAt(SteadyTime moment) const {
  return clock_.Now() - std::chrono::duration_cast<WallTime::duration>(clock_.SteadyNow() - moment);
}

}  // namespace podium::telemetry
