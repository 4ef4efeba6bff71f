// When to look at the head of SQLite's log again, after its file was written. Pure.
#pragma once

#include <chrono>

#include "base/limits.h"

namespace podium::store {

/// A commit writes the log first and then, when the disk has it, the head of the log's index: what
/// is heard of is not there yet. It is peeked for at once and then at ever longer intervals, so
/// that it is found within twice its own time, and not for ever.
class PeekRhythm {
 public:
  /// A small commit is whole by then.
  static constexpr std::chrono::milliseconds kCommitTime{2};
  static constexpr std::chrono::milliseconds kLongestPause{500};

  /// Until the next peek; zero: none is worth while before something is heard.
  std::chrono::milliseconds pause() const { return pause_; }
  /// The log was written, after a time of silence.
  void Heard() { pause_ = kCommitTime; }
  /// What was written may become another commit: the log has changed, or was not listened to
  /// before.
  void Expect() { pause_ = limits::kChangePoll; }
  /// The pause is over. However often the log was written meanwhile, it is not peeked at more often
  /// than every kChangePoll.
  void Rested(bool written) {
    pause_ = written ? limits::kChangePoll : 2 * pause_;
    if (pause_ > kLongestPause) pause_ = std::chrono::milliseconds(0);
  }

 private:
  std::chrono::milliseconds pause_{0};
};

}  // namespace podium::store
