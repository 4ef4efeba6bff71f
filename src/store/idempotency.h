// One creation per key: whether a request under an Idempotency-Key was carried out before. Pure.
//
// The key is kept in the transaction of what it created, so that no crash can come between the two;
// the answer to a repetition is made of that transaction's own audit row.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "domain/ids.h"
#include "store/mutation.h"

namespace podium::store {

/// A row of `idempotency_keys`.
struct KnownKey {
  std::string fingerprint;
  Revision revision;  ///< Of what was created under it.
  WallTime at;
};

/// Whether `known` is this very request, within limits::kIdempotencyTime. kUnprocessable when the
/// key stands for another request.
Result<bool> IsReplay(const std::optional<KnownKey>& known, const IdempotencyKey& key,
                      WallTime now);

/// Keys as old as this are forgotten.
WallTime OldestKept(WallTime now);

/// The answer to a repetition: what was done then, and the row as it is now.
Committed AnswerReplay(Promotion audit, Route route, std::optional<ModelVersion> version);

}  // namespace podium::store
