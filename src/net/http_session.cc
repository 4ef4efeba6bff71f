#include "net/http_session.h"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/this_coro.hpp>
#include <charconv>
#include <utility>

#include "net/address.h"
#include "net/http_parser.h"

namespace podium::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr std::string_view kChunkEnd = "\r\n";
constexpr std::string_view kLastChunk = "0\r\n\r\n";

std::size_t HeapBytes(const std::string& text) {
  const std::size_t in_object = std::string().capacity();
  return text.capacity() > in_object ? text.capacity() : 0;
}

asio::const_buffer BufferOf(std::string_view text) { return {text.data(), text.size()}; }

void AppendChunkSize(std::size_t bytes, std::string& out) {
  std::array<char, 2 * sizeof(bytes)> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), bytes, 16).ptr;
  out.append(digits.data(), end).append(kChunkEnd);
}

/// Assigning an empty string would keep the memory of the old one.
void GiveBack(std::string& text) { std::string().swap(text); }

}  // namespace

HttpSession::HttpSession(ServerCore& shared, TcpSocket socket, const asio::ip::address& peer)
    : shared_(shared), socket_(std::move(socket)), peer_text_(peer.to_string()) {
  peer_address_ = peer_text_;
  peer_is_loopback_ = IsLoopback(peer_text_);
  core_ = shared_.core;
}

Task<void> HttpSession::Run() {
  // Cancellation reaches us as an error of the operation going on, never as an exception.
  co_await asio::this_coro::throw_if_cancelled(false);
  // No memory is spent on a connection before its first byte.
  for (Step step = Step::kPark;;) {
    switch (step) {
      case Step::kPark: {
        Release();
        const auto [error] = co_await socket_.async_wait(TcpSocket::wait_read, kAwaitTuple);
        step = Woken(error);
        break;
      }
      case Step::kReadHead: {
        PrepareToReadHead();
        const asio::mutable_buffer space(in_.free_begin(), in_.free_bytes());
        const auto [error, bytes] = co_await socket_.async_read_some(space, kAwaitTuple);
        step = HeadBytes(error, bytes);
        break;
      }
      case Step::kParseHead:
        step = ParseHead();
        break;
      case Step::kHandle:
        response_ = co_await shared_.handler.Handle(*this);
        step = Answer();
        break;
      case Step::kFlush:
        step = co_await WriteRest() ? NextRequest() : Step::kClose;
        break;
      case Step::kStream:
        step = co_await RunStream();
        break;
      case Step::kClose:
        if (unread_) co_await Linger();
        co_return;
    }
  }
}

// ---- Deadlines.

void HttpSession::Arm(std::chrono::nanoseconds patience) {
  deadline_ = shared_.clock.SteadyNow() + patience;
  expired_ = false;
}

bool HttpSession::Sweep(SteadyTime now) {
  if (unwatched_ && !watch_) StartWatch();
  if (now < deadline_) {
    if (now < park_at_) return false;
    park_at_ = SteadyTime::max();
  } else {
    Disarm();
    expired_ = true;
  }
  error_code ignored;
  socket_.cancel(ignored);
  return true;
}

void HttpSession::CloseIfIdle() {
  if (idle_) Sweep(SteadyTime::max());
}

void HttpSession::Cut() {
  cut_ = true;
  // Not close: Asio would follow a dead descriptor if an operation were cancelled after it.
  error_code ignored;
  socket_.shutdown(TcpSocket::shutdown_both, ignored);
  CallerLeft();
}

bool HttpSession::EndedByDeadline(const error_code& error) const {
  return error == asio::error::operation_aborted && expired_;
}

// ---- Between requests.

/// An idle connection is a socket and this object. REQUIRES: nothing has been read.
void HttpSession::Release() {
  in_.Release();
  body_.Release();
  begin_ = 0;
  // Swapped and moved out, as assigning an empty one would keep the memory of the old.
  std::string().swap(out_);
  const Response answered(std::move(response_));
  const RequestHead handled(std::move(head_));
  response_.Clear();
  head_ = RequestHead();
  park_at_ = SteadyTime::max();
  if (std::exchange(idle_, true)) return;  // It has waited for a while already.
  Arm(shared_.options.idle_timeout);
}

