// What the numbers of one tally lie in: a file that outlives the process, or its own memory.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/mapped_file.h"
#include "base/result.h"
#include "view/tally_layout.h"

namespace podium::limits {
/// Of the disk: the last room is the registry's, and evidence takes none of it.
inline constexpr std::uint64_t kEvidenceDiskReserve = 64 * 1024 * 1024;
}  // namespace podium::limits

namespace podium::view {

struct TallyShape {
  std::size_t cores = 1;
  std::size_t seen_cells = 0;  ///< A power of two; 0: no keys are kept.
  std::size_t most_keys = 0;   ///< That will ever be asked for.
};

/// Whose numbers a file holds.
struct TallyName {
  std::string rollout;
  std::uint32_t epoch = 0;
  std::string incarnation;  ///< Of the replica.
};

/// Threads: TakeChunk on any; Prepare and Remove on one at a time; the rest is atomic.
class TallyMemory {
 public:
  static std::unique_ptr<TallyMemory> OfProcess(const TallyShape& shape);
  /// Makes `path`. kUnavailable when it cannot be made; kInvalidArgument for a name that is too
  /// long. Blocks.
  static Result<std::unique_ptr<TallyMemory>> InFile(const std::string& path, const TallyName& name,
                                                     const TallyShape& shape);
  TallyMemory(const TallyMemory&) = delete;
  TallyMemory& operator=(const TallyMemory&) = delete;

  std::span<CoreCounters> cores() const;
  std::span<std::atomic<std::uint8_t>> seen() const;  ///< Empty: no keys are kept.
  std::atomic<std::uint32_t>& keep() const { return state().keep; }

  /// Room for kKeysOfChunk more keys, all free. Of the file while Prepare has kept up; then of the
  /// process alone, and a crash takes what is put there. No system call but for that.
  std::span<StoredKey> TakeChunk();
  /// Makes the file so long that the keys to come find room: as much again as is in use. Blocks.
  Status Prepare();

  bool in_file() const { return !path_.empty(); }
  /// Removes the file: all of it is in the store. The memory stays.
  void Remove() const;

 private:
  TallyMemory(std::string path, const TallyShape& shape, Mapping base);
  TallyState& state() const;
  std::size_t Wanted() const;  // Chunks to make. REQUIRES: mutex_.

  const std::string path_;  // Empty: of the process.
  const TallyShape shape_;
  const Mapping base_;
  std::mutex mutex_;
  std::vector<Mapping> chunks_;                // Protected by mutex_, as what follows.
  std::deque<std::span<StoredKey>> prepared_;  // Of chunks_, not taken yet.
  std::size_t taken_ = 0;
};

/// The head of a file.
Result<TallyHead> TallyHeadOf(const TallyName& name, const TallyShape& shape);
std::uint64_t ChecksumOf(const TallyHead& head);

}  // namespace podium::view
