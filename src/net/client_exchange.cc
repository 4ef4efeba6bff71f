#include "net/client_exchange.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <utility>

#include "net/http_parser.h"
#include "net/request_head.h"

namespace podium::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t kReadBytes = 64 * 1024;

bool AsksFirst(const ClientRequest& request) {
  return request.source ? request.source->size > 0 : request.body.size() > kAskBeforeBytes;
}

Failure NotHttp(const HostPort& server, std::string_view fault) {
  return Fail(ErrorCode::kInternal, "the answer of {} is not valid HTTP: {}", ToString(server),
              fault);
}

}  // namespace

Result<std::string> RequestText(const ClientRequest& request, const HostPort& server) {
  return HeadText({.method = request.method,
                   .target = request.target,
                   .host = ToString(server),
                   .content_length = request.source ? request.source->size : request.body.size(),
                   .content_type = request.content_type,
                   .expect_continue = AsksFirst(request),
                   .headers = request.headers});
}

ClientExchange::ClientExchange(const Executor& executor, const HostPort& server,
                               std::unique_ptr<ClientConnection> connection)
    : server_(server),
      connection_(std::move(connection)),
      deadline_(executor),
      patience_(executor) {}

void ClientExchange::StartDeadline(std::chrono::nanoseconds timeout) {
  timeout_ = timeout;
  deadline_.expires_after(timeout);
  deadline_.async_wait([self = shared_from_this()](error_code cancelled) {
    if (cancelled) return;
    self->expired_ = true;  // Looked at after each operation, since one may just have ended.
    self->connection_->Abort();
  });
}

void ClientExchange::StopTimers() {
  deadline_.cancel();
  patience_.cancel();
}

Failure ClientExchange::Broken(std::string_view doing, const error_code& error) const {
  if (expired_) {
    return Fail(ErrorCode::kDeadline, "{} did not answer within {} ms", ToString(server_),
                std::chrono::duration_cast<std::chrono::milliseconds>(timeout_).count());
  }
  return Fail(ErrorCode::kInternal, "the connection to {} broke while {}: {}", ToString(server_),
              doing, error.message());
}

Task<Status> ClientExchange::Connect(NameResolver& resolver) {
  Status opened = co_await connection_->Open({.server = server_}, resolver);
  if (expired_) co_return Broken("connecting", {});
  co_return opened;
}

// ---- Sending.

Task<Result<ClientResponse>> ClientExchange::Run(const ClientRequest& request,
                                                 const std::string& text) {
  Status written = co_await Write(request, text);
  // A server that refuses a body may stop reading and answer: its answer says more than our error.
  if (!written && written.error().code != ErrorCode::kInternal) {
    co_return Failure(std::move(written).error());
  }
  auto response = co_await ReadResponse(request);
  if (!written) reusable_ = false;
  if (!response && !written && !answered_) co_return Failure(std::move(written).error());
  co_return response;
}

Task<Status> ClientExchange::Write(const ClientRequest& request, const std::string& text) {
  const bool asks = AsksFirst(request);
  const bool joined = !asks && !request.source;
  const ClientConnection::Buffers buffers = {
      asio::buffer(text), asio::buffer(request.body.data(), joined ? request.body.size() : 0)};
  const auto [error, sent] = co_await connection_->Write(buffers);
  if (error || expired_) co_return Broken("sending the request", error);
  if (joined) co_return Status{};
  if (asks) {
    ResponseHead head;
    const auto go_on = co_await MayContinue(head);
    if (!go_on) co_return Failure(go_on.error());
    if (!*go_on) co_return Status{};  // The final answer is there already.
  }
  if (request.source) co_return co_await WriteSource(*request.source);
  const ClientConnection::Buffers body = {asio::buffer(request.body), asio::const_buffer()};
  const auto [failed, count] = co_await connection_->Write(body);
  if (failed || expired_) co_return Broken("sending the body", failed);
  co_return Status{};
}

/// Waits for 100 Continue, or for a moment. False when a final answer came instead; the connection
/// cannot be used again then, since the body that was announced never follows.
Task<Result<bool>> ClientExchange::MayContinue(ResponseHead& head) {
  patience_.expires_after(kContinuePatience);
  patience_.async_wait([self = shared_from_this()](error_code cancelled) {
    if (cancelled) return;
    self->impatient_ = true;
    self->connection_->Interrupt();
  });
  const auto bytes = co_await ReadHead(head);
  patience_.cancel();
  if (!bytes && impatient_ && !expired_ && in_.empty()) co_return true;
  if (!bytes) co_return Failure(bytes.error());
  const bool go_on = head.status == 100;
  if (go_on) in_.erase(0, *bytes);
  co_return go_on;
}

