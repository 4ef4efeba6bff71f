// Statements over many rows: INSERT of several at once, and what a query gives read to its end.
// Internal to the SQL adapters.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/sql_connection.h"

namespace podium::store {

/// The texts of one INSERT for a few numbers of rows, each made once: so few statements are
/// prepared, and kept.
/// Threads: any; it does not change.
class InsertTexts {
 public:
  /// HEAD, "($1, …), ($28, …)" with `columns` values a row, TAIL.
  InsertTexts(std::string_view head, int columns, std::string_view tail,
              std::span<const std::size_t> sizes);
  const std::string& ForRows(std::size_t rows) const;  ///< REQUIRES: rows is one of the sizes.

 private:
  std::map<std::size_t, std::string> texts_;
};

/// How many rows a bound statement gives.
Result<std::size_t> CountRows(Query& query);

/// The rows of a bound statement, each by `read`.
template <typename Row>
Result<std::vector<Row>> ReadRows(Query& query, Row (*read)(const Query&)) {
  std::vector<Row> rows;
  while (true) {
    PODIUM_TRY_ASSIGN(const bool more, query.Next());
    if (!more) return rows;
    rows.push_back(read(query));
  }
}

}  // namespace podium::store
