// Hears of changes of a registry in a SQLite file: the kernel says when its log is written, and
// what all processes that have it open share in memory says when a commit is whole. SQLite is asked
// only when that has changed, and now and then whether the file is in its place. Where the kernel
// does not say, memory is looked at every limits::kChangePoll.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "store/change_watch.h"
#include "store/peek_rhythm.h"
#include "store/sqlite_connection.h"
#include "store/write_bell.h"

namespace podium::store {

class SqliteChangeWatch final : public ChangeWatch {
 public:
  /// Opens the file when it is first asked. REQUIRES: a registry. `look_every`: between two looks
  /// of its own accord, whatever is heard and seen.
  explicit SqliteChangeWatch(std::string path,
                             std::chrono::milliseconds look_every = std::chrono::milliseconds(500))
      : path_(std::move(path)), look_every_(look_every) {}

  Result<bool> Wait(std::chrono::milliseconds patience) override;
  void Rest(std::chrono::milliseconds duration) override;
  void Stop() override;

 private:
  bool WantsLook();
  /// Whether there was a commit that is news, since the last one that was.
  Result<bool> Look();
  /// Sleeps until a peek may find something, at most `left`. False when it was stopped.
  bool Listen(std::chrono::milliseconds left);

  const std::string path_;
  const std::chrono::milliseconds look_every_;
  SystemClock clock_;                             // It waits in real time.
  std::unique_ptr<SqliteConnection> connection_;  // Null until asked.
  std::optional<std::int64_t> seen_;              ///< SQLite's count of others' commits.
  std::string news_;                              ///< What kNews said then.
  std::optional<SqliteWalHead> head_;             ///< Before that count was asked for.
  SteadyTime next_look_;                          ///< Of its own accord.
  PeekRhythm rhythm_;
  WriteBell bell_;
};

}  // namespace podium::store
