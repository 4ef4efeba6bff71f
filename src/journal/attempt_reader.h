// From records to attempts: each intent with its outcome, once.
//
// A checkpoint beside the segments says how far they were read and which intents wait for their
// outcome. What was read after the last checkpoint is read again after a crash, under the same
// event ids: whoever stores events by their id has each exactly once.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "journal/attempt.h"
#include "journal/frame.h"
#include "journal/log.h"

namespace podium::journal {

/// Threads: one at a time. The log outlives the reader.
class AttemptReader {
 public:
  /// Goes on where the checkpoint of the log stands.
  static Result<AttemptReader> Open(Log& log);

  /// Attempts that have ended since the last call, `most` at most; none: there is nothing new. Of a
  /// dead log the intents without an outcome come last, as AttemptStatus::kUnknown.
  Result<std::vector<Attempt>> Read(std::size_t most);
  /// Writes the checkpoint, then drops the segments that it is past.
  /// REQUIRES: all attempts that Read has returned are stored.
  Status Save();
  /// A dead log whose last attempt has been returned.
  bool done() const { return done_; }

  struct Figures {
    std::size_t open = 0;    ///< Intents whose outcome is to come.
    std::uint64_t torn = 0;  ///< Tails that a crash has cut: what was in them was never answered.
    std::uint64_t damaged = 0;  ///< Segments, records and checkpoints that should be there and are
                                ///< not: each is logged.
  };
  Figures figures() const;

 private:
  struct Position {
    std::uint64_t number = 1;    // Of the segment.
    std::uint64_t offset = 0;    // In it.
    std::uint64_t sequence = 0;  // Of the last record that was read.
    auto operator<=>(const Position&) const = default;
  };
  using OpenKey = std::pair<std::uint32_t, std::uint64_t>;  // Core, sequence.

  explicit AttemptReader(Log& log) : log_(&log) {}
  Status Restore(std::string_view checkpoint);
  std::string Checkpoint() const;
  Result<bool> Step(std::uint32_t core, std::vector<Attempt>& out);
  bool TakeNext(std::uint32_t core, const SegmentBytes& segment, std::vector<Attempt>& out);
  void Take(std::uint32_t core, const Frame& frame, std::vector<Attempt>& out);
  void TakeOutcome(std::uint32_t core, const Frame& frame, std::vector<Attempt>& out);
  void EndOpen(std::size_t most, std::vector<Attempt>& out);
  void Damaged(std::uint32_t core, const Position& position, std::string_view what);

  Log* log_;
  std::map<std::uint32_t, Position> positions_;
  std::map<std::uint32_t, Position> saved_;
  std::map<OpenKey, std::string> open_;  // Encoded, as they were written.
  std::uint64_t torn_ = 0;
  std::uint64_t damaged_ = 0;
  bool done_ = false;
};

}  // namespace podium::journal
