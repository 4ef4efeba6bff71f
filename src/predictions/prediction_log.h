// The prediction log of this process: what the cores offer, and the one writer that brings it to
// segments.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/exposition.h"
#include "base/result.h"
#include "base/rng.h"
#include "predictions/core_log.h"
#include "predictions/logging_policy.h"
#include "predictions/segment.h"

namespace podium::limits {
inline constexpr std::size_t kPredictionBatch = 2048;  ///< Lines that one append takes.
inline constexpr std::uint64_t kPredictionSegmentBytes = 16ULL * 1024 * 1024;  ///< Unpacked.
inline constexpr std::chrono::minutes kPredictionSegmentAge{10};
inline constexpr std::size_t kUnpackedSegments = 256;  ///< Each has a descriptor.
/// What one Drain packs while more than one segment waits for it.
inline constexpr std::chrono::milliseconds kPackingTurn{50};
inline constexpr std::chrono::hours kPredictionRetention{24 * 30};
inline constexpr std::uint64_t kPredictionDiskBytes = 10ULL * 1024 * 1024 * 1024;  ///< Packed.
}  // namespace podium::limits

namespace podium::predictions {

struct LogOptions {
  std::string folder;  ///< DATA/predictions
  std::string replica;
  LoggingPolicy policy;
  std::uint64_t segment_bytes = limits::kPredictionSegmentBytes;
  std::chrono::seconds segment_age = limits::kPredictionSegmentAge;
  std::chrono::seconds retention = limits::kPredictionRetention;
  std::uint64_t most_bytes = limits::kPredictionDiskBytes;
};

/// What a power cut may cost is what came since the segment was opened; a crash of the process
/// costs what waited in the queues.
/// Threads: each core uses its own CoreLog; Recover, Drain, Retain and Finish one at a time on
/// whatever thread, where they may block on the disk; WriteMetrics on any.
class PredictionLog {
 public:
  /// Clock and rng outlive it.
  PredictionLog(LogOptions options, std::size_t cores, const Clock& clock, Rng& rng);
  ~PredictionLog();
  PredictionLog(const PredictionLog&) = delete;
  PredictionLog& operator=(const PredictionLog&) = delete;

  CoreLog* core(std::size_t index) const { return cores_.at(index).get(); }
  const LogOptions& options() const { return options_; }

  /// Repairs what earlier processes on this folder have left open; other servers' that live are
  /// left alone. Once, before the first Drain.
  Status Recover();
  /// Writes what waits, closes the segment that is due, and packs a slice of one that is closed.
  /// What the disk does not take, or LogOptions::most_bytes leaves no room for beside what is not
  /// packed yet, is dropped and counted.
  Status Drain();
  /// Drops segments that are too old, or too many.
  void Retain();
  /// Everything that waits, written, and every segment closed: at the end of a process.
  /// REQUIRES: nothing is offered any more.
  Status Finish();

  void WriteMetrics(Exposition& out) const;

 private:
  /// What waits, at most limits::kPredictionBatch, as lines.
  std::size_t TakeLines(std::string& lines);
  Status Write(std::string_view lines, std::size_t count);
  void CloseIfDue();
  Status SealSome();
  Status SealTurn();
  /// Why nothing more may be written now: what waits to be packed is too much.
  Status CheckRoom(std::size_t more) const;
  std::uint64_t unpacked() const;

  const LogOptions options_;
  const Clock& clock_;
  std::vector<std::unique_ptr<CoreLog>> cores_;
  WallTime last_opened_;  // By name: the index reads segments in the order of their names.
  std::unique_ptr<OpenSegment> segment_;  // Null until there is a line to write.
  std::deque<std::unique_ptr<OpenSegment>> closing_;
  std::unique_ptr<Sealing> sealing_;
  std::atomic<std::uint64_t> written_{0};
  std::atomic<std::uint64_t> lost_{0};
  std::atomic<std::uint64_t> damaged_{0};
  std::atomic<std::uint64_t> closed_{0};
  std::atomic<std::uint64_t> expired_{0};
  std::atomic<std::uint64_t> bytes_{0};
};

}  // namespace podium::predictions