std::size_t HttpSession::buffered_bytes() const {
  return in_.capacity() + raw_.capacity() + body_.capacity() + HeapBytes(out_) +
         HeapBytes(response_.body) + HeapBytes(response_.headers.wire());
}

HttpSession::Step HttpSession::Woken(error_code error) {
  return error ? Step::kClose : Step::kReadHead;
}

// ---- The head.

void HttpSession::PrepareToReadHead() {
  if (begin_ > 0 && in_.free_bytes() < kFirstReadBytes / 2) {
    in_.KeepTail(in_.size() - begin_);
    begin_ = 0;
  }
  if (in_.free_bytes() == 0) in_.Reserve(std::max(kFirstReadBytes, 2 * in_.capacity()));
  const bool nothing_yet = in_.size() == begin_;
  if (nothing_yet) {
    idle_ = true;
    Arm(shared_.options.idle_timeout);
    park_at_ = deadline_ - shared_.options.idle_timeout + kParkAfter;
  } else if (deadline_ == SteadyTime::max()) {
    Arm(shared_.options.head_timeout);  // Once per head: trickling bytes buys no time.
  }
}

HttpSession::Step HttpSession::HeadBytes(error_code error, std::size_t bytes) {
  const bool parking = error == asio::error::operation_aborted && idle_ && !expired_ && !cut_ &&
                       park_at_ == SteadyTime::max();
  if (parking) return Step::kPark;
  park_at_ = SteadyTime::max();
  const bool was_idle = std::exchange(idle_, false);
  if (was_idle) Disarm();
  if (!error) {
    in_.Commit(bytes);
    return WorthParsing(bytes) ? Step::kParseHead : Step::kReadHead;
  }
  if (was_idle || cut_) return Step::kClose;
  if (EndedByDeadline(error)) return Refuse(408, "the head of the request did not arrive in time");
  if (error == asio::error::eof) return Refuse(400, "the connection ended inside a request head");
  return Step::kClose;
}

/// Looking at an incomplete head again for every byte of it would cost its length squared.
bool HttpSession::WorthParsing(std::size_t new_bytes) const {
  const std::string_view fresh = in_.view().substr(in_.size() - new_bytes);
  return fresh.find('\n') != std::string_view::npos || in_.size() - begin_ >= parse_at_;
}

HttpSession::Step HttpSession::ParseHead() {
  const std::string_view unparsed = in_.view().substr(begin_);
  const ParseOutcome outcome = ParseRequestHead(unparsed, head_);
  switch (outcome.state) {
    case ParseState::kNeedMore:
      parse_at_ = std::min(2 * unparsed.size(), limits::kMaxHeadBytes);
      return Step::kReadHead;
    case ParseState::kError:
      return Refuse(outcome.error.status, outcome.error.text);
    case ParseState::kComplete:
      break;
  }
  return BeginRequest(outcome.consumed);
}

HttpSession::Step HttpSession::BeginRequest(std::size_t head_bytes) {
  Disarm();
  received_ = shared_.clock.SteadyNow();
  framing_ = BodyFraming(head_);
  pending_ = in_.view().substr(begin_ + head_bytes);
  whole_.reset();
  body_bytes_ = 0;
  body_pace_ = Pace(shared_.options.body_timeout);
  continue_owed_ = head_.expect_continue;
  caller_left_ = false;
  response_.Clear();
  return shared_.handler.TryHandle(*this, response_) ? Answer() : Step::kHandle;
}

// ---- The body.

Failure HttpSession::Break(Error error) {
  broken_ = error;
  return Failure(std::move(error));
}

Failure HttpSession::TooLarge(std::uint64_t limit) {
  return Break(Error{ErrorCode::kTooLarge,
                     fmt::format("the body is larger than the limit of {} bytes", limit), "",
                     nullptr});
}

