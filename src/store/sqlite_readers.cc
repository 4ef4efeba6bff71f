#include "store/sqlite_readers.h"

#include <utility>

namespace podium::store {

ReaderPool::ReaderPool(std::vector<Connection> connections) {
  for (Connection& connection : connections) {
    free_.push_back(std::make_unique<Connection>(std::move(connection)));
  }
}

ReaderPool::Lease::Lease(ReaderPool& pool, std::unique_ptr<Connection> connection)
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
  std::unique_ptr<Connection> connection = std::move(free_.back());
  free_.pop_back();
  return Lease(*this, std::move(connection));
}

}  // namespace podium::store
