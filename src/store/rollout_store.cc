#include "store/rollout_store.h"

namespace podium::store {

bool IsKnownEpoch(const EpochVersions& known, const EpochVersions& versions, std::size_t epoch) {
  return epoch < known.size() && epoch < versions.size() && known[epoch] == versions[epoch];
}

Status CheckLook(const RolloutId& id, const LookPin& pin, std::int64_t token, Revision revision) {
  if (pin.token != token) {
    return Fail(ErrorCode::kConflict,
                "another replica drives rollout {} by now: its lease is number {}, not {}",
                id.get(), token, pin.token);
  }
  if (pin.seen == revision) return {};
  return Fail(ErrorCode::kConflict,
              "rollout {} moved to revision {} after revision {} was looked at: look again",
              id.get(), revision.get(), pin.seen.get());
}

}  // namespace podium::store
