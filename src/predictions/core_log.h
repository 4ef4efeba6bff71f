// The prediction log as one core sees it: a bounded queue that is never waited for.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/rng.h"
#include "predictions/arm_counts.h"
#include "predictions/logging_policy.h"
#include "predictions/record.h"
#include "predictions/unit_thinner.h"

namespace podium::limits {
inline constexpr std::size_t kWaitingPredictions = 4096;                  ///< Per core.
inline constexpr std::size_t kWaitingPredictionBytes = 16 * 1024 * 1024;  ///< Per core.
}  // namespace podium::limits

namespace podium::predictions {

/// Threads: Of, Admit and Offer on the core's; Take on one other; the counts on any.
class CoreLog {
 public:
  /// Policy and rng outlive it. REQUIRES: capacity > 0.
  CoreLog(const LoggingPolicy& policy, Rng& rng, std::size_t capacity = limits::kWaitingPredictions,
          std::size_t most_bytes = limits::kWaitingPredictionBytes);
  ~CoreLog();
  CoreLog(const CoreLog&) = delete;
  CoreLog& operator=(const CoreLog&) = delete;

  /// Null when that route is not logged.
  const RouteLogging* Of(std::string_view route) const {
    const RouteLogging& logging = policy_.Of(route);
    return logging.log ? &logging : nullptr;
  }
  /// The rate at which units are kept now (PredictionRow::keep), if this one is among them. One
  /// that is not is counted here and needs no record.
  std::optional<double> Admit(std::string_view route, std::string_view assigned,
                              std::string_view unit);
  /// Takes the record and gives it its id. When there is no room it is dropped and counted. Never
  /// blocks.
  void Offer(std::unique_ptr<Record> record);

  /// The oldest, or null.
  std::unique_ptr<Record> Take();

  std::size_t waiting() const;
  const ArmCounts& counts() const { return counts_; }

 private:
  static constexpr std::size_t kCacheLine = 64;
  UnitThinner& ThinnerOf(std::string_view route);

  const LoggingPolicy& policy_;
  Rng& rng_;
  const std::size_t capacity_;
  const std::size_t most_bytes_;
  const std::unique_ptr<std::unique_ptr<Record>[]> slots_;
  UnitThinner thinner_;
  std::map<std::string, UnitThinner, std::less<>> by_route_;  // Those with a policy of their own.
  ArmCounts counts_;
  alignas(kCacheLine) std::atomic<std::uint64_t> written_{0};
  alignas(kCacheLine) std::atomic<std::uint64_t> read_{0};
  alignas(kCacheLine) std::atomic<std::size_t> bytes_{0};  // Of what waits.
};

}  // namespace podium::predictions
