// Which calls leave spans, as `OTEL_TRACES_SAMPLER` names the ways. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "telemetry/trace_context.h"

namespace podium::telemetry {

/// What is decided of a trace that begins here, or of all if the caller's word is not heeded.
enum class SampleBy : std::uint8_t { kAlways, kNever, kRatio };

struct Sampler {
  bool parent_based = true;  ///< The caller's decision holds where there is one.
  SampleBy by = SampleBy::kAlways;
  double ratio = 1.0;  ///< Of kRatio, in [0, 1].

  bool operator==(const Sampler&) const = default;
};

/// The standard's names: always_on, always_off, traceidratio, and the same behind "parentbased_".
/// Error: kInvalidArgument, naming them.
Result<Sampler> SamplerNamed(std::string_view name);

/// The same answer for the same trace wherever it is asked, so that a trace is whole: the ratio is
/// of the id's lower 63 bits, as other SDKs have it.
bool Samples(const Sampler& sampler, const std::optional<TraceContext>& caller,
             const TraceId& trace);

}  // namespace podium::telemetry
