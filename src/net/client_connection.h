// One connection to a server, plain or with TLS: what HTTP clients and pools stand on.
#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <tuple>

#include "base/result.h"
#include "base/task.h"
#include "net/address.h"
#include "net/address_policy.h"
#include "net/inq_buffer.h"
#include "net/name_resolver.h"
#include "net/read_apart.h"
#include "net/tls.h"

namespace podium::net {

/// Where to connect to, and how.
struct ConnectTarget {
  HostPort server;
  TlsClient* tls = nullptr;                  ///< Without: plain.
  const AddressPolicy* addresses = nullptr;  ///< Without: any address.
};

/// Why no connection came about: this machine can open no more, to whomever.
bool IsWantOfThisMachine(const boost::system::error_code& error);

/// Threads: one executor. One operation at a time; destroyed while none is going on.
class ClientConnection {
 public:
  using Buffers = std::array<boost::asio::const_buffer, 2>;
  /// What one read or write came to. An end that the peer meant is asio::error::eof.
  struct Io {
    boost::system::error_code error;
    std::size_t bytes = 0;
  };
  /// The error and bytes of a read, as Asio has them.
  using Came = std::tuple<boost::system::error_code, std::size_t>;

  explicit ClientConnection(const Executor& executor);

  /// Resolves, judges the addresses, connects to the first that answers, shakes hands. Errors:
  /// kUnavailable, kPermissionDenied when no address of the host may be connected to, kLimited when
  /// this machine has no descriptor or memory for one more, or too many names to look up.
  Task<Status> Open(const ConnectTarget& target, NameResolver& resolver);
  /// What is there of the next `capacity` bytes; waits for the first.
  Task<Came> Read(char* buffer, std::size_t capacity);
  /// The same without a coroutine, as an operation to await: the way of every piece.
  /// REQUIRES: reads_plainly().
  auto ReadPlainly(InqBuffer buffer) { return socket_.async_read_some(buffer, kAwaitTuple); }
  /// As ReadPlainly, and ReadApart: whoever cancels the task that waits calls Interrupt, too.
  auto ReadPlainlyApart(InqBuffer buffer) { return ReadApart(socket_, buffer); }
  /// Neither TLS nor an end of the connection is in the way of a read.
  bool reads_plainly() const { return !aborted_ && !tls_; }
  /// What the kernel takes at once: nearly always all of it. Nothing where TLS or an end of the
  /// connection is in the way; WriteSome goes on.
  Io TryWrite(const Buffers& buffers);
  /// A part of it, perhaps all, unless it fails; tried without waiting first.
  Task<Io> WriteSome(Buffers buffers);
  /// All of it, unless it fails.
  Task<Io> Write(Buffers buffers);
  /// Takes what was written off `buffers`; true when nothing is left.
  static bool Took(Buffers& buffers, std::size_t bytes);

  /// Saves the reads in vain of one who calls LookForEnd, too. REQUIRES: open.
  void AskForInq() { net::AskForInq(socket_.native_handle()); }
  /// Acknowledges what comes with what is sent, or every second piece, or after some 40 ms, as a
  /// connection does on which answers follow requests at once; after a pause the kernel would
  /// acknowledge each piece by itself. It goes back to that when the 40 ms have passed once.
  /// REQUIRES: open.
  void AcknowledgeLazily() {
    const int off = 0;
    (void)::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_QUICKACK, &off, sizeof(off));
  }
  /// A plain read that has waited for a while is tried again if the connection has failed or ended.
  void LookForEnd() {
    if (reads_plainly()) net::LookForEnd(socket_);
  }
  /// Ends the wait that is going on, if any, with operation_aborted.
  void Interrupt();
  /// The same, and of all to come.
  void Abort();
  bool aborted() const { return aborted_; }

  /// Quiet and open: a byte or an end that nobody asked for makes a kept connection useless.
  bool IsAlive();
  /// Why TLS broke, if it did.
  std::string TlsFault() const { return tls_ ? tls_->fault() : std::string(); }
  bool resumed() const { return tls_ && tls_->resumed(); }

 private:
  using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;

  Task<Status> ConnectTo(const ConnectTarget& target, const Addresses& addresses);
  Task<Status> ShakeHands(const ConnectTarget& target);
  Task<boost::system::error_code> Await(TlsStream::Wait wait);
  Task<Io> WriteSomeTls(Buffers buffers);

  Socket socket_;
  std::unique_ptr<TlsStream> tls_;  // Goes before the socket does.
  std::function<void()> abandon_;   // Ends the resolver's wait.
  bool aborted_ = false;
};

}  // namespace podium::net
