#include "net/client_connection.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <tuple>
#include <utility>

#include "base/limits.h"

namespace podium::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr auto kAwaitTuple = asio::as_tuple(kAwait);
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
    const auto [error] = co_await socket_.async_connect(endpoint, kAwaitTuple);
    last = error;
    if (error) continue;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    socket_.non_blocking(true, ignored);
    co_return Status{};
  }
  co_return Fail(ErrorCode::kUnavailable, "cannot connect to {}: {}", ToString(target.server),
                 last.message());
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

Task<ClientConnection::Io> ClientConnection::Read(char* buffer, std::size_t capacity) {
  if (aborted_) co_return Io{asio::error::operation_aborted, 0};
  if (!tls_) {
    const asio::mutable_buffer space(buffer, capacity);
    const auto [error, bytes] = co_await socket_.async_read_some(space, kAwaitTuple);
    co_return Io{error, bytes};
  }
  for (;;) {
    const TlsStream::Step step = tls_->Read(buffer, capacity);
    if (step.wait == TlsStream::Wait::kNothing) co_return Io{{}, step.bytes};
    const error_code error = co_await Await(step.wait);
    if (error) co_return Io{error, 0};
  }
}

Task<ClientConnection::Io> ClientConnection::Write(Buffers buffers) {
  if (aborted_) co_return Io{asio::error::operation_aborted, 0};
  if (tls_) co_return co_await WriteTls(buffers);
  Io io;
  io.bytes = socket_.write_some(buffers, io.error);
  for (std::size_t taken = io.bytes;;) {
    const std::size_t from_first = std::min(taken, buffers[0].size());
    buffers[0] += from_first;
    buffers[1] += taken - from_first;
    if (buffers[0].size() + buffers[1].size() == 0) co_return Io{{}, io.bytes};
    if (io.error && io.error != asio::error::would_block) co_return io;
    std::tie(io.error, taken) = co_await socket_.async_write_some(buffers, kAwaitTuple);
    io.bytes += taken;
  }
}

Task<ClientConnection::Io> ClientConnection::WriteTls(Buffers buffers) {
  std::string joined;
  if (buffers[0].size() + buffers[1].size() <= kTlsRecordBytes && buffers[1].size() > 0) {
    joined.append(ViewOf(buffers[0])).append(ViewOf(buffers[1]));
    buffers = {asio::buffer(joined), asio::const_buffer()};
  }
  Io io;
  for (asio::const_buffer& part : buffers) {
    while (part.size() > 0) {
      const TlsStream::Step step = tls_->Write(ViewOf(part));
      part += step.bytes;
      io.bytes += step.bytes;
      if (step.wait == TlsStream::Wait::kNothing) continue;
      io.error = co_await Await(step.wait);
      if (io.error) co_return io;
    }
  }
  co_return io;
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
