#include "net/http_session.h"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/this_coro.hpp>
#include <utility>

#include "net/address.h"
#include "net/http_parser.h"
#include "net/read_apart.h"

namespace podium::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

std::size_t HeapBytes(const std::string& text) {
  const std::size_t in_object = std::string().capacity();
  return text.capacity() > in_object ? text.capacity() : 0;
}

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
        const InqBuffer space(in_.free_begin(), in_.free_bytes());
        quiet_.Begin();
        const auto [error, bytes] = co_await ReadApart(socket_, space);
        quiet_.End();
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
        ++shared_.streams;
        step = co_await RunStream();
        --shared_.streams;
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
    if (quiet_.Sweep()) LookForEnd(socket_);
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
  error_code ignored;
  if (idle_ && socket_.available(ignored) == 0) Sweep(SteadyTime::max());
}

void HttpSession::Cut() {
  cut_ = true;
  // Not close: Asio would follow a dead descriptor if an operation were cancelled after it.
  error_code ignored;
  socket_.shutdown(TcpSocket::shutdown_both, ignored);
  CallerLeft();
  if (awaited_ != nullptr) awaited_->Interrupt();
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
  return ReadOn();
}

/// To the next request; while the server drains, only to one that has come already.
HttpSession::Step HttpSession::ReadOn() {
  error_code ignored;
  const bool wanted = !shared_.draining || socket_.available(ignored) > 0;
  return wanted ? Step::kReadHead : Step::kClose;
}

/// Closing with unread bytes would reset the connection, and the answer could be lost with it.
Task<void> HttpSession::Linger() {
  error_code error;
  socket_.shutdown(TcpSocket::shutdown_send, error);
  raw_.Clear();
  raw_.Reserve(kFirstReadBytes);
  Arm(kLingerTime);
  for (std::uint64_t dropped = 0; !error && dropped < kLingerBytes;) {
    const InqBuffer space(raw_.data(), raw_.capacity());
    const auto [failed, bytes] = co_await socket_.async_read_some(space, kAwaitTuple);
    error = failed;
    dropped += bytes;
  }
  Disarm();
}

}  // namespace podium::net
