#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <memory>

#include "control/publish/publish_world_fixture.h"
#include "net/core_pool.h"

namespace podium::control {
namespace {

constexpr std::size_t kCores = 4;

// A promote that answers before every core has the new table would let a core serve the old version
// after the caller was told otherwise.
TEST(PublisherThreads, WaitsForTheOneCoreThatIsBlocked) {
  net::CorePool cores(kCores);
  PublishWorld world(kCores, [&](std::size_t core, std::function<void()> job) {
    cores.Post(core, std::move(job));
  });
  const Revision revision = world.Register("r", "1", "model").revision;

  std::latch blocked(1);
  std::latch release(1);
  cores.Post(2, [&] {
    blocked.count_down();
    release.wait();
  });
  blocked.wait();

  std::atomic<bool> answered{false};
  auto publish = std::async(std::launch::async, [&] {
    const bool published = world.publisher.PublishAtLeast(revision).has_value();
    answered = true;
    return published;
  });
  // The three free cores have the view...
  for (const std::size_t core : {0U, 1U, 3U}) {
    bool has = false;
    while (!has) {
      cores.Run(core, [&] { has = world.cells[core].Pin()->Find("r") != nullptr; });
    }
  }
  // ...and still nobody may be told.
  EXPECT_FALSE(answered);
  release.count_down();
  EXPECT_TRUE(publish.get());
  cores.Run(2, [&] { EXPECT_NE(world.cells[2].Pin()->Find("r"), nullptr); });
  world.runtime.Stop();
  cores.Stop();
}

// Requests pin and drop views on the cores while control publishes: what TSan should look at.
TEST(PublisherThreads, PinsAndPublishesAtOnce) {
  net::CorePool cores(kCores);
  PublishWorld world(kCores, [&](std::size_t core, std::function<void()> job) {
    cores.Post(core, std::move(job));
  });
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> pins{0};
  std::latch ended(kCores);
  std::function<void(std::size_t, Generation)> request = [&](std::size_t core, Generation last) {
    const view::ViewPtr pinned = world.cells[core].Pin();
    EXPECT_GE(pinned->generation(), last);
    ++pins;
    if (stop) return ended.count_down();
    cores.Post(core,
               [&request, core, generation = pinned->generation()] { request(core, generation); });
  };
  for (std::size_t core = 0; core < kCores; ++core) {
    cores.Post(core, [&request, core] { request(core, Generation(0)); });
  }
  for (int i = 0; i < 50; ++i) {
    const Revision revision = world.Register("r", std::to_string(i), "model").revision;
    EXPECT_TRUE(world.publisher.PublishAtLeast(revision));
  }
  stop = true;
  ended.wait();
  EXPECT_GT(pins, 50U);
  world.runtime.Stop();
  cores.Stop();
}

}  // namespace
}  // namespace podium::control
