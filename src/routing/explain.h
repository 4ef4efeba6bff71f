// Why a unit is assigned what it is assigned: the decision again, with every step that led to it.
//
// Nothing is decided here: the bucket and what each bucket is given come from the functions that
// Choose is made of, so an explanation cannot say otherwise than the gateway does. Pure.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "routing/choose.h"

namespace podium::routing {

/// Neighbouring fine buckets that are given the same: [begin, end).
struct BucketRun {
  int begin = 0;
  int end = 0;
  VersionIndex version = kNoVersion;
  Reason reason = Reason::kNoPrimary;
};

/// Borrows from the route and the ids.
struct Explanation {
  Decision decision;            ///< Choose's own.
  Unit unit;                    ///< What was hashed.
  BucketInput input;            ///< With what: layer and salt.
  std::vector<BucketRun> runs;  ///< All fine buckets in order; `hit` is the unit's.
  std::size_t hit = 0;          ///< A keyless decision has not looked at it.
  /// The smallest share at which this unit would be canary; nullopt without a canary, or keyless.
  std::optional<BasisPoints> canary_from;
};

/// Not for the request path: it asks for each of the 10,000 fine buckets.
Explanation Explain(const CompiledRoute& route, Generation generation, const RequestIds& ids);

}  // namespace podium::routing
