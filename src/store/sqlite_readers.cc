#include "store/sqlite_readers.h"

#include <utility>

namespace podium::store {

ReaderPool::ReaderPool(std::vector<std::unique_ptr<SqliteConnection>> connections)
    : free_(std::move(connections)) {}

ReaderPool::Lease::Lease(ReaderPool& pool, std::unique_ptr<SqliteConnection> connection)
    : pool_(pool), connection_(std::move(connection)) {}

ReaderPool::Lease::~Lease() {
  {
    const std::lock_guard lock(pool_.mutex_);
    pool_.free_.push_back(std::move(connection_));
  }
  pool_.returned_.notify_one();
}

ReaderPool::Lease ReaderPool::Take() {
  std::unique_lock lock(mutex_);
  returned_.wait(lock, [this] { return !free_.empty(); });
  std::unique_ptr<SqliteConnection> connection = std::move(free_.back());
  free_.pop_back();
  return Lease(*this, std::move(connection));
}

}  // namespace podium::store
