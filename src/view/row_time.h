// How long a model takes for one row, as one core has seen it lately.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

namespace podium::view {

/// Follows slow runs at once and quick ones slowly, so that a model whose work depends on its input
/// stays off the I/O core. A single slow run is not believed: the system takes a thread off its
/// processor now and then. The second one within kMemory runs is, and so is one of kBeyondDoubt.
/// Threads: one.
class RowTime {
 public:
  static constexpr int kMemory = 256;  ///< Runs.
  /// For a row; no system keeps a thread waiting for so long without a cause of its own.
  static constexpr std::chrono::milliseconds kBeyondDoubt{50};

  void Observe(std::chrono::nanoseconds per_row) {
    if (suspect_for_ > 0) --suspect_for_;
    if (!known_) {
      known_ = per_row;
    } else if (per_row <= *known_) {
      *known_ -= (*known_ - per_row) / kMemory;
    } else {
      if (suspect_for_ > 0) known_ = std::min(per_row, suspect_);
      if (per_row >= kBeyondDoubt) known_ = per_row;
      if (suspect_for_ > 0 && per_row <= suspect_) return;
      suspect_ = per_row;
      suspect_for_ = kMemory;
    }
  }

  /// nullopt before the first run: what real rows cost is not known yet.
  std::optional<std::chrono::nanoseconds> value() const { return known_; }

 private:
  std::optional<std::chrono::nanoseconds> known_;
  std::chrono::nanoseconds suspect_{0};  // The slowest lately, beyond what is known.
  int suspect_for_ = 0;                  // Runs for which it still counts.
};

}  // namespace podium::view
