// Reads that know whether they have emptied their socket.
//
// Asio tries a read before it waits, unless the read before said that nothing was left; its own
// reads say so only at the end of a stream. So each message costs one system call that finds
// nothing. Linux says with each read how many bytes it left behind (TCP_INQ), and counts an end
// that the peer meant as one byte: a read into an InqBuffer passes that on, and the next one waits
// at once.
//
// Only such an end is counted. An error that comes together with the last bytes is told of once,
// with them, and the wait for more would not hear of it: who waits looks after a while (QuietRead).
//
// A read that knows by other means where the end is need not be told (short_is_all): what did not
// fill its buffer has emptied the socket. It hears neither of an end nor of urgent data that came
// with the last bytes, but by that look.
//
// What Asio lets say so is a detail of it: the release whose details these are is named below, and
// with another one an InqBuffer is an ordinary buffer.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/version.hpp>
#include <boost/system/error_code.hpp>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace podium::net {

/// What a socket of which TCP_INQ was asked is read into, by async_read_some.
struct InqBuffer : boost::asio::mutable_buffer {
  using boost::asio::mutable_buffer::mutable_buffer;

  /// The kernel's note is not taken, which saves its making: a read that does not fill the buffer
  /// has left nothing. For who knows by other means where what is read ends, and calls LookForEnd.
  bool short_is_all = false;
};

/// Whoever is accepted by a listening socket inherits it. A socket that is not TCP, or a kernel
/// without it, reads as ever.
inline void AskForInq(int socket) {
  const int on = 1;
  (void)::setsockopt(socket, IPPROTO_TCP, TCP_INQ, &on, sizeof(on));
}

/// True when the read that filled `message` left nothing in the kernel, and the peer has not ended.
inline bool LeftNothing(const msghdr& message) {
  if (message.msg_controllen < sizeof(cmsghdr)) return false;
  const auto* note = static_cast<const cmsghdr*>(message.msg_control);
  int left = 1;
  if (note->cmsg_level != IPPROTO_TCP || note->cmsg_type != TCP_CM_INQ) return false;
  std::memcpy(&left, CMSG_DATA(note), sizeof(left));
  return left == 0;
}

/// Has a read that waits tried again if there is anything to hear: the connection has failed or was
/// shut down by either side, or bytes lie there. Costs one system call.
template <typename Socket>
void LookForEnd(Socket& socket) {
  pollfd look{socket.native_handle(), POLLIN | POLLRDHUP, 0};
  if (::poll(&look, 1, 0) <= 0) return;
  // Asio arms the socket anew for this wait, and the kernel tells of what there is once more. An
  // end is no error, and leaves the wait there until the socket is closed or cancelled.
  socket.async_wait(Socket::wait_error, [](const boost::system::error_code&) {});
}

/// Whether the read going on has waited for so long that a look is due: at the second sweep, once.
class QuietRead {
 public:
  void Begin() { sweeps_ = 0; }
  void End() { sweeps_ = kNone; }
  /// At each sweep: true when it is time to LookForEnd.
  bool Sweep() {
    if (sweeps_ == kNone) return false;
    ++sweeps_;
    return sweeps_ == kLook;
  }

 private:
  static constexpr std::uint8_t kLook = 2;
  static constexpr std::uint8_t kNone = kLook;  // Nothing is read, or it has been looked at.

  std::uint8_t sweeps_ = kNone;
};

}  // namespace podium::net

#if BOOST_ASIO_VERSION == 102600

namespace boost::asio::detail {

template <>
class reactive_socket_recv_op_base<podium::net::InqBuffer> : public reactor_op {
 public:
  reactive_socket_recv_op_base(const system::error_code& success, socket_type socket,
                               socket_ops::state_type /*state*/,
                               const podium::net::InqBuffer& buffer,
                               socket_base::message_flags flags, func_type complete)
      : reactor_op(success, &reactive_socket_recv_op_base::Perform, complete),
        socket_(socket),
        part_{buffer.data(), buffer.size()},
        flags_(flags),
        short_is_all_(buffer.short_is_all) {}

 private:
  static status Perform(reactor_op* base) {
    return static_cast<reactive_socket_recv_op_base*>(base)->Receive();
  }

  status Receive() {
    for (;;) {
      bool exhausted = false;
      const ssize_t bytes = short_is_all_ ? ReceivePart(exhausted) : ReceiveNoted(exhausted);
      if (bytes > 0) {
        ec_ = {};
        bytes_transferred_ = static_cast<std::size_t>(bytes);
        return exhausted ? done_and_exhausted : done;
      }
      if (bytes < 0 && errno == EINTR) continue;
      if (bytes < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return not_done;
      ec_.assign(errno, error::get_system_category());
      if (bytes == 0) ec_ = error::eof;
      bytes_transferred_ = 0;
      return bytes == 0 ? done_and_exhausted : done;
    }
  }

  ssize_t ReceivePart(bool& exhausted) const {
    const ssize_t bytes = ::recv(socket_, part_.iov_base, part_.iov_len, flags_);
    exhausted = bytes > 0 && static_cast<std::size_t>(bytes) < part_.iov_len;
    return bytes;
  }

  ssize_t ReceiveNoted(bool& exhausted) {
    alignas(cmsghdr) char notes[CMSG_SPACE(sizeof(int))];
    msghdr message{};
    message.msg_iov = &part_;
    message.msg_iovlen = 1;
    message.msg_control = notes;
    message.msg_controllen = sizeof(notes);
    const ssize_t bytes = ::recvmsg(socket_, &message, flags_);
    exhausted = bytes > 0 && podium::net::LeftNothing(message);
    return bytes;
  }

  socket_type socket_;
  iovec part_;
  socket_base::message_flags flags_;
  bool short_is_all_;
};

}  // namespace boost::asio::detail

#endif
