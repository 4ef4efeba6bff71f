#include "store/postgres/postgres_change_watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "base/assert.h"

namespace podium::store {

PostgresChangeWatch::PostgresChangeWatch(PostgresServer server, const Clock& clock)
    : server_(std::move(server)), clock_(clock), stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  PODIUM_ASSERT(stop_ >= 0);
}

PostgresChangeWatch::~PostgresChangeWatch() { ::close(stop_); }

Result<bool> PostgresChangeWatch::Wait(std::chrono::milliseconds patience) {
  if (Poll(-1, std::chrono::milliseconds(0)) == Heard::kStop) return false;
  if (!connection_) {
    PODIUM_TRY(Listen());
    return true;  // What was committed before is not known.
  }
  Result<bool> heard = Await(patience);
  if (!heard) connection_.reset();
  return heard;
}

Status PostgresChangeWatch::Listen() {
  PODIUM_TRY_ASSIGN(auto connection, PostgresConnection::Open(server_, clock_));
  PODIUM_TRY(connection->Execute("LISTEN podium_changes"));
  connection_ = std::move(connection);
  return {};
}

Result<bool> PostgresChangeWatch::Await(std::chrono::milliseconds patience) {
  // Some may have come with the answer to another statement.
  PODIUM_TRY_ASSIGN(bool heard, connection_->TakeNotices());
  if (heard) return true;
  switch (Poll(connection_->socket(), patience)) {
    case Heard::kStop:
      return false;
    case Heard::kServer:
      return connection_->TakeNotices();
    case Heard::kNothing:
      break;
  }
  // A connection that was cut without a word is silent too: only asking shows it.
  PODIUM_TRY(connection_->Execute("SELECT 1"));
  PODIUM_TRY_ASSIGN(heard, connection_->TakeNotices());
  return heard;
}

PostgresChangeWatch::Heard PostgresChangeWatch::Poll(int socket,
                                                     std::chrono::milliseconds patience) const {
  std::array<pollfd, 2> waits = {{{stop_, POLLIN, 0}, {socket, POLLIN, 0}}};
  const int ready = ::poll(waits.data(), waits.size(), static_cast<int>(patience.count()));
  if (ready <= 0) return Heard::kNothing;  // A signal too: the caller waits again.
  return waits[0].revents != 0 ? Heard::kStop : Heard::kServer;
}

void PostgresChangeWatch::Rest(std::chrono::milliseconds duration) { Poll(-1, duration); }

void PostgresChangeWatch::Stop() { ::eventfd_write(stop_, 1); }

}  // namespace podium::store
