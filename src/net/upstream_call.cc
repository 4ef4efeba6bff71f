#include "net/upstream_call.h"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <cstring>
#include <utility>

#include "net/http_parser.h"

namespace podium::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

Failure At(Failure failure, UpstreamPhase phase) {
  return Failure(std::move(failure).value().At(std::string(NameOf(phase))));
}

}  // namespace

UpstreamCall::UpstreamCall(UpstreamHome& home, std::shared_ptr<UpstreamShelf> shelf,
                           const UpstreamTimeouts& timeouts,
                           std::unique_ptr<ClientConnection> connection)
    : home_(home),
      shelf_(std::move(shelf)),
      timeouts_(timeouts),
      connection_(std::move(connection)) {
  home_.Enter(*this);
}

UpstreamCall::~UpstreamCall() { LetGo(false); }

// ---- Deadlines.

void UpstreamCall::Arm(std::chrono::nanoseconds patience) {
  const SteadyTime now = home_.Now();
  // Written so that nothing overflows: either may be for ever.
  patience_ = std::min(patience, timeouts_.deadline - std::min(now, timeouts_.deadline));
  deadline_ = patience_ < SteadyTime::max() - now ? now + patience_ : SteadyTime::max();
}

void UpstreamCall::Sweep(SteadyTime now) {
  if (cancelled_) return;
  if (now < deadline_) {
    if (quiet_.Sweep()) connection_->LookForEnd();
    return;
  }
  Disarm();
  expired_ = true;
  connection_->Abort();
}

void UpstreamCall::Cancel() {
  cancelled_ = true;
  if (connection_) connection_->Abort();
}

/// What the task's cancellation did not reach, because nothing was waiting or the wait had just
/// ended, ends here. REQUIRES: called before and after each wait.
void UpstreamCall::Note(const Cancellation& task) {
  if (task.cancelled() != asio::cancellation_type::none && !was_ended()) Cancel();
}

Failure UpstreamCall::Broken(UpstreamPhase phase, std::string_view doing,
                             const error_code& error) const {
  const std::string origin = ToString(shelf_->origin);
  if (expired_) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(patience_);
    return At(Fail(ErrorCode::kDeadline, "nothing happened for {} ms while {} {}", ms.count(),
                   doing, origin),
              phase);
  }
  if (cancelled_) return Fail(Cancelled(shelf_->origin, phase));
  const std::string tls = connection_ ? connection_->TlsFault() : std::string();
  return At(Fail(ErrorCode::kUnavailable, "the connection broke while {} {}: {}", doing, origin,
                 tls.empty() ? error.message() : tls),
            phase);
}

Failure UpstreamCall::NotHttp(UpstreamPhase phase, std::string_view fault) const {
  return At(Fail(ErrorCode::kUnavailable, "the answer of {} is not valid HTTP: {}",
                 ToString(shelf_->origin), fault),
            phase);
}

// ---- The request.

Task<Status> UpstreamCall::Open(const ConnectTarget& target, NameResolver& resolver) {
  Arm(timeouts_.connect);
  Status opened = co_await connection_->Open(target, resolver);
  Disarm();
  Note(co_await asio::this_coro::cancellation_state);
  if (opened && !was_ended()) {
    connection_->AskForInq();
    co_return Status{};
  }
  if (was_ended()) co_return Broken(UpstreamPhase::kConnect, "connecting to", {});
  co_return At(Failure(std::move(opened).error()), UpstreamPhase::kConnect);
}

