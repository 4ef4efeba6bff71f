#include "store/sqlite_change_watch.h"

#include <filesystem>

#include "base/limits.h"
#include "store/sqlite_file.h"

namespace podium::store {
namespace {

/// A look at SQLite and at the file's place, whatever memory says: about twice a second.
constexpr int kPeeksPerLook = 25;

}  // namespace

Result<bool> SqliteChangeWatch::Wait(std::chrono::milliseconds patience) {
  for (auto left = patience; true; left -= limits::kChangePoll) {
    if (left == patience || WantsLook()) {
      Result<std::int64_t> now = Look();
      if (!now) {
        seen_.reset();
        return Fail(std::move(now).error());
      }
      if (seen_ != *now) {
        seen_ = *now;
        return true;
      }
    }
    std::unique_lock lock(mutex_);
    if (stopped_ || left <= std::chrono::milliseconds(0)) return false;
    if (wake_.wait_for(lock, limits::kChangePoll, [this] { return stopped_; })) return false;
  }
}

bool SqliteChangeWatch::WantsLook() {
  return !head_ || ++peeks_ >= kPeeksPerLook || connection_->PeekWalHead() != head_;
}

Result<std::int64_t> SqliteChangeWatch::Look() {
  if (!connection_) {
    // Opening would make a file where there is none, in the place that somebody may put it back to.
    std::error_code ignored;
    if (!std::filesystem::exists(path_, ignored)) {
      return Fail(ErrorCode::kUnavailable, "the registry file {} is not there", path_);
    }
    PODIUM_TRY_ASSIGN(connection_, OpenReader(path_, limits::kChangePoll));
  }
  PODIUM_TRY(connection_->CheckInPlace());
  peeks_ = 0;
  // Before the count: a commit between the two is asked for once more, and never missed.
  head_ = seen_ ? connection_->PeekWalHead() : std::nullopt;
  Query version(*connection_, "PRAGMA data_version");
  PODIUM_TRY(version.Next());
  return version.Int(0);
}

void SqliteChangeWatch::Rest(std::chrono::milliseconds duration) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, duration, [this] { return stopped_; });
}

void SqliteChangeWatch::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  wake_.notify_all();
}

}  // namespace podium::store
