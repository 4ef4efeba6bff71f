// Which units are logged when not all can be: always the same ones, by a hash of their own, so that
// whole units are missing and not the middles of their stories.
#pragma once

#include <cstdint>
#include <string_view>

namespace podium::predictions {

/// 64 bits of the unit that have nothing to do with its bucket. The same on every replica.
std::uint64_t ThinningHash(std::string_view unit);

/// Units with a hash below a threshold are kept. The threshold falls by half whenever the queue is
/// half full, and rises again by a quarter whenever it has been near empty for a while.
/// Threads: one. Pure but for its state: no clock; time is counted in offers.
class UnitThinner {
 public:
  /// `share` of the units at most, 0 to 1.
  explicit UnitThinner(double share = 1.0);

  /// Whether the unit's predictions are kept at this moment.
  bool Keeps(std::uint64_t hash) const { return (hash >> 32) < threshold_; }
  /// Probability that a unit is kept at this moment.
  double rate() const;
  /// How full the queue was found: `waiting` of `capacity`.
  void Observe(std::size_t waiting, std::size_t capacity);

 private:
  const std::uint64_t most_;
  std::uint64_t threshold_;  // Of 2^32.
  std::uint64_t since_change_ = 0;
};

}  // namespace podium::predictions
