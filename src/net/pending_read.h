// A read of a connection that somebody else may await.
#pragma once

#include <boost/asio/cancellation_state.hpp>

#include "net/client_connection.h"

namespace podium::net {

/// Of the task that reads.
using Cancellation = boost::asio::cancellation_state;

struct PendingRead {
  ClientConnection* connection;
  InqBuffer buffer;

  /// To await: gives ClientConnection::Came. Whoever cancels the task that waits interrupts the
  /// connection, too.
  auto Came() const { return connection->ReadPlainlyApart(buffer); }
};

}  // namespace podium::net
