// What one decision costs in a table of 1,000 routes, with keys that vary.
//
// A batch is 1,000 decisions over routes in shuffled order; its mean is one sample, and the figure
// is the median of the samples. Every allocation of this process is counted.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/assert.h"
#include "base/clock.h"
#include "base/rng.h"
#include "routing/choose.h"
#include "routing/rows_for_test.h"
#include "routing/serve_chain.h"
#include "testing/count_allocations.h"

namespace podium::routing {
namespace {

using podium::testing::allocations;

constexpr int kRoutes = 1000;
constexpr int kBatch = 1000;
constexpr int kKeys = 8192;

/// A route of each kind in turn: with a canary, plain, with three arms.
void AddRoute(int number, std::vector<Route>& routes, std::vector<ModelVersion>& versions) {
  const std::string name = fmt::format("recommendation-route-{}", number);
  const auto id = [&](const char* role) { return fmt::format("{}-{}", name, role); };
  versions.push_back(Primary(id("a")).On(name));
  switch (number % 3) {
    case 0:
      routes.push_back(RouteRow(name));
      versions.push_back(Canary(id("b"), 1000).On(name));
      return;
    case 1:
      routes.push_back(RouteRow(name));
      return;
    default:
      routes.push_back(
          RouteRow(name).WithArm(id("x"), 2000).WithArm(id("y"), 2000).WithArm(id("z"), 2000));
      for (const char* arm : {"x", "y", "z"}) versions.push_back(Arm(id(arm)).On(name));
  }
}

struct World {
  World() {
    std::vector<Route> rows;
    std::vector<ModelVersion> versions;
    for (int i = 0; i < kRoutes; ++i) AddRoute(i, rows, versions);
    compiler.Absorb(std::move(rows), std::move(versions));
    part = compiler.Compile(Generation(1));
    PODIUM_ASSERT(part->routes().size() == kRoutes && compiler.faults().empty());
    SeededRng rng(7);
    for (const auto& route : part->routes()) names.push_back(route->name.get());
    for (std::size_t i = names.size(); i > 1; --i) std::swap(names[i - 1], names[rng.Next64() % i]);
    // A session id as callers make them: 8 to 36 bytes.
    for (int i = 0; i < kKeys; ++i)
      keys.push_back(RandomToken(rng, 8 + static_cast<int>(rng.Next64() % 29)));
  }
  TableCompiler compiler{{}};
  std::shared_ptr<const RoutesPart> part;
  std::vector<std::string> names;
  std::vector<std::string> keys;
};

/// Runs batches until the framework has enough, and reports their median.
template <typename Decide>
void MedianOfBatches(benchmark::State& state, const World& world, Decide decide) {
  const SystemClock clock;
  std::vector<double> means;
  means.reserve(10'000'000 / kBatch);
  std::int64_t allocated = 0;
  std::size_t key = 0;
  for (auto _ : state) {
    const std::int64_t before = allocations;
    const SteadyTime start = clock.SteadyNow();
    for (std::size_t i = 0; i < kBatch; ++i) {
      benchmark::DoNotOptimize(decide(world.names[i], world.keys[key++ % kKeys]));
    }
    const std::chrono::nanoseconds took = clock.SteadyNow() - start;
    allocated += allocations - before;
    if (means.size() < means.capacity())
      means.push_back(static_cast<double>(took.count()) / kBatch);
  }
  const auto middle = means.begin() + static_cast<std::ptrdiff_t>(means.size() / 2);
  std::nth_element(means.begin(), middle, means.end());
  state.counters["median_ns"] = *middle;
  state.counters["batches"] = static_cast<double>(means.size());
  state.counters["allocations"] = static_cast<double>(allocated);
}

const World& TheWorld() {
  static const World world;
  return world;
}

/// From the name of the route to the chain of what would serve it.
void FindChooseChain(benchmark::State& state) {
  const World& world = TheWorld();
  MedianOfBatches(state, world, [&](const std::string& name, const std::string& key) {
    const CompiledRoute* route = world.part->Find(name);
    const RequestIds ids{.session = key, .user = {}, .request = {}, .request_made_here = false};
    return ChainOf(Choose(*route, world.part->generation(), ids)).size;
  });
}
BENCHMARK(FindChooseChain);

/// The decision alone, its route in hand.
void ChooseAlone(benchmark::State& state) {
  const World& world = TheWorld();
  std::size_t next = 0;
  MedianOfBatches(state, world, [&](const std::string&, const std::string& key) {
    const CompiledRoute& route = *world.part->routes()[next++ % kRoutes];
    const RequestIds ids{.session = key, .user = {}, .request = {}, .request_made_here = false};
    return Choose(route, world.part->generation(), ids).version;
  });
}
BENCHMARK(ChooseAlone);

}  // namespace
}  // namespace podium::routing

BENCHMARK_MAIN();
