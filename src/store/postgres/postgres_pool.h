// A few connections to one database, lent to one thread each and opened when first needed.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "store/postgres/postgres_connection.h"

namespace podium::store {

/// Threads: Take from any thread.
class PostgresPool {
 public:
  /// `clock` must outlive the pool. REQUIRES: size > 0.
  PostgresPool(PostgresServer server, int size, const Clock& clock);

  /// A connection until it is destroyed. One that is still in a transaction, or broken, is closed
  /// then and not lent again.
  class Lease {
   public:
    Lease(PostgresPool& pool, std::unique_ptr<PostgresConnection> connection);
    ~Lease();
    Lease(Lease&& other) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    PostgresConnection& operator*() const { return *connection_; }

   private:
    PostgresPool* pool_;
    std::unique_ptr<PostgresConnection> connection_;  // Null when moved from.
  };

  /// Waits for one while all are lent, as long as for a statement; then kUnavailable, as when the
  /// database cannot be reached.
  Result<Lease> Take();

  const PostgresServer& server() const { return server_; }

 private:
  Result<std::unique_ptr<PostgresConnection>> TakeIdle(std::unique_lock<std::mutex>& lock);
  void Return(std::unique_ptr<PostgresConnection> connection);

  const PostgresServer server_;
  const int size_;
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<PostgresConnection>> idle_;  // Protected by mutex_.
  int open_ = 0;                                           // Lent ones included. Protected too.
};

}  // namespace podium::store
