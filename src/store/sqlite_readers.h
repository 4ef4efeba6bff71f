// A few connections for reading, lent to one thread each. WAL lets them read while the writer
// writes, so no reader ever waits for a mutation.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "store/sqlite_connection.h"

namespace podium::store {

/// Threads: Take from any thread.
class ReaderPool {
 public:
  explicit ReaderPool(std::vector<std::unique_ptr<SqliteConnection>> connections);

  /// A connection until it is destroyed. Waits for one when all are lent; reads are short.
  class Lease {
   public:
    Lease(ReaderPool& pool, std::unique_ptr<SqliteConnection> connection);
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    SqliteConnection& operator*() const { return *connection_; }

   private:
    ReaderPool& pool_;
    std::unique_ptr<SqliteConnection> connection_;
  };
  Lease Take();

 private:
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<SqliteConnection>> free_;  // Protected by mutex_.
};

}  // namespace podium::store
