// The body of a request: whole where it has arrived with its head, else read as the handler asks.
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <utility>

#include "net/http_session.h"

namespace podium::net {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

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
  const InqBuffer space(buffer, capacity);
  quiet_.Begin();
  const auto [error, count] = co_await socket_.async_read_some(space, kAwaitTuple);
  quiet_.End();
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

}  // namespace podium::net
