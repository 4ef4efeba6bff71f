// An answer that is a stream, and the watch for a caller who leaves while one is made.
#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/this_coro.hpp>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "net/http_session.h"

namespace podium::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::string_view kChunkEnd = "\r\n";
constexpr std::string_view kLastChunk = "0\r\n\r\n";

void AppendChunkSize(std::size_t bytes, std::string& out) {
  std::array<char, 2 * sizeof(bytes) + kChunkEnd.size()> line;
  char* const end = std::to_chars(line.data(), line.data() + line.size(), bytes, 16).ptr;
  out.append(line.data(), std::ranges::copy(kChunkEnd, end).out);
}

std::string_view TextOf(const asio::const_buffer& buffer) {
  return {static_cast<const char*>(buffer.data()), buffer.size()};
}

/// Assigning an empty string would keep the memory of the old one.
void GiveBack(std::string& text) {
  if (text.capacity() > std::string().capacity()) {
    std::string().swap(text);
  } else {
    text.clear();
  }
}

}  // namespace

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

// ---- The stream.

/// Whether it waits until all that the core's loop has found ready was dealt with. So the pieces of
/// several streams that came together go out together, and a caller who reads them all, or many on
/// one machine, is woken once and not for each: the kernel's dearest work for a piece.
/// Not the last piece, nor one that is there before the head is out and goes with it.
bool HttpSession::MayWaitATurn(const Result<std::string_view>& piece) const {
  return shared_.streams > 1 && !head_waits_ && !caller_left_ && piece && !piece->empty();
}

Task<HttpSession::Step> HttpSession::RunStream() {
  BeginStream();
  LoopTurn::Waiter waiter;
  for (;;) {
    piece_waits_ = true;
    std::optional<Result<std::string_view>> came = response_.stream->TryNext();
    while (!came) {
      const auto read = response_.stream->BeginRead(co_await asio::this_coro::cancellation_state);
      if (!read) {
        auto next = response_.stream->Next();
        came = co_await std::move(next);
        break;
      }
      awaited_ = read->connection;
      const ClientConnection::Came bytes = co_await read->Came();
      awaited_ = nullptr;
      response_.stream->EndRead(bytes, co_await asio::this_coro::cancellation_state);
      came = response_.stream->TryNext();
    }
    const Result<std::string_view>& piece = *came;
    if (MayWaitATurn(piece)) {
      co_await shared_.turn.End(socket_.get_executor(), waiter);
      if (caller_left_ && !cut_) continue;  // The stream knows, and ends or reads on for the bill.
    }
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
  joined.clear();
  if (unsent_[0].size() > 0) joined.append(TextOf(unsent_[0]));
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
  out_.assign(TextOf(unsent_[0]));
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

}  // namespace podium::net
