// How long a peer may still keep us waiting. Pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "base/limits.h"

namespace podium::net {

/// The waits for one body: `patience` for each, and on average at least
/// limits::kMinBytesPerSecond. Without the second rule a byte every 29 seconds would hold a
/// connection for ever. Only time spent waiting for the peer counts.
class Pace {
 public:
  explicit Pace(std::chrono::nanoseconds patience) : patience_(patience) {}

  /// How long the next wait may take; 0 when the peer has used up all it had.
  std::chrono::nanoseconds Left() const {
    const auto earned = kPerByte * static_cast<std::int64_t>(bytes_);
    return std::clamp(patience_ + earned - waited_, std::chrono::nanoseconds::zero(), patience_);
  }
  /// A wait has ended.
  void Took(std::chrono::nanoseconds waited, std::size_t bytes) {
    waited_ += waited;
    bytes_ += bytes;
  }

 private:
  static constexpr std::chrono::nanoseconds kPerByte =
      std::chrono::nanoseconds(std::chrono::seconds(1)) / limits::kMinBytesPerSecond;

  std::chrono::nanoseconds patience_;
  std::chrono::nanoseconds waited_{0};
  std::size_t bytes_ = 0;
};

}  // namespace podium::net
