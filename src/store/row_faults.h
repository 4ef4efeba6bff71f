// Which rows of the table cannot be read, as delta after delta tells it.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "store/registry_store.h"

namespace podium::store {

/// Unreadable rows until a later delta brings them readable. Threads: one at a time.
class RowFaults {
 public:
  using Row = std::pair<std::string, std::string>;  ///< Table and key.

  void Absorb(const TableDelta& delta);
  void Clear() { problems_.clear(); }
  /// What is wrong with each of them.
  const std::map<Row, std::string>& problems() const { return problems_; }

 private:
  std::map<Row, std::string> problems_;
};

}  // namespace podium::store
