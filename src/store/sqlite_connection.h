// SQLite's C interface behind values. Errors come out as podium::Error with the sentence an
// operator needs.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "store/sql_connection.h"

struct sqlite3;

namespace podium::store {

/// The head of the write-ahead log's index: another after each commit, of whatever process.
using SqliteWalHead = std::array<std::uint32_t, 12>;

/// One connection to one file.
/// Threads: one at a time.
class SqliteConnection final : public SqlConnection {
 public:
  /// Opens or creates the file. SQLite itself waits up to `busy_timeout` for other processes.
  static Result<std::unique_ptr<SqliteConnection>> Open(const std::string& path,
                                                        std::chrono::milliseconds busy_timeout);
  ~SqliteConnection() override;

  Result<SqlStatement*> Prepare(std::string_view sql) override;
  Status Execute(const std::string& sql) override;
  /// kWrite takes the write lock at once, so that it never fails half-way as busy.
  Status Begin(Kind kind) override;
  Status Commit() override;
  void RollBack() override;

  void SetBusyTimeout(std::chrono::milliseconds timeout);
  /// kUnavailable when the file was moved or removed under us: what is written then would be lost
  /// with the process, however durable SQLite believes it to be.
  Status CheckInPlace();
  /// A look at shared memory: no system call and no lock of the file. It may be half written, and
  /// then is another one a moment later, unless its writer has died. nullopt where there is no such
  /// memory. REQUIRES: the connection has read, from a file in WAL mode.
  std::optional<SqliteWalHead> PeekWalHead();
  /// Copies the whole database, as it is at one moment, over the file `path`. Others may read and
  /// write it meanwhile; `progress`, if any, is told pages.
  Status CopyTo(const std::string& path,
                const std::function<void(std::int64_t done, std::int64_t total)>& progress);
  /// What the last call failed of.
  Error LastError();

 private:
  class Statement;
  struct Close {
    void operator()(sqlite3* database) const;
  };
  SqliteConnection();

  std::string path_;
  std::unique_ptr<sqlite3, Close> database_;
  bool has_bad_pages_ = false;  ///< SQLite has read damage, and keeps it in memory.
  // Behind database_, so that statements are finalized before it closes.
  std::unordered_map<std::string, std::unique_ptr<Statement>> prepared_;
};

}  // namespace podium::store