Task<Status> UpstreamCall::Exchange(HttpMethod method, std::string_view head,
                                    std::string_view body) {
  Note(co_await asio::this_coro::cancellation_state);
  if (was_ended()) co_return Broken(UpstreamPhase::kUnsent, "sending to", {});
  ClientConnection::Buffers buffers = {asio::const_buffer(head.data(), head.size()),
                                       asio::const_buffer(body.data(), body.size())};
  ClientConnection::Io written = connection_->TryWrite(buffers);
  if (!ClientConnection::Took(buffers, written.bytes) && !written.error) {
    const ClientConnection::Io rest = co_await WriteAll(buffers);
    written = {rest.error, written.bytes + rest.bytes};
  }
  const auto phase = written.bytes > 0 ? UpstreamPhase::kSent : UpstreamPhase::kUnsent;
  const bool hopeless = written.error && (written.bytes == 0 || was_ended());
  if (hopeless) co_return Broken(phase, "sending to", written.error);
  // A server that refuses a body may stop reading and answer: that says more than our error.
  std::optional<Status> answer;
  while (!answer) {
    if (in_.free_bytes() == 0) in_.Reserve(std::max(kUpstreamReadBytes, 2 * in_.capacity()));
    BeginWait(answered_ ? timeouts_.idle : timeouts_.head,
              co_await asio::this_coro::cancellation_state);
    ClientConnection::Came came;
    if (connection_->reads_plainly()) {  // Without a coroutine: this is the way of every call.
      came = co_await connection_->ReadPlainly(FreeSpace());
    } else {
      came = co_await connection_->Read(in_.free_begin(), in_.free_bytes());
    }
    answer = HeadCame(Commit(came, co_await asio::this_coro::cancellation_state), method);
  }
  if (!*answer && written.error && !answered_) co_return Broken(phase, "sending to", written.error);
  if (written.error) keep_alive_ = false;
  if (*answer) ready_ = TakePieces();
  co_return *std::move(answer);
}

Task<ClientConnection::Io> UpstreamCall::WriteAll(ClientConnection::Buffers buffers) {
  ClientConnection::Io all;
  do {
    Arm(timeouts_.idle);  // Anew for each part that the server takes.
    const ClientConnection::Io some = co_await connection_->WriteSome(buffers);
    Disarm();
    Note(co_await asio::this_coro::cancellation_state);
    all = {some.error, all.bytes + some.bytes};
    if (ClientConnection::Took(buffers, some.bytes)) break;
  } while (!all.error);
  co_return all;
}

// ---- The head.

/// Nothing while more of it has to come.
std::optional<Status> UpstreamCall::HeadCame(const ClientConnection::Io& read, HttpMethod method) {
  if (read.bytes == 0) {
    const auto phase = answered_ ? UpstreamPhase::kHead : UpstreamPhase::kSent;
    const error_code error = read.error ? read.error : asio::error::eof;
    return Status(Broken(phase, "waiting for", error));
  }
  answered_ = true;
  auto whole = TakeHead(method);
  if (!whole) return Status(Failure(std::move(whole).error()));
  if (*whole) return Status{};
  return std::nullopt;
}

/// True once the head of the real answer has been taken off in_.
Result<bool> UpstreamCall::TakeHead(HttpMethod method) {
  HeadLimits limits;
  limits.head_bytes = limits::kMaxUpstreamHeadBytes;
  for (;;) {
    ResponseHead head;
    const ParseOutcome outcome = ParseResponseHead(in_.view(), head, limits);
    if (outcome.state == ParseState::kNeedMore) return false;
    if (outcome.state == ParseState::kError) {
      return NotHttp(UpstreamPhase::kHead, outcome.error.text);
    }
    if (head.status == 101) return NotHttp(UpstreamPhase::kHead, "it switches to another protocol");
    if (head.status >= 200) {
      framing_ = BodyFraming(head, method);
      KeepHead(head, outcome.consumed);
      return true;
    }
    if (++interim_ > kMaxInterimAnswers) {
      return NotHttp(UpstreamPhase::kHead, "too many interim answers");
    }
    in_.KeepTail(in_.size() - outcome.consumed);
  }
}

/// The head gets a place of its own, of its own size, so that in_ is free for the body.
void UpstreamCall::KeepHead(const ResponseHead& head, std::size_t bytes) {
  status_ = head.status;
  keep_alive_ = head.keep_alive && !framing_.until_close();
  head_text_.assign(in_.view().substr(0, bytes));
  const auto moved = [this](std::string_view view) -> std::string_view {
    if (view.empty()) return {};
    return {head_text_.data() + (view.data() - in_.data()), view.size()};
  };
  headers_.reserve(head.headers.size());
  for (const HeaderField& field : head.headers) {
    headers_.push_back({moved(field.name), moved(field.value)});
  }
  pending_ = in_.view().substr(bytes);
}

/// Before a read into in_, behind what is there. A pair of plain functions around each read, and no
/// coroutine: all that comes goes this way.
void UpstreamCall::BeginWait(std::chrono::nanoseconds patience, const Cancellation& task) {
  Note(task);
  Arm(patience);
  quiet_.Begin();
}

