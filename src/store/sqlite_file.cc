#include "store/sqlite_file.h"

#include <fcntl.h>
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
Status SwitchToWal(Connection& connection) {
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

Result<Connection> OpenWriter(const std::string& path, std::chrono::milliseconds busy_timeout) {
  PODIUM_TRY_ASSIGN(Connection connection, Connection::Open(path, busy_timeout));
  PODIUM_TRY(SwitchToWal(connection));
  PODIUM_TRY(connection.Execute(
      "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF"));
  return connection;
}

Result<Connection> OpenReader(const std::string& path, std::chrono::milliseconds busy_timeout) {
  PODIUM_TRY_ASSIGN(Connection connection, Connection::Open(path, busy_timeout));
  PODIUM_TRY(connection.Execute("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF"));
  return connection;
}

}  // namespace podium::store
