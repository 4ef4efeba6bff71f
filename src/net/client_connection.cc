#include "net/client_connection.h"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <tuple>
#include <utility>

#include "base/limits.h"

namespace podium::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// What a server may send ahead of a reader who pauses lies in the kernel, up to 32 MB where nothing
// bounds it: a buffer of a given size is not tuned by the kernel (a clamped window is). Enough for
// 10 MB/s over a hundred milliseconds.
using UnreadBound = asio::socket_base::receive_buffer_size;
constexpr int kMostUnread = 1024 * 1024;

/// What one TLS record holds; a request up to this size is one record and one system call.
constexpr std::size_t kTlsRecordBytes = 16 * 1024;

std::string_view ViewOf(asio::const_buffer buffer) {
  return {static_cast<const char*>(buffer.data()), buffer.size()};
}

/// The addresses that may be connected to, in their order; the last refusal when there is none.
Result<Addresses> Allowed(const ConnectTarget& target, const Addresses& found) {
  Addresses allowed;
  Status refused = Fail(ErrorCode::kUnavailable, "the host {} has no address", target.server.host);
  for (const auto& address : found) {
    if (allowed.size() == limits::kMaxUpstreamAddresses) break;
    Status judged = target.addresses != nullptr
                        ? CheckAddress(address, target.server.host, *target.addresses)
                        : Status{};
    if (judged) {
      allowed.push_back(address);
    } else {
      refused = std::move(judged);
    }
  }
  if (allowed.empty()) return Failure(std::move(refused).error());
  return allowed;
}

}  // namespace

bool IsWantOfThisMachine(const error_code& error) {
  namespace errc = boost::system::errc;
  return error == errc::too_many_files_open || error == errc::too_many_files_open_in_system ||
         error == errc::no_buffer_space || error == errc::not_enough_memory;
}

ClientConnection::ClientConnection(const Executor& executor) : socket_(executor) {}

// ---- Connecting.

Task<Status> ClientConnection::Open(const ConnectTarget& target, NameResolver& resolver) {
  auto resolving = resolver.Resolve(target.server.host, abandon_);
  const auto found = co_await std::move(resolving);
  if (!found) co_return Failure(found.error());
  const auto allowed = Allowed(target, *found);
  if (!allowed) co_return Failure(allowed.error());
  Status connected = co_await ConnectTo(target, *allowed);
  if (!connected || target.tls == nullptr) co_return connected;
  co_return co_await ShakeHands(target);
}

/// To exactly these addresses: nothing is resolved again.
Task<Status> ClientConnection::ConnectTo(const ConnectTarget& target, const Addresses& addresses) {
  error_code last = asio::error::operation_aborted;
  for (const auto& address : addresses) {
    if (aborted_) break;
    error_code ignored;
    socket_.close(ignored);
    const asio::ip::tcp::endpoint endpoint(address, target.server.port);
    socket_.open(endpoint.protocol(), last);
    if (last) break;
    socket_.set_option(UnreadBound(kMostUnread), ignored);  // Before the window is agreed upon.
    const auto [error] = co_await socket_.async_connect(endpoint, kAwaitTuple);
    last = error;
    if (error == asio::error::operation_aborted || IsWantOfThisMachine(error)) break;
    if (error) continue;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    socket_.non_blocking(true, ignored);
    co_return Status{};
  }
  const ErrorCode code = IsWantOfThisMachine(last) ? ErrorCode::kLimited : ErrorCode::kUnavailable;
  co_return Fail(code, "cannot connect to {}: {}", ToString(target.server), last.message());
}

Task<Status> ClientConnection::ShakeHands(const ConnectTarget& target) {
  tls_ = target.tls->Open(socket_.native_handle(), target.server);
  for (;;) {
    const TlsStream::Step step = tls_->Handshake();
    if (step.wait == TlsStream::Wait::kNothing) co_return Status{};
    const error_code error = co_await Await(step.wait);
    if (!error) continue;
    const std::string why = tls_->fault().empty() ? error.message() : tls_->fault();
    co_return Fail(ErrorCode::kUnavailable, "no secure connection to {}: {}",
                   ToString(target.server), why);
  }
}

