// Hears of commits to a SQLite file by looking every limits::kChangePoll at what all processes that
// have it open share in memory, however large the file. SQLite is asked only when that has changed,
// and now and then whether the file is in its place.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "store/change_watch.h"
#include "store/sqlite_connection.h"

namespace podium::store {

class SqliteChangeWatch final : public ChangeWatch {
 public:
  /// Opens the file when it is first asked. REQUIRES: a registry.
  explicit SqliteChangeWatch(std::string path) : path_(std::move(path)) {}

  Result<bool> Wait(std::chrono::milliseconds patience) override;
  void Rest(std::chrono::milliseconds duration) override;
  void Stop() override;

 private:
  bool WantsLook();
  Result<std::int64_t> Look();

  const std::string path_;
  std::unique_ptr<SqliteConnection> connection_;  // Null until asked.
  std::optional<std::int64_t> seen_;              ///< SQLite's count of others' commits.
  std::optional<SqliteWalHead> head_;             ///< Before that count was asked for.
  int peeks_ = 0;                                 ///< Since it was.

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopped_ = false;  // Protected by mutex_.
};

}  // namespace podium::store
