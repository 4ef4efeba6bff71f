// Where the tallies of this process lie, so that what they hold outlives it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "base/life_folder.h"
#include "base/result.h"
#include "domain/rollout.h"
#include "view/tally_memory.h"

namespace podium::view {

/// Files are numbered, and say themselves whose they are.
inline constexpr const char* kTallyFileEnd = ".tally";

/// Under which name a tally's numbers go to the store: that of its replica's life, and of a sequel
/// one of its own. Of two numbers in one row only the larger one counts.
std::string CounterName(const std::string& incarnation, std::uint64_t sequel);

/// Threads: one at a time.
class TallyFolder {
 public:
  /// `incarnation` names this life of the replica, and its folder. kUnavailable when it cannot be
  /// made.
  static Result<std::unique_ptr<TallyFolder>> Make(const std::string& root,
                                                   const std::string& incarnation);

  /// A file, or memory of the process when there is no room for one: then it says so in the log.
  std::unique_ptr<TallyMemory> Make(const RolloutMark& mark, const TallyShape& shape,
                                    std::uint64_t sequel = 0);
  /// All of it is in the store.
  void Remove() const { folder_.Remove(); }

 private:
  TallyFolder(LifeFolder folder, std::string incarnation)
      : folder_(std::move(folder)), incarnation_(std::move(incarnation)) {}

  const LifeFolder folder_;
  const std::string incarnation_;
  std::uint64_t files_ = 0;
};

}  // namespace podium::view
