// Opening the registry's file: its directory, its permissions, its journal.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "store/sqlite_connection.h"

namespace podium::store {

/// Creates the file, readable and writable by its owner alone, and its directory, unless they
/// exist. kUnavailable also when the file is gone or empty and its -wal is not: SQLite would throw
/// away the changes that stand there.
Status CreateRegistryFile(const std::string& path);

/// The -wal file of an open registry, which stays one and the same for as long as it is open.
class WalFile {
 public:
  /// REQUIRES: a connection to `path` is open and has read.
  explicit WalFile(const std::string& path);
  /// kUnavailable when it was moved or removed: commits go there, and would be lost with the
  /// process. Threads: any.
  Status CheckInPlace() const;

 private:
  struct Identity {
    std::uint64_t device;
    std::uint64_t number;
  };
  static std::optional<Identity> Look(const std::string& file);

  std::string file_;
  std::optional<Identity> opened_;  ///< None where the file system cannot tell.
};

/// A connection set up for writing: WAL, full synchronisation, foreign keys.
Result<std::unique_ptr<SqliteConnection>> OpenWriter(const std::string& path,
                                                     std::chrono::milliseconds busy_timeout);
/// A connection that refuses to write.
Result<std::unique_ptr<SqliteConnection>> OpenReader(const std::string& path,
                                                     std::chrono::milliseconds busy_timeout);

}  // namespace podium::store
