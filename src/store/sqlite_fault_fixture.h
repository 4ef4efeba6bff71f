// What the tests of a failing disk share: what must hold of a registry's file, whatever happened to
// it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "store/sqlite_connection.h"
#include "store/store_contract.h"
#include "store/swept_mutations_fixture.h"

namespace podium::store {

inline std::string Answer(SqlConnection& connection, const std::string& sql) {
  Query query(connection, sql);
  const Result<bool> row = query.Next();
  if (!row) return Describe(row.error());
  return *row ? query.Text(0) : "nothing";
}

/// Invariants 1 and 2 as the file itself shows them to somebody with a SQLite shell.
inline void ExpectSound(SqlConnection& raw) {
  EXPECT_EQ(Answer(raw, "PRAGMA integrity_check"), "ok");
  EXPECT_EQ(Answer(raw, "SELECT count(*) FROM pragma_foreign_key_check"), "0");
  EXPECT_EQ(Answer(raw,
                   "SELECT count(*) FROM (SELECT 1 FROM model_registry WHERE status IN "
                   "('primary', 'canary') GROUP BY model_type, status HAVING count(*) > 1)"),
            "0")
      << "INV-1";
  EXPECT_EQ(Answer(raw,
                   "SELECT revision = (SELECT count(*) FROM model_promotions) "
                   "AND revision = (SELECT coalesce(max(revision), 0) FROM model_promotions) "
                   "AND revision = (SELECT count(DISTINCT revision) FROM event_outbox) "
                   "AND revision = (SELECT count(*) FROM event_outbox) "
                   "AND revision = audit_count AND revision = (SELECT coalesce(max(revision), 0) "
                   "FROM (SELECT revision FROM model_registry UNION SELECT revision FROM routes)) "
                   "FROM registry_revision"),
            "1")
      << "INV-2";
}

/// Every row of every table; empty when there is no table yet.
inline std::string RowsOf(SqlConnection& raw) {
  // The statement that reads them all is made of the schema, so that no table is forgotten.
  const std::string all = Answer(
      raw,
      "SELECT coalesce(group_concat('SELECT \"' || name || ': \" || ' || columns || ' AS line FROM "
      "' || name, ' UNION ALL '), '') FROM (SELECT s.name, group_concat('quote(' || c.name || ')', "
      "' || \" \" || ') AS columns FROM sqlite_schema s JOIN pragma_table_info(s.name) c "
      "WHERE s.type = 'table' AND s.name NOT LIKE 'sqlite_%' GROUP BY s.name)");
  if (all.empty()) return "";
  return Answer(raw, "SELECT group_concat(line, char(10)) FROM (SELECT line FROM (" + all +
                         ") ORDER BY line)");
}

/// The rows of a file that must be sound, unless it has no table yet.
inline std::string SoundRows(const std::string& path) {
  auto raw = SqliteConnection::Open(path, std::chrono::seconds(5));
  if (!raw) return "cannot be opened: " + Describe(raw.error());
  std::string rows = RowsOf(**raw);
  if (!rows.empty()) ExpectSound(**raw);
  return rows;
}

/// As after a kill: the files as they are, without the shared memory that died with the process.
inline void CopyRegistry(const std::string& from, const std::string& to) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  for (const char* end : {"", "-wal", "-journal", "-shm"}) {
    fs::remove(to + end, ignored);
    if (std::string_view(end) != "-shm" && fs::exists(from + end)) {
      fs::copy_file(from + end, to + end);
    }
  }
}

}  // namespace podium::store
