#include "store/sqlite_change_watch.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <utility>

#include "base/limits.h"
#include "store/sqlite_file.h"

namespace podium::store {
namespace {

using std::chrono::milliseconds;

// Another answer is news: another revision, or another version wanted. Those that are wanted are
// few, and soon forgotten.
constexpr std::string_view kNews =
    "SELECT epoch || ' ' || revision || ' ' || head_hash || COALESCE((SELECT"
    " group_concat(' ' || until_at || ' ' || model_id) FROM replica_wants), '')"
    " FROM registry_revision";

}  // namespace

Result<bool> SqliteChangeWatch::Wait(milliseconds patience) {
  const auto end = clock_.SteadyNow() + patience;
  for (bool first = true;; first = false) {
    if (first || WantsLook()) {
      const Result<bool> news = Look();
      if (!news) seen_.reset();
      if (!news || *news) return news;
    }
    const auto left = std::chrono::ceil<milliseconds>(end - clock_.SteadyNow());
    if (left <= milliseconds(0) || !Listen(left)) return false;
  }
}

bool SqliteChangeWatch::WantsLook() {
  return !head_ || clock_.SteadyNow() >= next_look_ || connection_->PeekWalHead() != head_;
}

Result<bool> SqliteChangeWatch::Look() {
  if (!connection_) {
    // Opening would make a file where there is none, in the place that somebody may put it back to.
    std::error_code ignored;
    if (!std::filesystem::exists(path_, ignored)) {
      return Fail(ErrorCode::kUnavailable, "the registry file {} is not there", path_);
    }
    PODIUM_TRY_ASSIGN(connection_, OpenReader(path_, limits::kChangePoll));
  }
  PODIUM_TRY(connection_->CheckInPlace());
  next_look_ = clock_.SteadyNow() + look_every_;
  // Once the file was read its log is there. What was written before the listening may become a
  // commit later: it is peeked for. Between head and count a commit is asked for once more.
  if (seen_ && !bell_.hears()) {
    bell_.ListenTo(path_ + "-wal");
    rhythm_.Expect();
  }
  head_ = seen_ ? connection_->PeekWalHead() : std::nullopt;
  PODIUM_TRY_ASSIGN(const std::int64_t now, CountOf(*connection_, "PRAGMA data_version"));
  if (seen_ == now) return false;
  Query query(*connection_, kNews);
  PODIUM_TRY(query.Next());
  const std::string before = std::exchange(news_, query.Text(0));
  rhythm_.Expect();  // Another may have been written with it.
  const bool known = std::exchange(seen_, now).has_value();
  return !known || news_ != before;
}

bool SqliteChangeWatch::Listen(milliseconds left) {
  if (!bell_.hears()) return bell_.Rest(std::min(left, limits::kChangePoll));
  if (rhythm_.pause() == milliseconds(0)) {
    const WriteBell::Heard heard = bell_.Wait(std::min(left, look_every_));
    if (heard != WriteBell::Heard::kWrite) return heard != WriteBell::Heard::kStop;
    rhythm_.Heard();
  }
  if (!bell_.Rest(std::min(left, rhythm_.pause()))) return false;
  rhythm_.Rested(bell_.TakeWrites());
  return true;
}

void SqliteChangeWatch::Rest(milliseconds duration) { (void)bell_.Rest(duration); }

void SqliteChangeWatch::Stop() { bell_.Stop(); }

}  // namespace podium::store
