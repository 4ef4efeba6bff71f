// What a server knows of its own place among the replicas: which incarnation it is, and since when
// it has been able to tell the others that it serves.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/limits.h"

namespace podium::store {

/// Between two beats that count as one after the other: the others may have been as unable to beat,
/// and must have some of limits::kReplicaExpiry left to do it.
inline constexpr std::chrono::milliseconds kBeatGap = 3 * limits::kReplicaHeartbeat;

/// Threads: all methods from any thread.
class OwnPlace {
 public:
  explicit OwnPlace(std::string incarnation) : incarnation_(std::move(incarnation)) {}

  const std::string& incarnation() const { return incarnation_; }

  /// A beat is in the registry.
  void Wrote(SteadyTime now) {
    const std::lock_guard lock(mutex_);
    if (!last_ || now - *last_ > kBeatGap) since_ = now;
    last_ = now;
    newest_ = now;
    joined_ = true;
    trouble_.clear();
  }
  void CouldNotWrite(std::string why) {
    const std::lock_guard lock(mutex_);
    last_.reset();
    trouble_ = std::move(why);
  }

  bool joined() const {  ///< Once at least.
    const std::lock_guard lock(mutex_);
    return joined_;
  }
  /// Since the newest beat that came through; nullopt: none has yet.
  std::optional<std::chrono::nanoseconds> Silence(SteadyTime now) const {
    const std::lock_guard lock(mutex_);
    if (!newest_) return std::nullopt;
    return now - *newest_;
  }
  /// Why the last one did not; empty when it did.
  std::string trouble() const {
    const std::lock_guard lock(mutex_);
    return trouble_;
  }
  /// For how long beats have come through without a gap; 0 while they do not.
  std::chrono::nanoseconds WritesFor(SteadyTime now) const {
    const std::lock_guard lock(mutex_);
    if (!last_ || now - *last_ > kBeatGap) return std::chrono::nanoseconds(0);
    return now - since_;
  }

 private:
  const std::string incarnation_;
  mutable std::mutex mutex_;        // Over all below.
  std::optional<SteadyTime> last_;  ///< Since the last failure.
  std::optional<SteadyTime> newest_;
  SteadyTime since_;
  bool joined_ = false;
  std::string trouble_;
};

}  // namespace podium::store
