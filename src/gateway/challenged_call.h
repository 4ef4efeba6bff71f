// The one record of a call that champion and challenger were both asked (D4), on its way to the
// prediction log: whole when both have ended, which is often after the answer.
#pragma once

#include <chrono>
#include <memory>

#include "base/task.h"
#include "gateway/gateway_core.h"
#include "predictions/record.h"

namespace podium::gateway {

/// What is known of the two.
/// Threads: the core's of the call.
class ChallengedCall {
 public:
  virtual ~ChallengedCall() = default;
  /// Whether nothing more will be known.
  virtual bool ended() const = 0;
  /// Until it has ended, for `patience` of real time at most, or until the server stops.
  virtual Task<void> AwaitEnd(std::chrono::nanoseconds patience) = 0;
  /// Adds what is known by now. `with_answer`: the answer that was not given too. Nothing, when the
  /// call says nothing about either.
  virtual void Fill(predictions::Record& record, bool with_answer) const = 0;
};

/// Gives the record of a call that has been answered to the core's log: at once if both have ended,
/// else when they have, after limits::kChallengerPatience, or with the server.
void LogChallenged(const GatewayCore& core, std::shared_ptr<ChallengedCall> both,
                   std::unique_ptr<predictions::Record> record, bool with_answer);

}  // namespace podium::gateway
