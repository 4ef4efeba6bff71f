// Spans and metrics as OTLP writes them in JSON: ids in hexadecimal, whole numbers of 64 bits as
// text, enumerations as numbers. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "telemetry/gen_ai_metrics.h"
#include "telemetry/span.h"

namespace podium::telemetry {

/// Resource attributes; of those beyond it none are sent.
inline constexpr std::size_t kMaxResourceAttributes = 64;

/// Who sends: what stands once in each request.
class Sender {
 public:
  using Attributes = std::vector<std::pair<std::string, std::string>>;
  /// `attributes` name the process: service.name and the like; the last of a key holds. `build` is
  /// the version of Podium.
  Sender(const Attributes& attributes, std::string_view build);

  const std::string& resource() const { return resource_; }  ///< {"attributes":[…]}
  const std::string& scope() const { return scope_; }        ///< {"name":"podium",…}

 private:
  std::string resource_;
  std::string scope_;
};

/// Bodies of `POST /v1/traces`, one after the other.
class TraceRequest {
 public:
  /// `sender` outlives it.
  explicit TraceRequest(const Sender& sender, std::size_t max_bytes = limits::kMaxOtlpRequestBytes)
      : sender_(sender), max_bytes_(max_bytes) {}

  /// False: it would not fit, so Take comes first. The first span always fits.
  bool Add(const Span& span);
  std::size_t spans() const { return spans_; }
  /// The body, whole; another one begins. REQUIRES: spans() > 0.
  std::string Take();

 private:
  const Sender& sender_;
  const std::size_t max_bytes_;
  std::string text_;
  std::size_t spans_ = 0;
};

/// Bodies of `POST /v1/metrics`: as many as `max_bytes` of each demands, none without a series.
/// Cumulative since `start`.
std::vector<std::string> MetricsRequests(const Sender& sender,
                                         const std::map<SeriesKey, SeriesPoint>& series,
                                         WallTime start, WallTime now,
                                         std::size_t max_bytes = limits::kMaxOtlpRequestBytes);

/// What a collector says in an answer with status 200: of how much of the request it wants nothing.
struct PartialSuccess {
  std::uint64_t rejected = 0;  ///< Spans or points.
  std::string message;         ///< May be empty; of the collector's making.
};
/// Zero for anything that is no such text: an answer need not have a body.
PartialSuccess ReadPartialSuccess(std::string_view body);

}  // namespace podium::telemetry
