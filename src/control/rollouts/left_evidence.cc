#include "control/rollouts/left_evidence.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>

#include "base/life_folder.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/whole_file.h"
#include "control/rollouts/evidence_rows.h"
#include "view/tally_folder.h"

namespace podium::control {
namespace {

namespace fs = std::filesystem;

/// Of a tally with all the keys that it may have, of many cores.
constexpr std::size_t kMostTallyBytes = 512 * 1024 * 1024;
// A key is a row in each series that it failed in: that many make no more than a batch.
constexpr std::size_t kKeysOfBatch = limits::kEvidenceBatch / kRolloutSeries;

/// What is in `folder`, by name; nothing where it is not there.
std::vector<fs::directory_entry> EntriesOf(const std::string& folder) {
  std::vector<fs::directory_entry> entries;
  std::error_code failed;
  for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
    entries.push_back(*at);
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

// One that has no name yet is being made (LifeFolder::Make).
bool IsLifes(const fs::directory_entry& entry) {
  std::error_code failed;
  return entry.is_directory(failed) && entry.path().extension() != ".new";
}

CountedIn PlaceOf(const view::LeftTally& tally) {
  return {tally.rollout, tally.epoch, tally.incarnation};
}

std::vector<store::RolloutCount> CountsOf(const view::LeftTally& tally) {
  const CountedIn in = PlaceOf(tally);
  std::vector<store::RolloutCount> counts = {CountRow(in, false, tally.primary),
                                             CountRow(in, true, tally.canary)};
  counts.front().ineligible = tally.ineligible;  // Of neither arm.
  return counts;
}

}  // namespace

std::vector<store::RolloutHit> HitsOf(const view::LeftTally& tally, std::size_t first,
                                      std::size_t count) {
  const CountedIn in = PlaceOf(tally);
  std::vector<store::RolloutHit> hits;
  const std::size_t end = std::min(first + count, tally.keys.size());
  for (std::size_t i = first; i < end; ++i) {
    const view::MergedKey& key = tally.keys[i];
    view::ForEachSeries(
        key.hit(), [&](std::size_t series) { hits.push_back(HitRow(in, key.RecordOf(series))); });
  }
  return hits;
}

Status LeftEvidence::Send() {
  Status worst;
  for (const fs::directory_entry& entry : EntriesOf(root_)) {
    if (!IsLifes(entry)) continue;
    if (Status sent = SendFolder(entry.path().string()); !sent) worst = std::move(sent);
  }
  return worst;
}

Status LeftEvidence::SendFolder(const std::string& path) {
  PODIUM_TRY_ASSIGN(const std::optional<LifeFolder> folder, LifeFolder::Take(path));
  if (!folder) return {};  // Its process lives, our own among them.
  bool empty = true;
  for (const fs::directory_entry& file : EntriesOf(path)) {
    if (file.path().extension() != view::kTallyFileEnd) continue;
    PODIUM_TRY_ASSIGN(const bool may_go, SendFile(file.path().string()));
    std::error_code ignored;  // What stays is sent again, which changes nothing.
    if (may_go) fs::remove(file.path(), ignored);
    empty = empty && may_go;
  }
  if (empty) folder->Remove();
  return {};
}

Result<bool> LeftEvidence::SendFile(const std::string& path) {
  if (told_.contains(path)) return false;
  PODIUM_TRY_ASSIGN(const std::optional<std::string> bytes, ReadWholeFile(path, kMostTallyBytes));
  if (!bytes) return true;
  const Result<view::LeftTally> tally = view::ReadLeftTally(*bytes);
  if (tally) {
    PODIUM_TRY(SendTally(*tally));
    return true;
  }
  const bool stays = tally.error().code == ErrorCode::kConflict;
  LogWarning(stays ? "evidence that a replica has left waits for another version of Podium"
                   : "evidence that a replica has left cannot be read, and is removed",
             {{"file", path}, {"error", tally.error().message}});
  if (stays) told_.insert(path);
  return !stays;
}

Status LeftEvidence::SendTally(const view::LeftTally& tally) {
  PODIUM_TRY(store_.RecordEvidence(CountsOf(tally), {}));
  for (std::size_t at = 0; at < tally.keys.size(); at += kKeysOfBatch) {
    PODIUM_TRY(store_.RecordEvidence({}, HitsOf(tally, at, kKeysOfBatch)));
  }
  LogInfo("evidence that a replica had left is stored",
          {{"rollout", tally.rollout.get()},
           {"incarnation", tally.incarnation},
           {"outcomes", tally.primary.requests + tally.canary.requests},
           {"keys", tally.keys.size()}});
  return {};
}

}  // namespace podium::control
