// A PostgreSQL server of its own for one test program, and a database of its own for each test.
#pragma once

#include <map>
#include <string>

namespace podium::testing {

/// Started when first asked for, from the distribution's package, in a directory of its own and
/// without a port: it listens on a socket in that directory. Ends with the program, however that
/// ends. When it cannot be started the program is aborted with what is missing.
/// Its language sorts unlike bytes, so that keys without COLLATE "C" show.
/// Threads: one at a time.
class PostgresTestServer {
 public:
  static PostgresTestServer& Shared();
  PostgresTestServer(const PostgresTestServer&) = delete;
  PostgresTestServer& operator=(const PostgresTestServer&) = delete;

  /// The URL of the database that belongs to this folder; the first time it is created, as a copy
  /// of `model` (a database of CreateEmpty) or empty. Dropped some time after the folder is gone.
  std::string UrlFor(const std::string& folder, const std::string& model = "");
  std::string UrlOf(const std::string& database) const;
  /// Where its socket is; its URLs name it as the host.
  const std::string& directory() const { return directory_; }
  void CreateEmpty(const std::string& database);

  /// As somebody with a shell on the database of that URL: the rows as text ("1|a"), or "refused: "
  /// and why.
  std::string Sql(const std::string& url, const std::string& statements) const;

  void Stop();   ///< At once, as when it is killed: connections break.
  void Start();  ///< Again, on the same data.

 private:
  PostgresTestServer();
  ~PostgresTestServer();
  void DropStale();
  void Admin(const std::string& statement) const;  ///< Aborts unless it is accepted.

  std::string directory_;
  int process_ = 0;
  int count_ = 0;
  std::map<std::string, std::string> databases_;  // By folder.
};

}  // namespace podium::testing
