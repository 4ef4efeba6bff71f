// The files of one incarnation, as a reader sees them: those of this process while they grow, or
// those that a process before it has left.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/life_folder.h"
#include "base/result.h"
#include "journal/segment.h"

namespace podium::limits {
inline constexpr std::size_t kMaxJournalFileBytes = 256 * 1024 * 1024;  ///< Checkpoints too.
}  // namespace podium::limits

namespace podium::journal {

/// Records of one segment, from its first byte to the last that is known to be whole.
struct SegmentBytes {
  std::string_view bytes;  ///< Valid until the next call to the log.
  std::uint64_t salt = 0;
  bool ended = false;  ///< Nothing will be added.
};

/// Threads: one reader at a time.
class Log {
 public:
  virtual ~Log() = default;

  virtual std::uint64_t incarnation() const = 0;
  virtual const std::string& folder() const = 0;
  virtual std::vector<std::uint32_t> cores() const = 0;
  /// The oldest segment of a core whose number is at least `number`; nullopt when there is none.
  virtual std::optional<std::uint64_t> NextSegment(std::uint32_t core, std::uint64_t number) = 0;
  /// kUnprocessable when the file is no segment at all; kUnavailable when it cannot be read now.
  virtual Result<SegmentBytes> Look(std::uint32_t core, std::uint64_t number) = 0;
  /// Removes the segments of a core below `number`: all of them have been read and stored.
  virtual void DropBefore(std::uint32_t core, std::uint64_t number) = 0;
  /// Nobody writes any more: an intent without an outcome will get none.
  virtual bool dead() const = 0;
};

/// What a process that has ended has left. It holds the folder's lock, so that no other process
/// reads the same one.
class DeadLog final : public Log {
 public:
  /// nullptr when its process lives, or another one reads it already.
  static Result<std::unique_ptr<DeadLog>> Open(const std::string& folder);

  std::uint64_t incarnation() const override { return incarnation_; }
  const std::string& folder() const override { return folder_.path(); }
  std::vector<std::uint32_t> cores() const override;
  std::optional<std::uint64_t> NextSegment(std::uint32_t core, std::uint64_t number) override;
  Result<SegmentBytes> Look(std::uint32_t core, std::uint64_t number) override;
  void DropBefore(std::uint32_t core, std::uint64_t number) override;
  bool dead() const override { return true; }

  /// Removes the folder and all that is in it: everything was read and stored.
  void Remove();

 private:
  DeadLog(LifeFolder folder, std::uint64_t incarnation);

  const LifeFolder folder_;
  const std::uint64_t incarnation_;
  std::map<std::uint32_t, std::set<std::uint64_t>> segments_;
  std::string loaded_;  // Bytes of the segment that was looked at last.
  std::optional<SegmentId> loaded_id_;
};

/// The folders below `root` that logs may be in, oldest name first; none when there is no `root`.
std::vector<std::string> LogFolders(const std::string& root);
/// "000000000000a3f1".
std::string LogFolderName(std::uint64_t incarnation);

}  // namespace podium::journal
