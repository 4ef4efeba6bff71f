#include "control/rollouts/left_evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
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

/// What is in `folder`, by name; nothing where it is not there.
Result<std::vector<fs::directory_entry>> EntriesOf(const std::string& folder) {
  std::vector<fs::directory_entry> entries;
  std::error_code failed;
  fs::directory_iterator at(folder, failed);
  if (failed == std::errc::no_such_file_or_directory) return entries;
  for (; !failed && at != fs::directory_iterator(); at.increment(failed)) entries.push_back(*at);
  if (failed) {
    return Fail(ErrorCode::kUnavailable, "cannot list {}: {}", folder, failed.message());
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

std::vector<store::RolloutHit> TakeHits(const view::LeftTally& tally, std::size_t& key,
                                        std::size_t most) {
  const CountedIn in = PlaceOf(tally);
  std::vector<store::RolloutHit> hits;
  for (; key < tally.keys.size(); ++key) {
    const view::MergedKey& next = tally.keys[key];
    const view::SeriesSet series = next.hit();
    if (hits.size() + static_cast<std::size_t>(std::popcount(series)) > most) break;
    view::ForEachSeries(series,
                        [&](std::size_t one) { hits.push_back(HitRow(in, next.RecordOf(one))); });
  }
  return hits;
}

Status LeftEvidence::Send() {
  writes_left_ = kWritesOfCall;
  Status worst;
  if (sending_) worst = GoOn();
  if (sending_) return worst;
  PODIUM_TRY_ASSIGN(const std::vector<fs::directory_entry> folders, EntriesOf(root_));
  for (const fs::directory_entry& entry : folders) {
    if (writes_left_ == 0) return worst;
    if (!IsLifes(entry)) continue;
    if (Status sent = SendFolder(entry.path().string()); !sent) worst = std::move(sent);
    if (sending_) return worst;
  }
  return worst;
}

Status LeftEvidence::SendFolder(const std::string& path) {
  PODIUM_TRY_ASSIGN(std::optional<LifeFolder> folder, LifeFolder::Take(path));
  if (!folder) return {};  // Its process lives, our own among them.
  PODIUM_TRY_ASSIGN(const std::vector<fs::directory_entry> files, EntriesOf(path));
  Status worst;
  for (const fs::directory_entry& entry : files) {
    if (writes_left_ == 0) return worst;
    const std::string file = entry.path().string();
    if (entry.path().extension() == ".new") Remove(file);  // Of one that died while it made it.
    if (entry.path().extension() != view::kTallyFileEnd || told_.contains(file)) continue;
    Status sent = Open(file);
    if (sending_) sent = GoOn();
    if (!sent) worst = std::move(sent);
    if (!sending_) continue;
    folder_.emplace(std::move(*folder));
    return worst;
  }
  std::error_code ignored;
  fs::remove(path, ignored);  // Only when it is empty: nothing goes that was not sent.
  return worst;
}

Status LeftEvidence::Open(const std::string& file) {
  Result<std::optional<std::string>> bytes = ReadWholeFile(file, kMostTallyBytes);
  if (!bytes && bytes.error().code != ErrorCode::kUnprocessable) {
    return Fail(std::move(bytes).error());
  }
  if (!bytes) {
    Leave(file, "is too long to be read, and stays", bytes.error().message);
    return {};
  }
  if (!*bytes) return {};
  Result<view::LeftTally> tally = view::ReadLeftTally(**bytes);
  if (tally) {
    sending_ = Sending{file, std::move(*tally)};
    return {};
  }
  if (tally.error().code == ErrorCode::kConflict) {
    Leave(file, "waits for another version of Podium", tally.error().message);
    return {};
  }
  LogWarning("evidence that a replica has left cannot be read, and is removed",
             {{"file", file}, {"error", tally.error().message}});
  Remove(file);
  return {};
}

// A store that is away takes nothing else either. What it refuses must not hold up the others.
Status LeftEvidence::GoOn() {
  Status sent = WriteOn();
  const bool away = !sent && sent.error().code == ErrorCode::kUnavailable;
  const bool stopped = sent && sending_->key < sending_->tally.keys.size();
  if (away || stopped) return sent;
  if (sent) {
    const view::LeftTally& tally = sending_->tally;
    LogInfo("evidence that a replica had left is stored",
            {{"rollout", tally.rollout.get()},
             {"incarnation", tally.incarnation},
             {"outcomes", tally.primary.requests + tally.canary.requests},
             {"keys", tally.keys.size()}});
    Remove(sending_->file);
  }
  sending_.reset();
  folder_.reset();
  return sent;
}

// To the end of the file, or of what this call may write.
Status LeftEvidence::WriteOn() {
  Sending& now = *sending_;
  if (!now.counted) {
    PODIUM_TRY(Write(CountsOf(now.tally), {}));
    now.counted = true;
  }
  while (now.key < now.tally.keys.size() && writes_left_ > 0) {
    std::size_t behind = now.key;
    PODIUM_TRY(Write({}, TakeHits(now.tally, behind, limits::kEvidenceBatch)));
    now.key = behind;
  }
  return {};
}

Status LeftEvidence::Write(const std::vector<store::RolloutCount>& counts,
                           const std::vector<store::RolloutHit>& hits) {
  if (writes_left_ > 0) --writes_left_;
  return store_.RecordEvidence(counts, hits);
}

void LeftEvidence::Remove(const std::string& file) {
  std::error_code failed;
  fs::remove(file, failed);
  if (failed) Leave(file, "is done with and cannot be removed", failed.message());
}

void LeftEvidence::Leave(const std::string& file, std::string_view why, const std::string& error) {
  if (!told_.insert(file).second) return;
  LogWarning(fmt::format("evidence that a replica has left {}", why),
             {{"file", file}, {"error", error}});
}

}  // namespace podium::control
