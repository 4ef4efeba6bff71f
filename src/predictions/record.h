// One prediction on its way from the core that answered it to the segment, and its line there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/prediction.h"
#include "predictions/logging_policy.h"

namespace podium::limits {
inline constexpr std::size_t kMaxPredictionTextBytes = 256;  ///< Of each id in a line.
/// Of one payload in the log; of a longer one only its size is kept.
inline constexpr std::size_t kMaxPredictionPayload = 64 * 1024;
}  // namespace podium::limits

namespace podium::predictions {

/// A body as it went over the wire.
struct Payload {
  std::string bytes;     ///< Empty when it was too long to be kept.
  std::size_t size = 0;  ///< Of the whole body.
};

/// As a body may be kept: whole, or its size alone.
Payload KeptPayload(std::string bytes);

struct Record {
  PredictionRow row;               ///< All but replica, segment and offset, which the writer knows.
  std::string path;                ///< Of the URL, as it was asked.
  std::optional<Payload> request;  ///< Unset when the route keeps none.
  std::optional<Payload> answer;
  /// What the other one of champion and challenger said, whose answer was not given.
  std::optional<Payload> other_answer;

  /// What it takes of a queue.
  std::size_t bytes() const;
};

/// The record as one line of NDJSON, with its line end. Ids and outcome come first, in a fixed
/// order; payloads last: as JSON where they are, else as text. Pure.
std::string LineOf(const Record& record, const RouteLogging& policy);

/// What the index keeps of a line; segment and offset are not in it. kUnprocessable when it is not
/// one of LineOf. Payloads are passed over.
Result<PredictionRow> RowOfLine(std::string_view line);

/// A unit as it may be kept.
std::string KeptUnit(std::string_view unit, Units units);

}  // namespace podium::predictions
