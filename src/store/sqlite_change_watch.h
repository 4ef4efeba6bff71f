// Hears of commits to a SQLite file: the kernel says when its log is written, and what all
// processes that have it open share in memory says when a commit is whole. SQLite is asked only
// when that has changed, and now and then whether the file is in its place. Where the kernel does
// not say, memory is looked at every limits::kChangePoll.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "store/change_watch.h"
#include "store/sqlite_connection.h"
#include "store/write_bell.h"

namespace podium::store {

class SqliteChangeWatch final : public ChangeWatch {
 public:
  /// Opens the file when it is first asked. REQUIRES: a registry.
  explicit SqliteChangeWatch(std::string path) : path_(std::move(path)) {}
  /// Between two looks of its own accord, whatever is heard and seen.
  void set_look_every(std::chrono::milliseconds duration) { look_every_ = duration; }

  Result<bool> Wait(std::chrono::milliseconds patience) override;
  void Rest(std::chrono::milliseconds duration) override;
  void Stop() override;

 private:
  bool WantsLook();
  Result<std::int64_t> Look();
  /// Sleeps until a peek may find something, at most `left`. False when it was stopped.
  bool Listen(std::chrono::milliseconds left);

  const std::string path_;
  SystemClock clock_;                             // It waits in real time.
  std::unique_ptr<SqliteConnection> connection_;  // Null until asked.
  std::optional<std::int64_t> seen_;              ///< SQLite's count of others' commits.
  std::optional<SqliteWalHead> head_;             ///< Before that count was asked for.
  SteadyTime next_look_;                          ///< Of its own accord.
  std::chrono::milliseconds pause_{0};  ///< To the next peek; none: the bell is waited for.
  std::chrono::milliseconds look_every_{500};
  WriteBell bell_;
};

}  // namespace podium::store
