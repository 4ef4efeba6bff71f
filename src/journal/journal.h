// The journal of this process: one writer per core, and the files that they write to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/life_folder.h"
#include "base/limits.h"
#include "base/result.h"
#include "journal/log.h"
#include "journal/segment.h"
#include "journal/writer.h"

namespace podium::limits {
/// Of the disk: the last room is the registry's, and the journal takes no segment from it.
inline constexpr std::uint64_t kJournalDiskReserve = 64 * 1024 * 1024;
}  // namespace podium::limits

namespace podium::journal {

struct JournalOptions {
  /// One folder for each process that writes below it; several may share it.
  std::string root;
  /// Another number at each start.
  std::uint64_t incarnation = 0;
  std::size_t cores = 1;
  std::size_t segment_bytes = limits::kJournalSegmentBytes;
  /// Of each core, unread ones included: then nothing more is taken.
  std::size_t segments_per_core = limits::kJournalSegmentsPerCore;
  /// What stays free on the disk.
  std::uint64_t disk_reserve = limits::kJournalDiskReserve;
};

/// Threads: each writer on its core; Prepare, Sync and what a reader calls on any thread.
class Journal final : public Log {
 public:
  /// Makes the folder, holds its lock, and prepares the first segments. When there is no room for
  /// them the journal is open and full: Prepare says why, and tries again.
  static Result<std::unique_ptr<Journal>> Open(const JournalOptions& options);

  /// REQUIRES: core < options.cores.
  Writer& writer(std::size_t core) { return logs_[core]->writer; }

  /// Makes the segments that writers will need next; to be called ten times a second. A core
  /// that has all it may have unread gets none: that is kLimited. kUnavailable: no room, or no
  /// permission.
  Status Prepare();
  /// Whether a writer lacks a segment, so that Prepare has something to do. Not while it runs.
  bool wants_segments() const;
  /// Writes to the disk what was appended before the call: what a power cut cannot take then.
  Status Sync();
  /// Appended by all writers so far; what is counted can be read.
  std::uint64_t records() const;
  /// Whether anything was appended since a Sync that went well began. Not while one runs.
  bool unsynced() const { return records() != synced_records_; }

  struct Figures {
    std::uint64_t records = 0;
    std::uint64_t refused = 0;   ///< Appends that found it full.
    std::uint64_t segments = 0;  ///< Files, prepared ones included.
  };
  Figures figures() const;

  std::uint64_t incarnation() const override { return options_.incarnation; }
  const std::string& folder() const override { return folder_.path(); }
  std::vector<std::uint32_t> cores() const override;
  std::optional<std::uint64_t> NextSegment(std::uint32_t core, std::uint64_t number) override;
  Result<SegmentBytes> Look(std::uint32_t core, std::uint64_t number) override;
  void DropBefore(std::uint32_t core, std::uint64_t number) override;
  bool dead() const override { return false; }

 private:
  struct CoreLog {
    Writer writer;
    mutable std::mutex mutex;
    std::deque<std::shared_ptr<Segment>> segments;  // Protected by mutex; by number, no gaps.
    std::shared_ptr<Segment> looked_at;             // The reader's: stays while it looks.
  };

  Journal(JournalOptions options, LifeFolder folder);
  Status PrepareCore(std::uint32_t core);
  static std::vector<std::shared_ptr<Segment>> SegmentsOf(const CoreLog& log);
  static std::shared_ptr<Segment> Find(const CoreLog& log, std::uint64_t number);

  const JournalOptions options_;
  const LifeFolder folder_;
  std::mutex preparing_;  // One thread at a time prepares.
  std::mutex syncing_;    // And one syncs: that may take long, and must not hold up the other.
  std::uint64_t synced_records_ = 0;  // Sync's.
  std::vector<std::unique_ptr<CoreLog>> logs_;
};

}  // namespace podium::journal
