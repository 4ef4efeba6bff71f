// Brings what the prediction log holds into the index: each line as one row.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/exposition.h"
#include "base/result.h"
#include "domain/prediction.h"
#include "store/prediction_store.h"

namespace podium::limits {
inline constexpr std::size_t kPredictionsRead = 2'000;  ///< Lines that are in memory at once.
}  // namespace podium::limits

namespace podium::control {

/// Reads this replica's own segments in their order, stores, then saves its position. Wherever it
/// is stopped, what was read after the last position is read again under the same ids, and the
/// store passes over what it has. The segments are the buffer: a store that is away for hours costs
/// nothing but time, as long as retention leaves them.
/// Threads: Step, save_due and Save one at a time, on whatever thread, where they block;
/// WriteMetrics on any.
class PredictionProjector {
 public:
  /// `folder`: the log's. Store and clock outlive it.
  PredictionProjector(std::string folder, std::string replica, store::PredictionStore& store,
                      const Clock& clock);

  /// At most one transaction. True when there is more to do at once.
  Result<bool> Step();
  /// What is stored has moved, and a second has passed.
  bool save_due() const;
  Status Save();
  /// Steps until there is nothing more, and saves: at the end of a process.
  Status Drain();

  void WriteMetrics(Exposition& out) const;

 private:
  /// Where the next line is read.
  struct Position {
    std::string segment;  // Empty: before the first.
    std::int64_t offset = 0;
    bool operator==(const Position&) const = default;
  };
  Status Load();
  Status Read();
  Status ReadSegment();
  /// The segment behind the position's own, if there is one.
  std::optional<std::string> NextSegment() const;
  bool IsOpen(const std::string& segment) const;
  void TakeLine(std::int64_t offset, std::string_view text);
  std::string PathOfPosition() const;

  const std::string folder_;
  const std::string replica_;
  store::PredictionStore& store_;
  const Clock& clock_;
  bool loaded_ = false;
  bool ended_ = false;  // The position's segment is closed, and read to its end.
  Position read_;       // Behind all that is pending.
  Position stored_;     // Behind all that is stored.
  Position saved_;
  std::vector<PredictionRow> pending_;  // Read, and not stored yet: of one segment.
  std::vector<std::int64_t> ends_;      // Where the line behind each of them begins.
  SteadyTime next_save_;
  SteadyTime next_look_;  // For a segment behind one that is open.
  std::atomic<std::uint64_t> rows_{0};
  std::atomic<std::uint64_t> unreadable_{0};
};

}  // namespace podium::control
