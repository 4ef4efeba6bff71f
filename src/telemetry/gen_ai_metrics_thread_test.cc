// Metrics are read while their core goes on recording: what is read is never torn, and the last
// reading has everything.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

#include "telemetry/gen_ai_metrics.h"

namespace podium::telemetry {
namespace {

TEST(GenAiMetrics, IsReadWhileItIsWritten) {
  constexpr int kCalls = 50'000;
  constexpr int kModels = 100;
  GenAiMetrics metrics;
  std::atomic<bool> done{false};
  std::thread core([&] {
    for (int i = 0; i < kCalls; ++i) {
      const std::string model = std::to_string(i % kModels);
      SeriesView key;
      key.request_model = model;
      metrics.RecordAttempt(key, {std::chrono::milliseconds(20), {}, 1, 1});
    }
    done = true;
  });
  std::uint64_t last = 0;
  for (bool was_done = false; !was_done;) {
    was_done = done;
    std::map<SeriesKey, SeriesPoint> sums;
    metrics.Collect(sums);
    std::uint64_t calls = 0;
    for (const auto& [key, point] : sums) calls += point.histograms[0].count();
    EXPECT_GE(calls, last) << "a counter does not go back";
    last = calls;
  }
  core.join();
  EXPECT_EQ(last, static_cast<std::uint64_t>(kCalls));
}

}  // namespace
}  // namespace podium::telemetry
