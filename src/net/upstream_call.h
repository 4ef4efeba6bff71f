// One call on one connection of the pool: the request out, the head in, the body piece by piece.
// Part of upstream_pool.cc in all but file.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/byte_buffer.h"
#include "net/client_connection.h"
#include "net/http_body.h"
#include "net/inq_buffer.h"
#include "net/upstream.h"

namespace podium::net {

/// A waiting call's first buffer, and the largest that one grows to when it fills it.
inline constexpr std::size_t kUpstreamReadBytes = 4 * 1024;
inline constexpr std::size_t kMaxUpstreamReadBytes = 64 * 1024;
/// Answers before the answer (1xx) that are passed over.
inline constexpr int kMaxInterimAnswers = 8;

/// The connections of one origin.
struct UpstreamShelf {
  struct Kept {
    std::unique_ptr<ClientConnection> connection;
    SteadyTime since;    ///< When it was kept.
    SteadyTime checked;  ///< When it was last known to be alive.
  };
  Origin origin;
  std::vector<Kept> idle;  ///< The one used last at the end.
  std::size_t open = 0;    ///< Idle and in use.
};

class UpstreamCall;

/// What calls need of their pool.
class UpstreamHome {
 public:
  virtual SteadyTime Now() const = 0;
  virtual void Enter(UpstreamCall& call) = 0;
  virtual void Leave(UpstreamCall& call) = 0;
  virtual void Keep(UpstreamShelf& shelf, std::unique_ptr<ClientConnection> connection) = 0;

 protected:
  ~UpstreamHome() = default;
};

/// Threads: as UpstreamPool.
class UpstreamCall final : public UpstreamResponse {
 public:
  UpstreamCall(UpstreamHome& home, std::shared_ptr<UpstreamShelf> shelf,
               const UpstreamTimeouts& timeouts, std::unique_ptr<ClientConnection> connection);
  ~UpstreamCall() override;

  Task<Status> Open(const ConnectTarget& target, NameResolver& resolver);
  /// To the end of the answer's head. `head` is the text of the request's.
  Task<Status> Exchange(HttpMethod method, std::string_view head, std::string_view body);

  std::optional<std::string_view> TryRead() override;
  Task<Result<std::string_view>> ReadSome() override;
  std::optional<PendingRead> BeginRead(const Cancellation& task) override;
  void EndRead(const ClientConnection::Came& came, const Cancellation& task) override;
  void Cancel() override;
  void SetDeadline(SteadyTime deadline) override {
    timeouts_.deadline = deadline;
    if (deadline_ != SteadyTime::max()) deadline_ = std::min(deadline_, deadline);
  }

  /// Ends the wait that is going on if its deadline has passed or its connection has failed or
  /// ended.
  void Sweep(SteadyTime now);
  /// It was ended, by Cancel, its task or a deadline: it has not failed by itself.
  bool was_ended() const { return cancelled_ || expired_; }
  std::size_t buffered_bytes() const { return in_.capacity() + head_text_.capacity(); }

  std::size_t place = 0;  ///< In the pool's list; the pool's business.

 private:
  Task<ClientConnection::Io> WriteAll(ClientConnection::Buffers buffers);
  std::optional<Status> HeadCame(const ClientConnection::Io& read, HttpMethod method);
  Result<bool> TakeHead(HttpMethod method);
  void KeepHead(const ResponseHead& head, std::size_t bytes);
  void BeginWait(std::chrono::nanoseconds patience, const Cancellation& task);
  ClientConnection::Io Commit(const ClientConnection::Came& came, const Cancellation& task);
  void MakeRoom();
  InqBuffer FreeSpace() { return {in_.free_begin(), in_.free_bytes()}; }
  std::string_view TakePieces();
  void LetGo(bool reusable);
  void Note(const Cancellation& task);
  Failure Broken(UpstreamPhase phase, std::string_view doing,
                 const boost::system::error_code& error) const;
  Failure NotHttp(UpstreamPhase phase, std::string_view fault) const;
  void Arm(std::chrono::nanoseconds patience);
  void Disarm() { deadline_ = SteadyTime::max(); }

  UpstreamHome& home_;
  const std::shared_ptr<UpstreamShelf> shelf_;
  UpstreamTimeouts timeouts_;
  std::unique_ptr<ClientConnection> connection_;  // Until it has been let go.
  SteadyTime deadline_ = SteadyTime::max();       // Of the wait going on.
  std::chrono::nanoseconds patience_{};           // That it came from.
  QuietRead quiet_;
  bool expired_ = false;
  bool cancelled_ = false;

  ByteBuffer in_;
  std::string_view pending_;  // In in_, not yet dealt with.
  std::string head_text_;     // What headers() look at.
  int interim_ = 0;
  bool answered_ = false;  // A byte has come back.
  bool keep_alive_ = false;
  bool streams_ = false;  // Its body is read piece by piece.
  BodyFraming framing_;
  std::string_view ready_;  // What came of the body with the head, in in_.
  bool ended_ = false;
  std::optional<Error> broken_;
};

}  // namespace podium::net
