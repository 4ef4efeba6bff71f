// What each version did, counted per core without locks and merged when somebody looks.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/histogram.h"

namespace podium::view {

enum class Outcome : std::uint8_t { kOk, kError, kTimeout };
inline constexpr std::size_t kOutcomes = 3;
using OutcomeCounts = std::array<std::uint64_t, kOutcomes>;

/// One version in one role (as canary, or not).
struct RoleCounts {
  OutcomeCounts outcomes{};
  HistogramSnapshot latency;
  // Of what has them; empty where nothing had.
  std::optional<HistogramSnapshot> first_token;    ///< Of streams.
  std::optional<HistogramSnapshot> cost_nano_usd;  ///< In nano-USD, of answers with a known price.

  std::uint64_t total() const { return outcomes[0] + outcomes[1] + outcomes[2]; }
};

/// The sums over all cores at one moment.
struct StatsSnapshot {
  RoleCounts plain;
  RoleCounts canary;
  OutcomeCounts overrides{};     ///< Of calls that named the version: in neither role.
  std::uint64_t not_served = 0;  ///< Assigned here, served by another version of the chain.
  WallTime last_updated;         ///< 1970 when nothing was recorded.

  std::uint64_t override_total() const { return overrides[0] + overrides[1] + overrides[2]; }
  /// Whether anything was ever recorded.
  bool any() const { return plain.total() + canary.total() + override_total() + not_served > 0; }
};

/// Threads: Record* and the times of rows only on core `core`; Snapshot from any thread.
class VersionStats {
 public:
  explicit VersionStats(std::size_t cores);
  ~VersionStats();
  VersionStats(const VersionStats&) = delete;
  VersionStats& operator=(const VersionStats&) = delete;

  void Record(std::size_t core, bool canary, Outcome outcome, std::chrono::nanoseconds latency,
              WallTime now);
  /// Of a stream that has begun, and of an answer whose price is known.
  void RecordFirstToken(std::size_t core, bool canary, std::chrono::nanoseconds after);
  void RecordCost(std::size_t core, bool canary, std::int64_t nano_usd);
  /// A call that named this version by itself: no rollout may learn from whom somebody chose.
  void RecordOverride(std::size_t core, Outcome outcome, WallTime now);
  void RecordNotServed(std::size_t core);
  /// What one row took the model lately on this core.
  void ObserveRowTime(std::size_t core, std::chrono::nanoseconds per_row);
  std::optional<std::chrono::nanoseconds> TimePerRow(std::size_t core) const;
  StatsSnapshot Snapshot() const;

 private:
  struct Role;
  struct Cell;
  std::vector<std::unique_ptr<Cell>> cells_;
};

}  // namespace podium::view
