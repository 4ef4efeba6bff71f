// Readers, writers and recorders at once: what TSan must find nothing in.
#include <gtest/gtest.h>
#include <podium/metrics.h>
#include <podium/registry.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "testing/temp_dir.h"

namespace podium::v1 {
namespace {

TEST(RegistryThreads, Invariant3PinsMeetEveryChangeWhole) {
  const podium::testing::TempDir folder;
  RegistryOptions options;
  options.cache_ttl = std::chrono::milliseconds(0);
  options.executor = [](const std::function<void()>& work) { work(); };
  Registry registry = Registry::Open(folder / "models.db", options).value();
  for (const char* id : {"m1", "m2"}) {
    NewVersion version;
    version.name = "ranker";
    version.version = id;
    version.id = id;
    ASSERT_TRUE(registry.Register(version));
  }
  ASSERT_TRUE(registry.Activate("m1"));

  std::atomic<bool> done = false;
  std::atomic<std::uint64_t> decisions = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      std::uint64_t last = 0;
      do {
        const Snapshot snapshot = registry.Pin();
        EXPECT_GE(snapshot.generation(), last);
        last = snapshot.generation();
        const Decision decision = snapshot.Choose("ranker", {});
        EXPECT_NE(decision.version, nullptr) << "there is a primary at every moment";
        ++decisions;
      } while (!done);
    });
  }
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(registry.Activate(i % 2 == 0 ? "m2" : "m1"));
    EXPECT_TRUE(registry.SetCanary("ranker", i % 2 == 0 ? "m1" : "m2", 0.5));
    EXPECT_TRUE(registry.RollBack("ranker"));
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_GE(decisions, 3U);
  EXPECT_EQ(registry.health().trouble, "");
}

TEST(MetricsThreads, NothingIsLost) {
  MetricsStore store;
  std::vector<std::thread> recorders;
  for (int i = 0; i < 4; ++i) {
    recorders.emplace_back([&, i] {
      for (int j = 0; j < 500; ++j) {
        EXPECT_TRUE(store.Record("m" + std::to_string(j % 5),
                                 i == 0 ? Outcome::kError : Outcome::kOk,
                                 std::chrono::microseconds(j)));
        EXPECT_LE(store.Get("m0")->request_count, 400U);
      }
    });
  }
  for (std::thread& recorder : recorders) recorder.join();
  std::uint64_t requests = 0;
  std::uint64_t errors = 0;
  for (const ModelMetrics& metrics : store.List()) {
    requests += metrics.request_count;
    errors += metrics.error_count;
  }
  EXPECT_EQ(requests, 2000U);
  EXPECT_EQ(errors, 500U);
}

}  // namespace
}  // namespace podium::v1
