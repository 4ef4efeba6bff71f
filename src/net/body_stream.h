// A body that comes piece by piece.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "base/task.h"
#include "net/pending_read.h"

namespace podium::net {

/// Pulled, so that a slow reader pauses the source: the next piece is asked for once the kernel has
/// taken the one before. Best is a piece that holds all that is ready, since each costs one system
/// call.
/// Threads: only on the core of its connection. It outlives the exchange that it answers, whose
/// views and memory are gone by then: it owns what it needs.
class BodyStream {
 public:
  virtual ~BodyStream() = default;
  BodyStream(const BodyStream&) = delete;
  BodyStream& operator=(const BodyStream&) = delete;

  /// The next piece, valid until the next call; empty at the clean end. An error cuts the
  /// connection without the last chunk, so that the caller sees a cut.
  virtual Task<Result<std::string_view>> Next() = 0;
  /// What Next would give without waiting; nullopt where there is nothing yet, or nothing is known:
  /// BeginRead or Next goes on.
  virtual std::optional<Result<std::string_view>> TryNext() { return std::nullopt; }
  /// The wait of Next, as UpstreamResponse::BeginRead has it; nullopt: use Next. After EndRead,
  /// TryNext.
  virtual std::optional<PendingRead> BeginRead(const Cancellation&) { return std::nullopt; }
  virtual void EndRead(const ClientConnection::Came&, const Cancellation&) {}
  /// The caller has left or the write failed: ends what is waited for, soon. What is
  /// given after that goes nowhere. At most once, and not after the end; a cancelled task ends the
  /// wait in the same way.
  virtual void Cancel() = 0;

 protected:
  BodyStream() = default;
};

}  // namespace podium::net
