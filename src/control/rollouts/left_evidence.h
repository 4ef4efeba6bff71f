// Brings to the store what replicas had counted and not sent when they ended.
//
// Each leaves its tallies in a folder that nobody holds any more (view/tally_folder.h). They go to
// the store under the incarnation that counted them: its numbers are cumulative, so what it had
// sent itself is not counted twice, however often this is done.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/life_folder.h"
#include "base/result.h"
#include "store/rollout_store.h"
#include "view/left_tally.h"

namespace podium::control {

/// Rows of keys from the one at `key` on, one for each series that a key failed in, and moves `key`
/// behind them: as many whole keys as there is room for. REQUIRES: `most` >= kRolloutSeries, which
/// is as many rows as a key has.
std::vector<store::RolloutHit> TakeHits(const view::LeftTally& tally, std::size_t& key,
                                        std::size_t most);

/// Threads: one at a time; all of it blocks.
class LeftEvidence {
 public:
  /// Of limits::kEvidenceBatch rows at most, in one call: a million keys of somebody else's must
  /// not hold up what this replica counts itself.
  static constexpr std::size_t kWritesOfCall = 20;

  /// `root`: where replicas have their folders. `store` outlives this.
  LeftEvidence(std::string root, store::RolloutStore& store)
      : root_(std::move(root)), store_(store) {}

  /// Stores a part of what is found, from where the call before has stopped, and removes each file
  /// that is stored to its end. An error, the last one: some of it is still there, for the next
  /// call; other files went all the same, unless the store is away. A file that is no tally is
  /// removed with a warning; one of another version of Podium stays, for that.
  Status Send();

 private:
  /// The file that is being sent.
  struct Sending {
    std::string file;
    view::LeftTally tally;
    bool counted = false;  ///< The counts of its arms are stored.
    std::size_t key = 0;   ///< The first of those that are not stored.
  };

  Status SendFolder(const std::string& path);
  Status Open(const std::string& file);  // It is the one that is being sent, if it can be.
  Status GoOn();
  Status WriteOn();
  Status Write(const std::vector<store::RolloutCount>& counts,
               const std::vector<store::RolloutHit>& hits);
  void Remove(const std::string& file);
  void Leave(const std::string& file, std::string_view why, const std::string& error);

  const std::string root_;
  store::RolloutStore& store_;
  std::optional<Sending> sending_;
  std::optional<LifeFolder> folder_;  // Of `sending_` from call to call, so that nobody takes it.
  std::size_t writes_left_ = 0;       // Of this call.
  std::set<std::string> told_;        // Files that stay, each told once.
};

}  // namespace podium::control