// ---- Bytes.

/// Waits for what a step of TLS asks for; an error when it asks for nothing that may come.
Task<error_code> ClientConnection::Await(TlsStream::Wait wait) {
  if (aborted_) co_return asio::error::operation_aborted;
  if (wait == TlsStream::Wait::kEnd) co_return asio::error::eof;
  if (wait == TlsStream::Wait::kFailed) co_return asio::error::connection_reset;
  const auto side = wait == TlsStream::Wait::kRead ? Socket::wait_read : Socket::wait_write;
  const auto [error] = co_await socket_.async_wait(side, kAwaitTuple);
  co_return error;
}

Task<ClientConnection::Came> ClientConnection::Read(char* buffer, std::size_t capacity) {
  if (reads_plainly()) co_return co_await ReadPlainly(InqBuffer(buffer, capacity));
  for (;;) {
    if (aborted_) co_return Came(asio::error::operation_aborted, 0);
    const TlsStream::Step step = tls_->Read(buffer, capacity);
    if (step.wait == TlsStream::Wait::kNothing) co_return Came(error_code(), step.bytes);
    const error_code error = co_await Await(step.wait);
    if (error) co_return Came(error, 0);
  }
}

Task<ClientConnection::Io> ClientConnection::Write(Buffers buffers) {
  Io all;
  while (!all.error && !Took(buffers, 0)) {
    const Io some = co_await WriteSome(buffers);
    Took(buffers, some.bytes);
    all = {some.error, all.bytes + some.bytes};
  }
  co_return all;
}

bool ClientConnection::Took(Buffers& buffers, std::size_t bytes) {
  const std::size_t from_first = std::min(bytes, buffers[0].size());
  buffers[0] += from_first;
  buffers[1] += bytes - from_first;
  return buffers[0].size() + buffers[1].size() == 0;
}

ClientConnection::Io ClientConnection::TryWrite(const Buffers& buffers) {
  Io io;
  if (aborted_ || tls_) return io;
  io.bytes = socket_.write_some(buffers, io.error);
  if (io.error == asio::error::would_block) io.error = {};
  return io;
}

Task<ClientConnection::Io> ClientConnection::WriteSome(Buffers buffers) {
  if (aborted_) co_return Io{asio::error::operation_aborted, 0};
  if (tls_) co_return co_await WriteSomeTls(buffers);
  Io io = TryWrite(buffers);
  if (io.error || io.bytes > 0) co_return io;
  std::tie(io.error, io.bytes) = co_await socket_.async_write_some(buffers, kAwaitTuple);
  co_return io;
}

/// One record.
Task<ClientConnection::Io> ClientConnection::WriteSomeTls(Buffers buffers) {
  const bool both = buffers[0].size() > 0 && buffers[1].size() > 0;
  std::string_view text = ViewOf(buffers[buffers[0].size() > 0 ? 0 : 1]);
  std::string joined;
  if (both && text.size() < kTlsRecordBytes) {
    joined.append(text).append(ViewOf(buffers[1]).substr(0, kTlsRecordBytes - text.size()));
    text = joined;
  }
  for (;;) {
    const TlsStream::Step step = tls_->Write(text);
    if (step.wait == TlsStream::Wait::kNothing) co_return Io{{}, step.bytes};
    const error_code error = co_await Await(step.wait);
    if (error) co_return Io{error, 0};
  }
}

void ClientConnection::Interrupt() {
  error_code ignored;
  socket_.cancel(ignored);
  if (abandon_) abandon_();
}

void ClientConnection::Abort() {
  aborted_ = true;
  Interrupt();
}

bool ClientConnection::IsAlive() {
  error_code error;
  char byte = 0;
  if (tls_) {  // Sessions to resume by may come at any time.
    return tls_->Read(&byte, 1).wait == TlsStream::Wait::kRead;
  }
  (void)socket_.receive(asio::buffer(&byte, 1), Socket::message_peek, error);
  return error == asio::error::would_block;
}

}  // namespace podium::net