std::optional<Result<std::string_view>> HttpSession::TryBody(std::size_t limit) {
  if (broken_) return Failure(*broken_);
  if (whole_) {
    if (whole_->size() > limit) return TooLarge(limit);
    return *whole_;
  }
  if (!framing_.chunked()) {
    const std::uint64_t length = framing_.remaining();
    if (length > limit) return TooLarge(limit);
    if (length > pending_.size()) return std::nullopt;
    const BodyFraming::Step step = framing_.Next(pending_);
    pending_.remove_prefix(step.consumed);
    whole_ = step.piece;
    return *whole_;
  }
  if (!CopyPieces(limit)) return Failure(*broken_);
  if (!framing_.done()) return std::nullopt;
  whole_ = body_.view();
  return *whole_;
}

/// Moves what is pending of a chunked body into body_. False: broken_ says why not.
bool HttpSession::CopyPieces(std::size_t limit) {
  body_.Reserve(kFirstReadBytes / 2);
  while (!framing_.done() && !pending_.empty()) {
    const BodyFraming::Step step = framing_.Next(pending_);
    pending_.remove_prefix(step.consumed);
    if (step.failed) {
      broken_ = Error{ErrorCode::kInvalidArgument, std::string(framing_.error().text), "", nullptr};
      return false;
    }
    if (step.piece.size() > limit - std::min(limit, body_.size())) {
      (void)TooLarge(limit);
      return false;
    }
    body_.Append(step.piece);
  }
  return true;
}

Task<Result<std::string_view>> HttpSession::ReadBody(std::size_t limit) {
  for (;;) {
    if (auto whole = TryBody(limit)) co_return std::move(*whole);
    Status more = framing_.chunked() ? co_await Fill() : co_await FillWhole();
    if (!more) co_return Failure(std::move(more).error());
  }
}

Task<Result<std::string_view>> HttpSession::ReadSome(std::uint64_t total_limit) {
  if (framing_.remaining() > total_limit - std::min(total_limit, body_bytes_)) {
    co_return TooLarge(total_limit);
  }
  for (;;) {
    if (broken_) co_return Failure(*broken_);
    if (framing_.done()) co_return std::string_view{};
    if (pending_.empty()) {
      Status more = co_await Fill();
      if (!more) co_return Failure(std::move(more).error());
    }
    const BodyFraming::Step step = framing_.Next(pending_);
    pending_.remove_prefix(step.consumed);
    if (step.failed) {
      co_return Break(
          Error{ErrorCode::kInvalidArgument, std::string(framing_.error().text), "", nullptr});
    }
    if (step.piece.empty()) continue;
    body_bytes_ += step.piece.size();
    if (body_bytes_ > total_limit) co_return TooLarge(total_limit);
    co_return step.piece;
  }
}

/// Memory follows what the sender does: small pieces until one has filled its buffer.
std::size_t HttpSession::NextPieceBytes() const {
  const bool filled = raw_.capacity() > 0 && raw_.free_bytes() == 0;
  return std::min(filled ? 2 * raw_.capacity() : kFirstReadBytes, kBodyReadBytes);
}

/// More bytes into raw_; with a known length never past its end, so that the next request's bytes
/// stay where they are. REQUIRES: nothing is pending.
Task<Status> HttpSession::Fill() {
  const std::size_t piece = NextPieceBytes();
  raw_.Clear();
  raw_.Reserve(piece);
  std::size_t wanted = raw_.capacity();
  if (!framing_.chunked()) {
    wanted = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, framing_.remaining()));
  }
  std::size_t bytes = 0;
  Status read = co_await Read(raw_.data(), wanted, bytes);
  if (read) {
    raw_.Commit(bytes);
    pending_ = raw_.view();
  }
  co_return read;
}

/// The rest of a body of known length straight into body_, which grows with what has really come:
/// announcing a large body costs the sender, not us.
Task<Status> HttpSession::FillWhole() {
  const auto length = static_cast<std::size_t>(framing_.remaining());
  body_.Append(pending_);
  pending_ = {};
  while (body_.size() < length) {
    if (body_.free_bytes() == 0) {
      body_.Reserve(std::min(length, std::max(kFirstReadBytes, 2 * body_.size())));
    }
    std::size_t bytes = 0;
    const std::size_t wanted = std::min(length - body_.size(), body_.free_bytes());
    Status read = co_await Read(body_.free_begin(), wanted, bytes);
    if (!read) co_return read;
    body_.Commit(bytes);
  }
  pending_ = body_.view();  // TryBody takes it from here.
  co_return Status{};
}

