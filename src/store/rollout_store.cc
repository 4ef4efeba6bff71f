#include "store/rollout_store.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/limits.h"

namespace podium::store {

bool IsKnownEpoch(const EpochVersions& known, const EpochVersions& versions, std::size_t epoch) {
  return epoch < known.size() && epoch < versions.size() && known[epoch] == versions[epoch];
}

bool IsFull(const VerdictPage& page, const VerdictQuery& query) {
  std::size_t bytes = 0;
  for (const RolloutVerdict& verdict : page.items) {
    bytes += verdict.evidence.size() + verdict.verdict.size();
  }
  return page.items.size() >= static_cast<std::size_t>(query.limit) ||
         bytes >= limits::kMaxVerdictBytes;
}

Result<std::vector<RolloutVerdict>> RolloutStore::ReadVerdicts(const RolloutId& id) {
  std::vector<RolloutVerdict> all;
  VerdictQuery query;
  while (true) {
    PODIUM_TRY_ASSIGN(VerdictPage page, ReadVerdictPage(id, query));
    std::move(page.items.begin(), page.items.end(), std::back_inserter(all));
    if (!page.more) return all;
    query.after = all.back().number;
  }
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
