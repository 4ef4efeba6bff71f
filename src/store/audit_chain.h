// The hash chain over `model_promotions`: each row's hash covers the one before, so that an edited,
// missing or added row shows. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "domain/promotion.h"

namespace podium::store {

/// Where the chain ends, as kept beside the revision and sent out with every event.
struct ChainHead {
  std::string hash;  ///< Empty before the first row.
  std::int64_t count = 0;
};

/// SHA-256 in hex over every field of the row but `hash` itself, `previous_hash` included.
std::string HashOf(const Promotion& row);

/// What a walk along the whole chain found.
struct AuditVerdict {
  std::int64_t rows = 0;                 ///< Rows that were there.
  std::optional<Revision> first_broken;  ///< Where trust ends; none when intact.
  std::string problem;                   ///< One sentence; empty when intact.
  bool intact() const { return problem.empty(); }
};

/// Give it every row, oldest first, then ask Finish.
class ChainWalk {
 public:
  void Add(const Promotion& row);
  /// A row whose text cannot even be read.
  void AddUnreadable(Revision revision, const std::string& problem);
  AuditVerdict Finish(const ChainHead& head) &&;

 private:
  void Break(Revision revision, std::string problem);

  AuditVerdict verdict_;
  Revision last_;
  std::string hash_;
};

}  // namespace podium::store
