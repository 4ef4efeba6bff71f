// Brings to the store what replicas had counted and not sent when they ended.
//
// Each leaves its tallies in a folder that nobody holds any more (view/tally_folder.h). They go to
// the store under the incarnation that counted them: its numbers are cumulative, so what it had
// sent itself is not counted twice, however often this is done.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "store/rollout_store.h"
#include "view/left_tally.h"

namespace podium::control {

/// Rows of `count` keys from the `first` on, one for each series that a key failed in.
std::vector<store::RolloutHit> HitsOf(const view::LeftTally& tally, std::size_t first,
                                      std::size_t count);

/// Threads: one at a time; all of it blocks.
class LeftEvidence {
 public:
  /// `root`: where replicas have their folders. `store` outlives this.
  LeftEvidence(std::string root, store::RolloutStore& store)
      : root_(std::move(root)), store_(store) {}

  /// Stores what is found, and removes it once it is stored. An error: some of it is still there,
  /// for the next call. A file that is no tally is removed with a warning; one of another version
  /// of Podium stays, for that.
  Status Send();

 private:
  Status SendFolder(const std::string& path);
  Result<bool> SendFile(const std::string& path);  // Whether it may go.
  Status SendTally(const view::LeftTally& tally);

  const std::string root_;
  store::RolloutStore& store_;
  std::set<std::string> told_;  // Files of another version, each told once.
};

}  // namespace podium::control