Task<Status> HttpSession::Read(char* buffer, std::size_t capacity, std::size_t& bytes) {
  if (broken_) co_return Failure(*broken_);
  if (std::exchange(continue_owed_, false)) {
    Status allowed = co_await AllowBody();
    if (!allowed) co_return allowed;
  }
  const SteadyTime start = shared_.clock.SteadyNow();
  Arm(body_pace_.Left());
  const asio::mutable_buffer space(buffer, capacity);
  const auto [error, count] = co_await socket_.async_read_some(space, kAwaitTuple);
  Disarm();
  body_pace_.Took(shared_.clock.SteadyNow() - start, count);
  bytes = count;
  if (!error) co_return Status{};
  if (EndedByDeadline(error)) {
    co_return Break(Error{ErrorCode::kTimeout, "the body did not arrive in time", "", nullptr});
  }
  co_return Break(Error{ErrorCode::kInvalidArgument,
                        "the connection ended before the end of the body", "", nullptr});
}

Task<Status> HttpSession::AllowBody() {
  Arm(shared_.options.write_timeout);
  // A fresh socket buffer takes 25 bytes whole.
  const auto [error, count] = co_await socket_.async_write_some(BufferOf(kContinue), kAwaitTuple);
  Disarm();
  if (!error && count == kContinue.size()) co_return Status{};
  co_return Break(Error{ErrorCode::kInvalidArgument,
                        "the connection ended before the end of the body", "", nullptr});
}

/// What has arrived of a body that the handler left unread. True when that was all of it.
bool HttpSession::SkipRestOfBody() {
  while (!broken_ && !framing_.done() && !pending_.empty()) {
    const BodyFraming::Step step = framing_.Next(pending_);
    pending_.remove_prefix(step.consumed);
    if (step.failed) return false;
  }
  return !broken_ && framing_.done();
}

// ---- The answer.

HttpSession::Step HttpSession::Refuse(int status, std::string_view detail) {
  Disarm();
  // Whatever the head said before its fault is not to be believed.
  head_.method = HttpMethod::kGet;
  head_.keep_alive = false;
  framing_ = BodyFraming();
  pending_ = {};
  response_ = ProtocolProblem(status, detail);
  const Step step = Answer();
  unread_ = true;
  return step;
}

HttpSession::Step HttpSession::Answer() {
  if (watch_) watch_->left = nullptr;
  unwatched_ = nullptr;
  const bool may_have_body = head_.method != HttpMethod::kHead && StatusHasBody(response_.status);
  const bool streams = may_have_body && response_.stream != nullptr;
  const bool in_vain = cut_ || (streams && caller_left_);
  if (in_vain || !streams) EndWatch();
  unread_ = !in_vain && !SkipRestOfBody();
  if (in_vain) return Step::kClose;
  keep_ = head_.keep_alive && !response_.close && !unread_ && !shared_.draining;
  out_.clear();
  std::string_view connection = keep_ ? "" : "close";
  if (keep_ && head_.version_minor == 0) connection = "keep-alive";
  in_chunks_ = head_.version_minor > 0;
  if (streams && !in_chunks_) {
    keep_ = false;  // The end of the connection is the end of the body.
    connection = "close";
  }
  AppendResponseHead(response_, connection, shared_.date_line, out_, in_chunks_);
  unsent_ = {};
  unsent_[0] = BufferOf(out_);
  if (streams) return Step::kStream;
  response_.stream.reset();
  const bool has_body = may_have_body && !response_.body.empty();
  if (has_body && response_.body.size() <= kJoinedWriteBytes) {
    out_.append(response_.body);
  } else if (has_body) {
    unsent_[1] = BufferOf(response_.body);
  }
  unsent_[0] = BufferOf(out_);  // Appending may have moved it.
  return WriteNow();
}

HttpSession::Step HttpSession::WriteNow() {
  switch (TryWrite()) {
    case Written::kAll:
      return NextRequest();
    case Written::kSome:
      return Step::kFlush;
    case Written::kFailed:
      break;
  }
  return Step::kClose;
}

