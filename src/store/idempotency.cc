#include "store/idempotency.h"

#include <utility>

#include "base/limits.h"

namespace podium::store {

WallTime OldestKept(WallTime now) { return now - limits::kIdempotencyTime; }

Result<bool> IsReplay(const std::optional<KnownKey>& known, const IdempotencyKey& key,
                      WallTime now) {
  if (!known || known->at <= OldestKept(now)) return false;
  if (known->fingerprint == key.fingerprint) return true;
  return Fail(Error{ErrorCode::kUnprocessable,
                    fmt::format("this Idempotency-Key was used for another request, which made "
                                "revision {}: take a new key",
                                known->revision.get()),
                    "Idempotency-Key", nullptr});
}

Committed AnswerReplay(Promotion audit, Route route, std::optional<ModelVersion> version) {
  Committed committed;
  committed.revision = audit.revision;
  committed.audit = std::move(audit);
  committed.route = std::move(route);
  committed.version = std::move(version);
  committed.changed = false;
  committed.replayed = true;
  return committed;
}

}  // namespace podium::store
