#include "telemetry/sampler.h"

namespace podium::telemetry {
namespace {

constexpr std::string_view kParentBased = "parentbased_";
constexpr double kTwoTo63 = 9223372036854775808.0;

bool IsWithin(const TraceId& trace, double ratio) {
  if (ratio >= 1.0) return true;
  if (!(ratio > 0.0)) return false;
  return (trace.low >> 1) < static_cast<std::uint64_t>(ratio * kTwoTo63);
}

}  // namespace

Result<Sampler> SamplerNamed(std::string_view name) {
  Sampler sampler;
  std::string_view rest = name;
  sampler.parent_based = rest.starts_with(kParentBased);
  if (sampler.parent_based) rest.remove_prefix(kParentBased.size());
  if (rest == "always_on") {
    sampler.by = SampleBy::kAlways;
  } else if (rest == "always_off") {
    sampler.by = SampleBy::kNever;
  } else if (rest == "traceidratio") {
    sampler.by = SampleBy::kRatio;
  } else {
    return Fail(ErrorCode::kInvalidArgument,
                "is \"{}\", must be always_on, always_off or traceidratio, or one of these behind "
                "parentbased_",
                name);
  }
  return sampler;
}

bool Samples(const Sampler& sampler, const std::optional<TraceContext>& caller,
             const TraceId& trace) {
  if (sampler.parent_based && caller) return caller->sampled;
  switch (sampler.by) {
    case SampleBy::kAlways:
      return true;
    case SampleBy::kNever:
      return false;
    case SampleBy::kRatio:
      return IsWithin(trace, sampler.ratio);
  }
  return false;
}

}  // namespace podium::telemetry
