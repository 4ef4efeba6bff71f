// A read whose end the end of its task is not.
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <utility>

#include "base/task.h"
#include "net/inq_buffer.h"

namespace podium::net {

/// As socket.async_read_some(buffer, kAwaitTuple), to await where it is made. A wait that the
/// cancellation of its task can end takes and gives back a piece of memory; this one does without.
/// Whoever cancels the task also interrupts the socket. `socket` outlives the wait.
template <typename Socket>
auto ReadApart(Socket& socket, InqBuffer buffer) {
  namespace asio = boost::asio;
  auto begin = [&socket, buffer](auto resume) {
    socket.async_read_some(
        buffer, asio::bind_cancellation_slot(asio::cancellation_slot(), std::move(resume)));
  };
  return asio::async_initiate<decltype(kAwaitTuple), void(boost::system::error_code, std::size_t)>(
      begin, kAwaitTuple);
}

}  // namespace podium::net