Task<Status> ClientExchange::WriteSource(const BodySource& source) {
  std::string piece(kReadBytes, '\0');
  for (std::uint64_t sent = 0; sent < source.size;) {
    const std::uint64_t left = source.size - sent;
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), left));
    const auto bytes = source.read(piece.data(), wanted);
    if (!bytes) co_return Failure(bytes.error());
    if (*bytes == 0 || *bytes > wanted) {
      co_return Fail(ErrorCode::kInvalidArgument, "the body ended after {} of {} bytes", sent,
                     source.size);
    }
    const ClientConnection::Buffers buffers = {asio::buffer(piece.data(), *bytes),
                                               asio::const_buffer()};
    const auto [error, count] = co_await connection_->Write(buffers);
    if (error || expired_) co_return Broken("sending the body", error);
    sent += *bytes;
    if (source.progress) source.progress(sent);
  }
  co_return Status{};
}

// ---- Receiving.

/// Appends to in_; 0 at the end of the connection.
Task<Result<std::size_t>> ClientExchange::ReadMore() {
  const std::size_t before = in_.size();
  in_.resize(before + kReadBytes);
  const auto [error, bytes] = co_await connection_->Read(in_.data() + before, kReadBytes);
  in_.resize(before + bytes);
  if (bytes > 0) answered_ = true;
  const bool failed = error && error != asio::error::eof;
  if (failed || expired_) co_return Broken("waiting for the answer", error);
  co_return bytes;
}

/// The size of the next complete head in in_; `head` is a view of it.
Task<Result<std::size_t>> ClientExchange::ReadHead(ResponseHead& head) {
  for (;;) {
    const ParseOutcome outcome = ParseResponseHead(in_, head);
    if (outcome.state == ParseState::kComplete) co_return outcome.consumed;
    if (outcome.state == ParseState::kError) co_return NotHttp(server_, outcome.error.text);
    const auto more = co_await ReadMore();
    if (!more) co_return Failure(more.error());
    if (*more == 0) co_return Broken("waiting for the answer", asio::error::eof);
  }
}

Task<Result<ClientResponse>> ClientExchange::ReadResponse(const ClientRequest& request) {
  ResponseHead head;
  for (;;) {
    const auto bytes = co_await ReadHead(head);
    if (!bytes) co_return Failure(bytes.error());
    if (head.status >= 200) {
      ClientResponse response;
      response.status = head.status;
      for (const auto& [name, value] : head.headers) response.headers.emplace_back(name, value);
      BodyFraming framing(head, request.method);
      in_.erase(0, *bytes);
      Status rest = co_await ReadRest(framing, request, response);
      if (!rest) co_return Failure(std::move(rest).error());
      reusable_ = head.keep_alive && framing.done() && in_.empty() && !AsksFirst(request);
      co_return response;
    }
    if (head.status == 101) co_return NotHttp(server_, "it switches to another protocol");
    in_.erase(0, *bytes);
  }
}

Task<Status> ClientExchange::ReadRest(BodyFraming& framing, const ClientRequest& request,
                                      ClientResponse& response) {
  const bool is_taken = request.sink && response.status / 100 == 2;
  std::size_t left = request.max_response_bytes;
  for (;;) {
    std::string_view pending = in_;
    while (!framing.done() && !pending.empty()) {
      const BodyFraming::Step step = framing.Next(pending);
      if (step.failed) co_return NotHttp(server_, framing.error().text);
      if (step.piece.size() > left) {
        co_return Fail(ErrorCode::kTooLarge, "the answer of {} is larger than {} bytes",
                       ToString(server_), request.max_response_bytes);
      }
      left -= step.piece.size();
      if (!is_taken) {
        response.body.append(step.piece);
      } else if (!step.piece.empty()) {
        request.sink(response, step.piece);
      }
      pending.remove_prefix(step.consumed);
    }
    in_.erase(0, in_.size() - pending.size());
    if (framing.done()) co_return Status{};
    const auto more = co_await ReadMore();
    if (!more) co_return Failure(more.error());
    if (*more > 0) continue;
    if (framing.until_close()) co_return Status{};
    co_return Broken("reading the answer", asio::error::eof);
  }
}

}  // namespace podium::net
