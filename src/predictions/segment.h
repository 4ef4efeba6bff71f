// The files of the log: DATA/predictions/date=2026-03-09/<replica>-<time>.ndjson.gz, which DuckDB,
// pandas and Spark read as they are. One that is still written to ends in .ndjson.open and is
// plain.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "predictions/gzip.h"

namespace podium::predictions {

/// "date=2026-03-09/r1-0006…": a segment below the log's folder, without its suffix. Those of one
/// replica sort by time.
std::string SegmentName(WallTime opened, std::string_view replica);
/// The name that SegmentName made, in its parts; nullopt for any other text, so that none leads out
/// of the folder.
std::optional<std::string> ReplicaOfSegment(std::string_view name);
/// When it was opened. REQUIRES: ReplicaOfSegment knows the name.
WallTime OpenedOfSegment(std::string_view name);

inline constexpr std::string_view kOpenSuffix = ".ndjson.open";
inline constexpr std::string_view kClosedSuffix = ".ndjson.gz";

struct SegmentFile {
  std::string name;
  bool open = false;
  std::uint64_t bytes = 0;
};
/// All in `folder`, by name. An empty list when there is no such folder. Blocks.
std::vector<SegmentFile> ListSegments(const std::string& folder);

/// The one that is written to. It is locked: another process on the same folder leaves it alone.
/// Threads: one at a time; blocks.
class OpenSegment {
 public:
  static Result<std::unique_ptr<OpenSegment>> Create(const std::string& folder,
                                                     const std::string& name, WallTime now);
  /// Takes over what an earlier process has left, cut behind its last whole line. nullptr when it
  /// is somebody else's, or gone.
  static Result<std::unique_ptr<OpenSegment>> Repair(const std::string& folder,
                                                     const std::string& name);
  ~OpenSegment();
  OpenSegment(const OpenSegment&) = delete;
  OpenSegment& operator=(const OpenSegment&) = delete;

  /// Whole lines. After an error the file ends as it did before.
  Status Append(std::string_view lines);
  Status Sync();

  const std::string& name() const { return name_; }
  std::uint64_t size() const { return size_; }
  WallTime opened() const { return opened_; }
  /// Lines that Repair found unreadable and left out.
  std::uint64_t damaged() const { return damaged_; }
  int descriptor() const { return descriptor_; }
  const std::string& folder() const { return folder_; }

 private:
  OpenSegment(std::string folder, std::string name, int descriptor, WallTime opened);
  Status DropDamage();

  const std::string folder_;
  const std::string name_;
  const int descriptor_;
  const WallTime opened_;
  std::uint64_t size_ = 0;
  std::uint64_t damaged_ = 0;
};

/// Turns an open segment into a closed one, a slice at a time: packed under another name, brought
/// to the disk, renamed, and only then is the plain one removed.
/// Threads: one; blocks.
class Sealing {
 public:
  /// REQUIRES: nothing is appended any more.
  explicit Sealing(std::unique_ptr<OpenSegment> segment);
  ~Sealing();  ///< Unfinished: what was packed goes, the open segment stays for the next start.
  Sealing(const Sealing&) = delete;
  Sealing& operator=(const Sealing&) = delete;

  /// True when it is done. After an error it may be stepped again: it begins anew.
  Result<bool> Step();
  const std::string& name() const { return segment_->name(); }
  std::uint64_t size() const { return segment_->size(); }  ///< Of what is packed, in bytes.

 private:
  Status Begin();
  Status Write(std::string_view bytes);
  Status Publish();
  void Abandon();

  const std::unique_ptr<OpenSegment> segment_;
  std::unique_ptr<GzipPacker> packer_;
  int target_ = -1;
  std::uint64_t read_ = 0;
};

/// Deletes closed segments: those of days before `before`, then the oldest until the rest, open
/// ones with it, has at most `most_bytes`. How many went. Blocks.
std::size_t DropSegments(const std::string& folder, WallTime before, std::uint64_t most_bytes);

}  // namespace podium::predictions
