// What it costs a call to be counted in a rollout: the aims are 5 ns for a good outcome where the
// unit is the request, 30 ns where keys are sticky, 100 ns for an event (docs/benchmarks.md).
//
// A batch is 1,000 calls; its mean is one sample, and the figure is the median of the samples. The
// loop and the clock around it are measured by themselves, and named as Nothing: a call's own cost
// is the difference.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "base/rng.h"
#include "view/rollout_tally.h"

namespace podium::view {
namespace {

constexpr int kBatch = 1000;
constexpr std::size_t kUnits = 1U << 16U;

RolloutMark Mark(SplitUnit unit) {
  RolloutMark mark;
  mark.id = RolloutId("ro");
  mark.unit = unit;
  mark.thresholds.latency_ms = {10, 50, 90};
  mark.thresholds.first_token_ms = {10, 50, 90};
  mark.thresholds.cost_nano_usd = {1000, 2000, 4000};
  return mark;
}

/// Hashes of as many keys as a busy route has in an epoch.
const std::vector<std::uint64_t>& Units() {
  static const std::vector<std::uint64_t> units = [] {
    SeededRng rng(7);
    std::vector<std::uint64_t> made(kUnits);
    for (std::uint64_t& unit : made) unit = rng.Next64();
    return made;
  }();
  return units;
}

template <typename Call>
void MedianOfCalls(benchmark::State& state, Call call) {
  const SystemClock clock;
  const std::vector<std::uint64_t>& units = Units();
  std::vector<double> means;
  std::size_t next = 0;
  for (auto _ : state) {
    const SteadyTime start = clock.SteadyNow();
    for (int i = 0; i < kBatch; ++i) call(units[next++ % kUnits]);
    const std::chrono::nanoseconds took = clock.SteadyNow() - start;
    means.push_back(static_cast<double>(took.count()) / kBatch);
  }
  const auto middle = means.begin() + static_cast<std::ptrdiff_t>(means.size() / 2);
  std::nth_element(means.begin(), middle, means.end());
  state.counters["median_ns"] = *middle;
}

void Nothing(benchmark::State& state) {
  MedianOfCalls(state, [](std::uint64_t unit) { benchmark::DoNotOptimize(unit % 100 < 5); });
}
BENCHMARK(Nothing);

/// One call with the outcome that the test asks for, each in a series of its own or in all.
void OneCall(benchmark::State& state, SplitUnit unit, const RolloutOutcome& outcome) {
  RolloutTally tally(Mark(unit), 2);
  MedianOfCalls(state, [&](std::uint64_t hash) {
    const RolloutTicket ticket = tally.Admit(0, hash % 100 < 5, hash);
    tally.Record(0, ticket, outcome);
  });
}

RolloutOutcome Quick() { return {.latency = std::chrono::milliseconds(5)}; }
RolloutOutcome AboveTheMedian() { return {.latency = std::chrono::milliseconds(20)}; }
RolloutOutcome Error() { return {.failed = true, .latency = std::chrono::milliseconds(5)}; }

void GoodByRequest(benchmark::State& state) { OneCall(state, SplitUnit::kRequest, Quick()); }
BENCHMARK(GoodByRequest);
void GoodBySession(benchmark::State& state) { OneCall(state, SplitUnit::kSession, Quick()); }
BENCHMARK(GoodBySession);
void SlowByRequest(benchmark::State& state) {
  OneCall(state, SplitUnit::kRequest, AboveTheMedian());
}
BENCHMARK(SlowByRequest);
void SlowBySession(benchmark::State& state) {
  OneCall(state, SplitUnit::kSession, AboveTheMedian());
}
BENCHMARK(SlowBySession);
void ErrorByRequest(benchmark::State& state) { OneCall(state, SplitUnit::kRequest, Error()); }
BENCHMARK(ErrorByRequest);
void ErrorBySession(benchmark::State& state) { OneCall(state, SplitUnit::kSession, Error()); }
BENCHMARK(ErrorBySession);

}  // namespace
}  // namespace podium::view

BENCHMARK_MAIN();
