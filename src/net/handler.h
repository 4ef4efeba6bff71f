// What stands between HTTP and the rest of Podium: a request in hand, a response wanted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "net/http_head.h"
#include "net/response.h"

namespace podium::net {

/// Readable bytes behind every whole body (their content is undefined): what simdjson asks for.
inline constexpr std::size_t kBodyPadding = 64;

/// One request on one connection.
/// Threads: only on the core that received it. All views stay valid until the handler has answered.
class Exchange {
 public:
  virtual ~Exchange() = default;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  const RequestHead& head() const { return head_; }
  SteadyTime received() const { return received_; }                ///< When the head was complete.
  std::string_view peer_address() const { return peer_address_; }  ///< Without the port.
  bool peer_is_loopback() const { return peer_is_loopback_; }
  std::size_t core() const { return core_; }

  /// The whole body when every byte of it has arrived already, or the error that reading it gives;
  /// nullopt means: use ReadBody. Never suspends, so TryHandle may call it.
  virtual std::optional<Result<std::string_view>> TryBody(std::size_t limit) = 0;

  /// The whole body, with kBodyPadding readable bytes behind it. May be called again.
  /// Errors: kTooLarge above `limit` (before anything is read, if the length is announced),
  /// kTimeout when the sender stalls, kInvalidArgument for broken framing or an early end. After an
  /// error the answer still goes out and the connection ends.
  virtual Task<Result<std::string_view>> ReadBody(std::size_t limit) = 0;

  /// The next piece of the body, valid until the next call; empty at its end. Errors as above, with
  /// `total_limit` for the sum. Not to be mixed with the two functions above.
  virtual Task<Result<std::string_view>> ReadSome(std::uint64_t total_limit) = 0;

  /// From now on `left` is called, once, by the core's loop, when the caller ends or breaks its
  /// connection, or the server's drain cuts it; within a sweep of the server (a quarter of a
  /// second), also if that has happened. The end of sending counts: nobody who wants an answer
  /// closes. The next request, sent early, ends the watch.
  /// Replaces what was watched by; an empty function ends the watch, and so does the answer.
  /// Costs nothing where it is not called. REQUIRES: the body has been read; `left` does not block.
  virtual void WatchCaller(std::function<void()> left) = 0;

 protected:
  Exchange() = default;

  RequestHead head_;
  SteadyTime received_{};
  std::string_view peer_address_;
  bool peer_is_loopback_ = false;
  std::size_t core_ = 0;
};

/// Answers requests. One object may serve all cores: then its methods run on several threads.
class Handler {
 public:
  virtual ~Handler() = default;
  /// The fast path: answers at once, without a coroutine, or returns false having done nothing but
  /// looked (then Handle is called). `out` is as new, but owns memory from earlier answers.
  virtual bool TryHandle(Exchange& exchange, Response& out) {
    (void)exchange, (void)out;
    return false;
  }
  /// REQUIRES: does not throw. The exchange outlives the task.
  virtual Task<Response> Handle(Exchange& exchange) = 0;
};

}  // namespace podium::net
