// What a publish costs with 1,000 routes and 10,000 versions: from the commit's return to the
// acknowledgement of the (inline) core. The store is SQLite on disk, the models are loaded.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/assert.h"
#include "control/publish/publish_world_fixture.h"
#include "store/sqlite_store.h"

namespace podium::control {
namespace {

constexpr int kRoutes = 1000;
constexpr int kVersionsPerRoute = 10;

std::string RouteAt(int route) { return fmt::format("route-{:04}", route); }
ModelId VersionAt(int route, int version) {
  return ModelId(fmt::format("{}-v{}", RouteAt(route), version));
}

struct Table {
  Table() {
    std::ofstream(directory / "model.onnx") << "echo";
    auto opened = store::SqliteStore::Open(directory / "podium.db", clock, rng);
    PODIUM_ASSERT(opened.has_value());
    store = std::move(*opened);
    for (int route = 0; route < kRoutes; ++route) Fill(route);
    publisher = NewPublisher(cells);
    Publish(*publisher);
    AwaitLoads();
    publisher->PublishReadiness();
  }

  void Apply(const store::Mutation& mutation) {
    auto done = store->Apply(mutation, {});
    PODIUM_ASSERT(done.has_value());
    revision = done->revision;
  }
  void Fill(int route) {
    for (int version = 0; version < kVersionsPerRoute; ++version) {
      ModelVersion row;
      row.model_id = VersionAt(route, version);
      row.route = RouteName(RouteAt(route));
      row.name = RouteAt(route);
      row.version = fmt::format("v{}", version);
      row.artifact_uri = "file:model.onnx";
      row.format = "onnx";
      Apply(store::RegisterVersion{row});
    }
    Apply(store::ActivateVersion{VersionAt(route, 0)});
    ShareOf(route, 500);
  }
  void ShareOf(int route, int basis_points) {
    Apply(store::SetCanary{RouteName(RouteAt(route)), VersionAt(route, 1),
                           *BasisPoints::From(basis_points)});
  }
  std::unique_ptr<Publisher> NewPublisher(std::vector<view::ViewCell>& into) {
    return std::make_unique<Publisher>(*store, runtime, stats, clock, Inline(), into,
                                       PublisherOptions{});
  }
  void Publish(Publisher& by) {
    const Status published = by.PublishAtLeast(revision);
    PODIUM_ASSERT(published.has_value());
  }
  /// More loads are wanted than may wait in line: those that were turned away are tried again.
  void AwaitLoads() {
    std::unique_lock lock(mutex);
    for (;;) {
      const auto statuses = runtime.Statuses();
      const bool ready = std::all_of(statuses.begin(), statuses.end(), [](const auto& status) {
        return status.state == LoadState::kReady;
      });
      if (ready && statuses.size() == kRoutes * kVersionsPerRoute) return;
      clock.Advance(std::chrono::minutes(10));
      runtime.RetryDue();
      changed.wait_for(lock, std::chrono::milliseconds(200));
    }
  }

  testing::TempDir directory;
  testing::SimClock clock;
  SeededRng rng{1};
  std::unique_ptr<store::SqliteStore> store;
  Revision revision;
  std::mutex mutex;
  std::condition_variable changed;
  view::StatsRegistry stats{1};
  std::vector<view::ViewCell> cells = std::vector<view::ViewCell>(1);
  runtime::ModelRuntime runtime{{directory / "cache",
                                 {directory.path()},
                                 1,
                                 std::chrono::seconds(5),
                                 std::chrono::seconds(300)},
                                clock,
                                std::make_shared<EchoLoader>(),
                                [this] { changed.notify_all(); }};
  std::unique_ptr<Publisher> publisher;
};

Table& TheTable() {
  static Table table;
  return table;
}

/// One share changes: what every promote, rollback and canary step waits for.
void PublishOneChange(benchmark::State& state) {
  Table& table = TheTable();
  int turn = 0;
  for (auto _ : state) {
    state.PauseTiming();
    table.ShareOf(turn % kRoutes, 501 + turn / kRoutes % 2 + turn % 2);
    ++turn;
    state.ResumeTiming();
    table.Publish(*table.publisher);
  }
  PODIUM_ASSERT(table.cells[0].Pin()->generation().get() > 0);
}
BENCHMARK(PublishOneChange)->Unit(benchmark::kMillisecond);

/// All rows are read, compiled and published by a publisher that knows nothing yet: a start.
void PublishWholeTable(benchmark::State& state) {
  Table& table = TheTable();
  for (auto _ : state) {
    state.PauseTiming();
    std::vector<view::ViewCell> cells(1);
    auto publisher = table.NewPublisher(cells);
    state.ResumeTiming();
    table.Publish(*publisher);
    state.PauseTiming();
    PODIUM_ASSERT(cells[0].Pin()->routes().size() == kRoutes);
    publisher.reset();
    cells.clear();
    state.ResumeTiming();
  }
}
BENCHMARK(PublishWholeTable)->Unit(benchmark::kMillisecond);

/// A model became ready: no row changed, but every core needs to know.
void PublishReadinessOnly(benchmark::State& state) {
  Table& table = TheTable();
  for (auto _ : state) table.publisher->PublishReadiness();
}
BENCHMARK(PublishReadinessOnly)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace podium::control

BENCHMARK_MAIN();
