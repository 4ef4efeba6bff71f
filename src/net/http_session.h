// One connection of the server. Part of http_server.cc in all but file.
//
// Plain functions decide what comes next (parse, answer, keep or close); the coroutine Run only
// carries bytes. A request that needs no waiting costs one read and one write. Heads and answers
// are in http_session.cc, bodies in http_session_body.cc, streams and callers who leave in
// http_session_stream.cc.
#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/byte_buffer.h"
#include "net/http_body.h"
#include "net/http_server.h"
#include "net/inq_buffer.h"
#include "net/loop_turn.h"
#include "net/pace.h"

namespace podium::net {

inline constexpr std::size_t kFirstReadBytes = 8 * 1024;     ///< A connection's first buffer.
inline constexpr std::size_t kBodyReadBytes = 64 * 1024;     ///< At most for one read of a body.
inline constexpr std::size_t kJoinedWriteBytes = 16 * 1024;  ///< Up to here a body joins its head.
inline constexpr std::size_t kJoinedPieceBytes = 4 * 1024;   ///< The same of a piece and its chunk.
inline constexpr std::uint64_t kLingerBytes = 16 * 1024 * 1024;  ///< Read and dropped at the end.
inline constexpr std::chrono::seconds kLingerTime{2};
/// An idle connection gives its memory back after this long.
inline constexpr std::chrono::seconds kParkAfter{1};

using TcpSocket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;

inline boost::asio::const_buffer BufferOf(std::string_view text) {
  return {text.data(), text.size()};
}

/// What all connections of one core share.
struct ServerCore {
  std::size_t core;
  Handler& handler;
  const Clock& clock;
  HttpServerOptions options;
  std::string date_line;
  bool draining = false;
  std::size_t streams = 0;  ///< Answers that are streams and under way.
  LoopTurn turn{};          ///< Whose end pieces of streams wait for.
  std::string joined{};     ///< Of the session that writes a piece, while it tries to.
};

/// Threads: as HttpServer.
class HttpSession final : public Exchange {
 public:
  HttpSession(ServerCore& shared, TcpSocket socket, const boost::asio::ip::address& peer);

  /// Serves requests until the connection is closed.
  Task<void> Run();

  /// Ends the wait that is going on if its deadline has passed or its connection has failed; parks
  /// a connection that has been idle for kParkAfter. True for a deadline or a place to park.
  bool Sweep(SteadyTime now);
  /// Ends an idle connection; one with a request, be it in the kernel, goes on to its answer.
  void CloseIfIdle();
  /// Takes the connection away from under whatever is going on.
  void Cut();

  /// Memory of ours that requests and answers of this connection hold.
  std::size_t buffered_bytes() const;

  std::size_t place = 0;  ///< In the server's list; the server's business.

  std::optional<Result<std::string_view>> TryBody(std::size_t limit) override;
  Task<Result<std::string_view>> ReadBody(std::size_t limit) override;
  Task<Result<std::string_view>> ReadSome(std::uint64_t total_limit) override;
  void WatchCaller(std::function<void()> left) override;

 private:
  enum class Step : std::uint8_t {
    kPark,
    kReadHead,
    kParseHead,
    kHandle,
    kFlush,
    kStream,
    kClose,
  };
  enum class Written : std::uint8_t { kAll, kSome, kFailed };
  /// What the wait for the caller's leaving holds: it may end after what it is for, or the session.
  struct Watched {
    HttpSession* session;
    std::function<void()> left;  // The handler's, until it has answered.
  };

  // Between requests.
  void Release();
  Step Woken(boost::system::error_code error);

  // The head.
  void PrepareToReadHead();
  Step HeadBytes(boost::system::error_code error, std::size_t bytes);
  bool WorthParsing(std::size_t new_bytes) const;
  Step ParseHead();
  Step BeginRequest(std::size_t head_bytes);

  // The body.
  bool CopyPieces(std::size_t limit);
  std::size_t NextPieceBytes() const;
  Task<Status> Fill();
  Task<Status> FillWhole();
  Task<Status> Read(char* buffer, std::size_t capacity, std::size_t& bytes);
  Task<Status> AllowBody();
  Failure Break(Error error);
  Failure TooLarge(std::uint64_t limit);

  // The answer.
  Step Refuse(int status, std::string_view detail);
  Step Answer();
  bool SkipRestOfBody();
  Step WriteNow();
  Written TryWrite();
  bool Sent(std::size_t bytes);  ///< True when nothing is left.
  Task<bool> WriteRest();
  Step NextRequest();
  Step ReadOn();

  // An answer that is a stream.
  Task<Step> RunStream();
  void BeginStream();
  bool MayWaitATurn(const Result<std::string_view>& piece) const;
  void WriteHeadAlone();
  void PutPiece(std::string_view piece);
  void KeepUnsent();
  Step EndStream(bool clean);
  Task<void> Linger();

  // A caller who leaves.
  void StartWatch();
  void WaitForCaller();
  void EndWatch();
  void CallerStirred(boost::system::error_code error);
  void CallerLeft();
  void TellHandler();

  void Arm(std::chrono::nanoseconds patience);
  void Disarm() { deadline_ = SteadyTime::max(); }
  bool EndedByDeadline(const boost::system::error_code& error) const;

  ServerCore& shared_;
  TcpSocket socket_;
  std::string peer_text_;
  SteadyTime deadline_ = SteadyTime::max();
  bool expired_ = false;  // The sweeper ended the current wait.
  QuietRead quiet_;
  SteadyTime park_at_ = SteadyTime::max();
  bool idle_ = false;  // Waiting for the first byte of a request.
  bool cut_ = false;

  ByteBuffer in_;             // Heads, and what came with them.
  std::size_t begin_ = 0;     // Start of the current request in in_.
  std::size_t parse_at_ = 0;  // An incomplete head is looked at again from this size on.
  ByteBuffer raw_;            // Later reads of a body whose framing must come off.
  ByteBuffer body_;           // A whole body that was not whole in in_.
  std::string_view pending_;  // Bytes behind the head, in in_ or raw_, not yet dealt with.
  BodyFraming framing_;
  std::optional<std::string_view> whole_;
  std::uint64_t body_bytes_ = 0;  // Handed out by ReadSome.
  Pace body_pace_{limits::kBodyTimeout};
  std::optional<Error> broken_;  // Why the body cannot be read on.
  bool continue_owed_ = false;   // The sender waits for 100 Continue.

  Response response_;
  std::string out_;
  std::array<boost::asio::const_buffer, 3> unsent_;  // Parts of out_, a body or piece, an end.
  bool keep_ = false;    // The connection outlives the answer in flight.
  bool unread_ = false;  // The peer may still be sending: linger before closing.

  std::function<void()> unwatched_;  // The handler's, until the sweeper begins the watch.
  std::shared_ptr<Watched> watch_;   // While an answer streams, or a handler wants to know.
  bool in_chunks_ = false;
  bool head_waits_ = false;              // For the first piece, or the next turn of the loop.
  bool piece_waits_ = false;             // For the next piece of the stream, or its turn.
  ClientConnection* awaited_ = nullptr;  // The one that a piece is read of, while it is.
  bool caller_left_ = false;             // During this request.
};

}  // namespace podium::net
