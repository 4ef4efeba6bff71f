#include "store/sqlite_change_watch.h"

#include <algorithm>
#include <filesystem>

#include "base/limits.h"
#include "store/sqlite_file.h"

namespace podium::store {
namespace {

using std::chrono::milliseconds;

/// Between looks at SQLite and at the file's place, whatever is heard and seen.
constexpr milliseconds kLookEvery{500};
/// A small change is whole by then: the log is written first, then the head of its index.
constexpr milliseconds kCommitTime{2};
/// For a change that takes longer, after the last write of the log.
constexpr int kPeeksPerWrite = kLookEvery / limits::kChangePoll;
/// For a second change whose writes were heard with the first one's.
constexpr int kPeeksPerChange = 1;

}  // namespace

Result<bool> SqliteChangeWatch::Wait(milliseconds patience) {
  const auto end = clock_.SteadyNow() + patience;
  for (bool first = true;; first = false) {
    if (first || WantsLook()) {
      Result<std::int64_t> now = Look();
      if (!now) {
        seen_.reset();
        return Fail(std::move(now).error());
      }
      if (seen_ != *now) {
        seen_ = *now;
        peeks_ = std::min(peeks_, kPeeksPerChange);
        return true;
      }
    }
    const auto left = std::chrono::ceil<milliseconds>(end - clock_.SteadyNow());
    if (left <= milliseconds(0) || !Listen(left)) return false;
  }
}

bool SqliteChangeWatch::WantsLook() {
  return !head_ || clock_.SteadyNow() >= next_look_ || connection_->PeekWalHead() != head_;
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
  next_look_ = clock_.SteadyNow() + kLookEvery;
  // Once the file was read its log is there. In this order: a commit after the listening is heard,
  // one between head and count is asked for once more, and none is missed.
  if (seen_ && !bell_.hears()) bell_.ListenTo(path_ + "-wal");
  head_ = seen_ ? connection_->PeekWalHead() : std::nullopt;
  Query version(*connection_, "PRAGMA data_version");
  PODIUM_TRY(version.Next());
  return version.Int(0);
}

bool SqliteChangeWatch::Listen(milliseconds left) {
  if (bell_.hears() && peeks_ == 0) {
    switch (bell_.Wait(std::min(left, kLookEvery))) {
      case WriteBell::Heard::kStop:
        return false;
      case WriteBell::Heard::kNothing:
        return true;
      case WriteBell::Heard::kWrite:
        peeks_ = kPeeksPerWrite;
    }
    return bell_.Rest(kCommitTime);
  }
  // However often the log is written.
  if (!bell_.Rest(std::min(left, limits::kChangePoll))) return false;
  peeks_ = bell_.TakeWrites() ? kPeeksPerWrite : std::max(0, peeks_ - 1);
  return true;
}

void SqliteChangeWatch::Rest(milliseconds duration) { (void)bell_.Rest(duration); }

void SqliteChangeWatch::Stop() { bell_.Stop(); }

}  // namespace podium::store
