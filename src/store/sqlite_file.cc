#include "store/sqlite_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace podium::store {
namespace {

namespace fs = std::filesystem;

Failure CannotCreate(const std::string& path, const std::error_code& why) {
  return Fail(ErrorCode::kUnavailable, "the registry file {} cannot be created: {}", path,
              why.message());
}

std::string WalOf(const std::string& path) { return path + "-wal"; }

Failure RegistryGone(const std::string& path, std::uintmax_t logged) {
  return Fail(ErrorCode::kUnavailable,
              "the registry file {} is missing or empty, but {} beside it holds {} bytes of "
              "changes: put the file back; to begin with an empty registry, move that one away",
              path, WalOf(path), logged);
}

// A name is durable only once its directory is: what is committed into a file that a power cut
// makes nameless is lost. Where directories cannot be synced, there is nothing more to do.
void SyncDirectory(const fs::path& directory) {
  const int opened = ::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY);
  if (opened < 0) return;
  ::fsync(opened);
  ::close(opened);
}

Status CreateDirectory(const fs::path& directory, const std::string& path) {
  std::error_code error;
  if (directory.empty() || fs::exists(directory, error)) return {};
  if (!fs::create_directories(directory, error) && error) return CannotCreate(path, error);
  fs::permissions(directory, fs::perms::owner_all, error);
  SyncDirectory(directory.parent_path());
  return {};
}

// Switching to WAL needs the file for itself for a moment, and SQLite does not wait for that: a
// write lock, for which it does wait, shows that whoever was in the way is gone.
Status SwitchToWal(SqliteConnection& connection) {
  constexpr int kAttempts = 100;
  Status switched;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    switched = connection.Execute("PRAGMA journal_mode = WAL");
    if (switched || switched.error().code != ErrorCode::kUnavailable) return switched;
    PODIUM_TRY_ASSIGN(Transaction waited,
                      Transaction::Begin(connection, Transaction::Kind::kWrite));
    PODIUM_TRY(waited.Commit());
  }
  return switched;
}

}  // namespace

Status CreateRegistryFile(const std::string& path) {
  if (path.empty()) return Fail(ErrorCode::kInvalidArgument, "the registry needs a file name");
  PODIUM_TRY(CreateDirectory(fs::path(path).parent_path(), path));
  std::error_code error;
  // The log first: whoever creates the registry at this moment writes the file before its log.
  const std::uintmax_t logged = fs::file_size(WalOf(path), error);
  const bool has_log = !error && logged > 0;
  const std::uintmax_t size = fs::file_size(path, error);
  if (has_log && (error || size == 0)) return RegistryGone(path, logged);
  if (fs::exists(path, error)) return {};
  // Made under another name and linked: it never stands there with wider permissions, and closing
  // it here cannot drop the locks that another thread of this process holds on it.
  std::string fresh = path + ".XXXXXX";
  const int file = mkstemp(fresh.data());
  if (file < 0) return CannotCreate(path, std::error_code(errno, std::generic_category()));
  ::close(file);
  fs::create_hard_link(fresh, path, error);
  std::error_code ignored;
  fs::remove(fresh, ignored);
  if (error && error != std::errc::file_exists) return CannotCreate(path, error);
  SyncDirectory(fs::path(path).parent_path());
  return {};
}

WalFile::WalFile(const std::string& path) : file_(WalOf(path)), opened_(Look(file_)) {}

std::optional<WalFile::Identity> WalFile::Look(const std::string& file) {
  struct stat info{};
  if (::stat(file.c_str(), &info) != 0) return std::nullopt;
  return Identity{info.st_dev, info.st_ino};
}

Status WalFile::CheckInPlace() const {
  if (!opened_) return {};
  const std::optional<Identity> now = Look(file_);
  if (now && now->device == opened_->device && now->number == opened_->number) return {};
  return Fail(ErrorCode::kUnavailable,
              "the file {}, which holds the registry's newest changes, was moved or removed while "
              "in use: put it back; if it is gone, stop podium with SIGTERM (not kill -9): it then "
              "writes what it still holds into the registry",
              file_);
}

Result<std::unique_ptr<SqliteConnection>> OpenWriter(const std::string& path,
                                                     std::chrono::milliseconds busy_timeout) {
  PODIUM_TRY_ASSIGN(std::unique_ptr<SqliteConnection> connection,
                    SqliteConnection::Open(path, busy_timeout));
  // Half the system calls of SQLite's own size for what comes in numbers: two writes per page and
  // commit, and another one at a checkpoint. A small commit writes more bytes for it. A file that
  // is there already, or restored from one, keeps the size it has.
  PODIUM_TRY(connection->Execute("PRAGMA page_size = 8192"));
  PODIUM_TRY(SwitchToWal(*connection));
  PODIUM_TRY(connection->Execute(
      "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF"));
  return connection;
}

Result<std::unique_ptr<SqliteConnection>> OpenReader(const std::string& path,
                                                     std::chrono::milliseconds busy_timeout) {
  PODIUM_TRY_ASSIGN(std::unique_ptr<SqliteConnection> connection,
                    SqliteConnection::Open(path, busy_timeout));
  PODIUM_TRY(connection->Execute("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF"));
  return connection;
}

}  // namespace podium::store
