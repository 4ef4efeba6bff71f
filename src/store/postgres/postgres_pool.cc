#include "store/postgres/postgres_pool.h"

#include <utility>

#include "base/assert.h"

namespace podium::store {

PostgresPool::PostgresPool(PostgresServer server, int size, const Clock& clock)
    : server_(std::move(server)), size_(size), clock_(clock) {
  PODIUM_ASSERT(size > 0);
}

PostgresPool::Lease::Lease(PostgresPool& pool, std::unique_ptr<PostgresConnection> connection)
    : pool_(&pool), connection_(std::move(connection)) {}

PostgresPool::Lease::~Lease() {
  if (connection_ != nullptr) pool_->Return(std::move(connection_));
}

void PostgresPool::Return(std::unique_ptr<PostgresConnection> connection) {
  // After a restart of the server all that idle here are as dead as this one: the next attempt is
  // to connect anew, not to try them one by one.
  const bool all_lost = connection->trouble() == SqlTrouble::kLost;
  const bool usable = connection->IsIdle();
  std::vector<std::unique_ptr<PostgresConnection>> dropped;
  if (!usable) connection.reset();  // Outside the lock: closing writes to the socket.
  {
    const std::lock_guard lock(mutex_);
    if (all_lost) {
      dropped.swap(idle_);
      open_ -= static_cast<int>(dropped.size());
    }
    if (usable) {
      idle_.push_back(std::move(connection));
    } else {
      --open_;
    }
  }
  returned_.notify_all();  // Whoever waits: there may be room for several.
}

// One that is there; null when there is room for a new one, which is then counted as open.
Result<std::unique_ptr<PostgresConnection>> PostgresPool::TakeIdle(
    std::unique_lock<std::mutex>& lock) {
  const bool in_time = returned_.wait_for(lock, server_.statement_timeout,
                                          [this] { return !idle_.empty() || open_ < size_; });
  if (!in_time) {
    return Fail(ErrorCode::kUnavailable,
                "all {} connections to the database {} were in use for {} ms: try again, or raise "
                "database.pool_size",
                size_, server_.where, server_.statement_timeout.count());
  }
  std::unique_ptr<PostgresConnection> connection;
  // Those that the server has closed meanwhile make room.
  while (!idle_.empty() && connection == nullptr) {
    connection = std::move(idle_.back());
    idle_.pop_back();
    if (!connection->IsIdle()) {
      connection.reset();
      --open_;
    }
  }
  if (connection == nullptr) ++open_;
  return connection;
}

Result<PostgresPool::Lease> PostgresPool::Take() {
  {
    std::unique_lock lock(mutex_);
    PODIUM_TRY_ASSIGN(std::unique_ptr<PostgresConnection> idle, TakeIdle(lock));
    if (idle != nullptr) return Lease(*this, std::move(idle));
  }
  Result<std::unique_ptr<PostgresConnection>> opened = PostgresConnection::Open(server_, clock_);
  if (opened) return Lease(*this, std::move(*opened));
  {
    const std::lock_guard lock(mutex_);
    --open_;
  }
  returned_.notify_one();
  return Fail(std::move(opened).error());
}

}  // namespace podium::store