/// Nearly always the kernel takes everything at once, which saves a trip through the event loop.
HttpSession::Written HttpSession::TryWrite() {
  error_code error;
  const bool one = unsent_[1].size() + unsent_[2].size() == 0;
  const std::size_t sent =
      one ? socket_.write_some(unsent_[0], error) : socket_.write_some(unsent_, error);
  if (error && error != asio::error::would_block) return Written::kFailed;
  return Sent(sent) ? Written::kAll : Written::kSome;
}

bool HttpSession::Sent(std::size_t bytes) {
  std::size_t left = 0;
  for (asio::const_buffer& part : unsent_) {
    const std::size_t taken = std::min(bytes, part.size());
    part += taken;
    bytes -= taken;
    left += part.size();
  }
  return left == 0;
}

/// False when the peer is gone or has not taken anything for too long.
Task<bool> HttpSession::WriteRest() {
  for (;;) {
    // No least rate is needed here: the kernel reports room only once a third of its buffer is
    // free.
    Arm(shared_.options.write_timeout);
    const auto [error, bytes] = co_await socket_.async_write_some(unsent_, kAwaitTuple);
    Disarm();
    if (error) {
      unread_ = false;  // There is nobody to linger for.
      co_return false;
    }
    if (Sent(bytes)) co_return true;
  }
}

// ---- A caller who leaves.

void HttpSession::WatchCaller(std::function<void()> left) {
  if (!watch_ && (!caller_left_ || !left)) {
    unwatched_ = std::move(left);  // Most calls are over before the sweeper comes by.
    return;
  }
  if (!watch_) StartWatch();
  watch_->left = std::move(left);
  if (!caller_left_) return;
  asio::post(socket_.get_executor(), [watch = watch_] {
    if (watch->session != nullptr) watch->session->TellHandler();
  });
}

void HttpSession::StartWatch() {
  watch_ = std::make_shared<Watched>(this);
  watch_->left = std::exchange(unwatched_, nullptr);
  WaitForCaller();
}

/// One wait for the whole request: while nothing arrives it costs nothing.
void HttpSession::WaitForCaller() {
  socket_.async_wait(TcpSocket::wait_read, [watch = watch_](error_code error) {
    if (watch->session != nullptr) watch->session->CallerStirred(error);
  });
}

void HttpSession::EndWatch() {
  if (!watch_) return;
  watch_->session = nullptr;
  watch_.reset();
  error_code ignored;
  socket_.cancel(ignored);  // Nothing else waits now.
}

void HttpSession::CallerStirred(error_code error) {
  if (error) return;  // The deadline of a write: that ends the stream too.
  char byte = 0;
  (void)socket_.receive(asio::buffer(&byte, 1), TcpSocket::message_peek, error);
  if (error == asio::error::would_block) return WaitForCaller();
  // The next request comes early, and hides the end behind it: that shows at the next write.
  if (!error) return;
  CallerLeft();
}

void HttpSession::CallerLeft() {
  if (std::exchange(caller_left_, true)) return;
  if (piece_waits_) response_.stream->Cancel();
  TellHandler();
}

void HttpSession::TellHandler() {
  const auto left = std::exchange(watch_ ? watch_->left : unwatched_, nullptr);
  if (left) left();
}

// ---- An answer that is a stream.

Task<HttpSession::Step> HttpSession::RunStream() {
  BeginStream();
  for (;;) {
    piece_waits_ = true;
    auto next = response_.stream->Next();
    const Result<std::string_view> piece = co_await std::move(next);
    piece_waits_ = false;
    if (caller_left_ || cut_ || !piece) co_return EndStream(false);
    PutPiece(*piece);
    const Written written = TryWrite();
    if (written == Written::kSome) KeepUnsent();
    const bool sent = written == Written::kSome ? co_await WriteRest() : written == Written::kAll;
    if (!sent || caller_left_) {
      if (!piece->empty()) response_.stream->Cancel();
      co_return EndStream(false);
    }
    if (piece->empty()) co_return EndStream(true);
  }
}