/// After it; an end is 0 bytes, with or without an error.
ClientConnection::Io UpstreamCall::Commit(const ClientConnection::Came& came,
                                          const Cancellation& task) {
  const auto& [error, bytes] = came;
  Disarm();
  quiet_.End();
  if (error) Note(task);
  in_.Commit(bytes);
  if (was_ended()) return {asio::error::operation_aborted, 0};
  return {error, bytes};
}

// ---- The body.

std::optional<std::string_view> UpstreamCall::TryRead() {
  if (!ready_.empty()) return std::exchange(ready_, {});
  if (broken_ || cancelled_) return std::nullopt;
  const std::string_view piece = TakePieces();
  if (!piece.empty() || (ended_ && !broken_)) return piece;
  return std::nullopt;
}

Task<Result<std::string_view>> UpstreamCall::ReadSome() {
  for (;;) {
    if (const auto piece = TryRead()) co_return *piece;
    if (broken_) co_return Failure(*broken_);
    if (cancelled_) co_return Broken(UpstreamPhase::kBody, "reading from", {});
    MakeRoom();
    BeginWait(timeouts_.idle, co_await asio::this_coro::cancellation_state);
    ClientConnection::Came came;
    if (connection_->reads_plainly()) {
      came = co_await connection_->ReadPlainly(FreeSpace());
    } else {
      came = co_await connection_->Read(in_.free_begin(), in_.free_bytes());
    }
    EndRead(came, co_await asio::this_coro::cancellation_state);
  }
}

std::optional<PendingRead> UpstreamCall::BeginRead(const Cancellation& task) {
  if (broken_ || cancelled_ || !connection_->reads_plainly()) return std::nullopt;
  if (!std::exchange(streams_, true)) connection_->AcknowledgeLazily();
  MakeRoom();
  BeginWait(timeouts_.idle, task);
  if (was_ended()) return std::nullopt;
  InqBuffer buffer = FreeSpace();
  buffer.short_is_all = !framing_.until_close();
  return PendingRead{connection_.get(), buffer};
}

/// Memory follows what the server does: small pieces until one has filled its buffer.
void UpstreamCall::MakeRoom() {
  const bool filled = in_.free_bytes() == 0;
  const std::size_t wanted =
      std::min(filled ? 2 * in_.capacity() : kUpstreamReadBytes, kMaxUpstreamReadBytes);
  if (wanted < in_.capacity()) in_.Release();
  in_.Clear();
  in_.Reserve(wanted);
}

void UpstreamCall::EndRead(const ClientConnection::Came& came, const Cancellation& task) {
  const ClientConnection::Io read = Commit(came, task);
  pending_ = in_.view();
  if (read.bytes > 0) return;
  if (read.error == asio::error::eof && framing_.until_close()) {
    ended_ = true;
    LetGo(false);
  } else {
    broken_ = Broken(UpstreamPhase::kBody, "reading from", read.error).value();
  }
}

/// Takes the framing off all that is there, in place, so that many small chunks are one piece.
std::string_view UpstreamCall::TakePieces() {
  char* begin = nullptr;
  std::size_t size = 0;
  while (!pending_.empty() && !framing_.done()) {
    const BodyFraming::Step step = framing_.Next(pending_);
    pending_.remove_prefix(step.consumed);
    if (step.failed) {
      broken_ = NotHttp(UpstreamPhase::kBody, framing_.error().text).value();
      break;
    }
    if (step.piece.empty()) continue;
    if (begin == nullptr) {
      begin = in_.data() + (step.piece.data() - in_.data());
    } else {
      std::memmove(begin + size, step.piece.data(), step.piece.size());
    }
    size += step.piece.size();
  }
  if (framing_.done()) {
    ended_ = true;
    LetGo(keep_alive_ && pending_.empty());
  }
  return {begin, size};
}

/// The connection goes back to the pool, or ends.
void UpstreamCall::LetGo(bool reusable) {
  if (!connection_) return;
  auto connection = std::move(connection_);
  home_.Leave(*this);
  if (reusable && !connection->aborted()) {
    home_.Keep(*shelf_, std::move(connection));
  } else {
    --shelf_->open;
  }
}

}  // namespace podium::net
