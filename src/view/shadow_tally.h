// What became of the copies that one shadow was sent: counts of calls, pairs and differences.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/histogram.h"
#include "base/money.h"
#include "domain/ids.h"

namespace podium::view {

/// Champion and shadow on the same request.
struct ShadowPairOutcome {
  bool champion_failed = false;
  bool challenger_failed = false;
  /// Where both answered and the answers can be compared.
  std::optional<bool> agrees;
  bool too_large = false;  ///< One of the answers was, to be kept until the other one came.
  /// Where both answered and were timed in the same way.
  std::optional<std::chrono::nanoseconds> champion_time;
  std::optional<std::chrono::nanoseconds> challenger_time;
};

/// The challenger is slower, or faster, by more than this part of the champion's time; else a tie.
inline constexpr double kSlowerBy = 0.1;

/// Why a copy was not made, or thrown away before the shadow saw it.
enum class ShadowShed : std::uint8_t {
  kFull,  ///< Too many wait or run, or live calls wait for the same machine.
  kLate,  ///< It waited for too long.
  kSize,  ///< The call is too large to be copied.
  kCost,  ///< The day's budget is used up.
};
inline constexpr std::size_t kShadowSheds = 4;

/// Sums over all cores at one moment, of this replica since it started or got another champion.
struct ShadowCounts {
  std::uint64_t total_requests = 0;    ///< That the primary answered and that could be copied.
  std::uint64_t sampled_requests = 0;  ///< Of these, in the sample.
  std::array<std::uint64_t, kShadowSheds> shed{};
  std::uint64_t challenger_errors = 0;
  std::uint64_t champion_errors = 0;  ///< Of calls that the shadow saw too.
  std::uint64_t pairs = 0;            ///< Calls of which both ends are known.
  std::uint64_t only_champion_failed = 0;
  std::uint64_t only_challenger_failed = 0;
  std::uint64_t agreed = 0;
  std::uint64_t disagreed = 0;
  std::uint64_t too_large = 0;  ///< Pairs whose agreement was not judged for that.
  std::uint64_t slower = 0;     ///< By kSlowerBy.
  std::uint64_t faster = 0;
  std::uint64_t as_fast = 0;
  NanoUsd cost;  ///< Of copies to providers.
  /// latency_delta = challenger - champion, its two signs apart.
  HistogramSnapshot slower_by;
  HistogramSnapshot faster_by;

  std::uint64_t shed_total() const { return shed[0] + shed[1] + shed[2] + shed[3]; }
  /// The q-quantile of latency_delta; 0 without pairs.
  std::chrono::nanoseconds DeltaQuantile(double q) const;
};

/// Threads: the Count functions on core `core`; the rest anywhere. What is counted on the way of a
/// call takes no lock.
class ShadowTally {
 public:
  /// `route` and `version` are for whoever logs.
  explicit ShadowTally(std::size_t cores, RouteName route = {}, ModelId version = {});
  ~ShadowTally();
  ShadowTally(const ShadowTally&) = delete;
  ShadowTally& operator=(const ShadowTally&) = delete;

  /// A call that could be copied; `sampled`: and is to be.
  void CountCall(std::size_t core, bool sampled);
  void CountShed(ShadowShed why);
  /// The shadow has failed; true when it should be logged: once in limits::kShadowLog.
  bool CountError(SteadyTime now);
  void CountCost(NanoUsd cost);
  /// Both ends are known. A lock of this tally: not on the way of an answer.
  void CountPair(const ShadowPairOutcome& pair);

  ShadowCounts Counts() const;
  const RouteName& route() const { return route_; }
  const ModelId& version() const { return version_; }

 private:
  struct Cell;
  const RouteName route_;
  const ModelId version_;
  std::vector<std::unique_ptr<Cell>> cells_;  // By core.
  std::array<std::atomic<std::uint64_t>, kShadowSheds> shed_{};
  std::atomic<std::uint64_t> errors_{0};
  std::atomic<std::int64_t> logged_ns_{0};
  std::atomic<std::int64_t> cost_{0};
  mutable std::mutex mutex_;
  ShadowCounts pairs_;   // Protected by mutex_; without what stands above, nor the histograms.
  Histogram slower_by_;  // Written under mutex_.
  Histogram faster_by_;
};

}  // namespace podium::view
