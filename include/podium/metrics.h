// MetricsStore: what each model did, and how long it took.
//
// Percentiles come from a log-linear histogram of fixed size (17 KB a model): nearest rank, off by
// at most 1 % (in fact 1/128) from 256 ns to 18 minutes. Below, they are off by at most 2 ns;
// above, they say 18 minutes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <podium/clock.h>

namespace podium::v1 {

enum class Outcome : std::uint8_t { kOk, kError, kTimeout };

struct LatencyPercentiles {
  double p50 = 0.0;  ///< Milliseconds.
  double p95 = 0.0;
  double p99 = 0.0;
};

struct ModelMetrics {
  std::string model_id;
  std::uint64_t request_count = 0;  ///< With the errors.
  std::uint64_t error_count = 0;    ///< With the timeouts.
  std::uint64_t timeout_count = 0;
  double error_rate = 0.0;  ///< error_count / request_count.
  LatencyPercentiles latency;
  WallTime last_updated;
};

/// One line of JSON.
[[gnu::visibility("default")]] std::string ToJson(const ModelMetrics& metrics);

/// Threads: all methods from any thread. A moved-from store may only be assigned to or destroyed.
class [[gnu::visibility("default")]] MetricsStore {
 public:
  /// Models that one store keeps apart; one more is kLimited until others are reset.
  static constexpr std::size_t kMaxModels = 4'096;

  explicit MetricsStore(std::shared_ptr<const Clock> clock = nullptr);  ///< Null: SystemClock().
  MetricsStore(MetricsStore&&) noexcept;
  MetricsStore& operator=(MetricsStore&&) noexcept;
  ~MetricsStore();

  /// kInvalidArgument for an empty id, one beyond 128 bytes, or a latency below 0.
  Status Record(std::string_view model_id, Outcome outcome, std::chrono::nanoseconds latency);
  /// kNotFound when nothing was recorded, or nothing since the reset.
  Result<ModelMetrics> Get(std::string_view model_id) const;
  /// Of all models with records, by id.
  std::vector<ModelMetrics> List() const;
  /// Forgets the model's records. kNotFound when there are none.
  Status Reset(std::string_view model_id);

 private:
  class [[gnu::visibility("hidden")]] Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace podium::v1
