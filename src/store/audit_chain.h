// The hash chain over audit rows: each row's hash covers the one before, so that an edited, missing
// or added row shows. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "domain/promotion.h"

namespace podium::store {

/// Where the chain ends, as kept beside the revision and sent out with every event.
struct ChainHead {
  std::string hash;  ///< Empty before the first row.
  std::int64_t count = 0;
};

/// SHA-256 in hex over every field of the row but `hash` itself, `previous_hash` included.
std::string HashOf(const Promotion& row);

/// A row as the chain sees it. Rows are numbered from 1; promotions by their revision.
struct ChainLink {
  std::int64_t number = 0;
  std::string previous_hash;
  std::string hash;
  std::string computed;  ///< The hash that its fields give.
};
ChainLink LinkOf(const Promotion& row);

/// What a walk along the whole chain found.
struct AuditVerdict {
  std::int64_t rows = 0;                 ///< Rows that were there.
  std::int64_t model_rows = 0;           ///< Of the chain of MLflow's registry.
  std::optional<Revision> first_broken;  ///< Where trust in `rows` ends; none when intact.
  std::string problem;                   ///< One sentence; empty when intact.
  bool intact() const { return problem.empty(); }
};

/// Give it every row, oldest first, then ask Finish.
class ChainWalk {
 public:
  /// `row` is what the sentences of the verdict call one.
  explicit ChainWalk(std::string row = "audit row") : row_(std::move(row)) {}

  void Add(const ChainLink& row);
  /// A row whose text cannot even be read.
  void AddUnreadable(std::int64_t number, const std::string& problem);
  AuditVerdict Finish(const ChainHead& head) &&;

 private:
  void Break(std::int64_t number, std::string problem);

  const std::string row_;
  AuditVerdict verdict_;
  std::int64_t last_ = 0;
  std::string hash_;
};

}  // namespace podium::store