/// The head goes with the first piece if that is there at once, else by itself, in the next turn of
/// the loop. A stream that waits is a socket and this object: what the request and the head took is
/// given back, unless the next request lies there already.
void HttpSession::BeginStream() {
  if (pending_.empty()) {
    in_.Release();
    begin_ = 0;
    raw_.Release();
  }
  body_.Release();
  whole_.reset();
  const ResponseHeaders written(std::move(response_.headers));
  GiveBack(response_.body);
  head_waits_ = true;
  if (!watch_) StartWatch();
  asio::post(socket_.get_executor(), [watch = watch_] {
    if (watch->session != nullptr) watch->session->WriteHeadAlone();
  });
}

void HttpSession::WriteHeadAlone() {
  if (!std::exchange(head_waits_, false)) return;
  error_code error;
  const std::size_t sent = socket_.write_some(unsent_[0], error);
  // What a full socket left, and what a broken one says, is for the first piece.
  if (Sent(sent)) GiveBack(out_);
}

/// Behind what is unsent of the head, if it is. Into memory of the core, where a small piece is
/// copied too: one buffer costs the kernel less than three gathered ones.
void HttpSession::PutPiece(std::string_view piece) {
  head_waits_ = false;
  std::string& joined = shared_.joined;
  joined.assign(static_cast<const char*>(unsent_[0].data()), unsent_[0].size());
  GiveBack(out_);
  const bool small = piece.size() <= kJoinedPieceBytes;
  const bool in_chunk = in_chunks_ && !piece.empty();
  if (in_chunk) AppendChunkSize(piece.size(), joined);
  if (small) joined.append(piece);
  if (small && in_chunk) joined.append(kChunkEnd);
  if (in_chunks_ && piece.empty()) joined.append(kLastChunk);
  unsent_ = {};
  unsent_[0] = BufferOf(joined);
  if (small) return;
  unsent_[1] = BufferOf(piece);
  if (in_chunk) unsent_[2] = BufferOf(kChunkEnd);
}

/// What the kernel has left of PutPiece's memory: the core needs it for others.
void HttpSession::KeepUnsent() {
  out_.assign(static_cast<const char*>(unsent_[0].data()), unsent_[0].size());
  unsent_[0] = BufferOf(out_);
}

HttpSession::Step HttpSession::EndStream(bool clean) {
  EndWatch();
  response_.stream.reset();
  GiveBack(out_);
  if (clean) {
    keep_ = keep_ && !shared_.draining;  // The head was written long ago.
    return NextRequest();
  }
  unread_ = false;
  // Without chunks a cut would look like the end, but for a reset.
  if (!in_chunks_) {
    error_code error;
    socket_.set_option(asio::socket_base::linger(true, 0), error);
    socket_.close(error);  // Left to the destructor, Asio would take the option back.
  }
  return Step::kClose;
}

HttpSession::Step HttpSession::NextRequest() {
  if (!keep_) return Step::kClose;
  const bool in_raw = raw_.size() > 0;
  if (in_raw && !pending_.empty()) {
    in_.Clear();
    in_.Append(pending_);
    begin_ = 0;
  } else if (in_raw || pending_.empty()) {
    in_.Clear();
    begin_ = 0;
  } else {
    begin_ = in_.size() - pending_.size();
  }
  pending_ = {};
  // An idle connection owns its first buffer and nothing else.
  raw_.Release();
  if (body_.capacity() > kBodyReadBytes) body_.Release();
  body_.Clear();
  parse_at_ = 0;
  if (begin_ < in_.size()) return Step::kParseHead;
  if (in_.capacity() > limits::kMaxHeadBytes) in_.Release();
  return Step::kReadHead;
}

/// Closing with unread bytes would reset the connection, and the answer could be lost with it.
Task<void> HttpSession::Linger() {
  error_code error;
  socket_.shutdown(TcpSocket::shutdown_send, error);
  raw_.Clear();
  raw_.Reserve(kFirstReadBytes);
  Arm(kLingerTime);
  for (std::uint64_t dropped = 0; !error && dropped < kLingerBytes;) {
    const asio::mutable_buffer space(raw_.data(), raw_.capacity());
    const auto [failed, bytes] = co_await socket_.async_read_some(space, kAwaitTuple);
    error = failed;
    dropped += bytes;
  }
  Disarm();
}

}  // namespace podium::net
