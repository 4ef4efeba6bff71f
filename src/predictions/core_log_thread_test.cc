// One core offers while the writer takes and a scrape looks: nothing is lost but what is counted.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/rng.h"
#include "predictions/core_log.h"

namespace podium::predictions {
namespace {

TEST(CoreLogThreads, WhatIsOfferedIsTakenOrCounted) {
  constexpr int kOffers = 20'000;
  LoggingPolicy policy;
  policy.all.log = true;
  SeededRng rng(1);
  CoreLog log(policy, rng, 128);
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> taken{0};
  std::atomic<int> last{-1};
  std::thread writer([&] {
    while (true) {
      const bool was_done = done;
      while (const std::unique_ptr<Record> record = log.Take()) {
        EXPECT_GT(record->row.bucket, last.load());  // In their order.
        last = record->row.bucket;
        ++taken;
      }
      if (was_done) return;
      std::this_thread::yield();
    }
  });
  std::thread scrape([&] {
    while (!done) {
      std::uint64_t sum = 0;
      log.counts().Visit([&](const ArmCounts::Arm& arm) { sum += arm.counts[0]; });
      EXPECT_LE(sum, static_cast<std::uint64_t>(kOffers));
      EXPECT_LE(log.waiting(), 128U);
      std::this_thread::yield();
    }
  });
  for (int i = 0; i < kOffers; ++i) {
    auto record = std::make_unique<Record>();
    record->row.route = "r";
    record->row.assigned = i % 2 == 0 ? "v1" : "v2";
    record->row.bucket = i;
    record->request = Payload{std::string(100, 'x'), 100};
    log.Offer(std::move(record));
  }
  done = true;
  writer.join();
  scrape.join();
  std::uint64_t logged = 0;
  std::uint64_t full = 0;
  log.counts().Visit([&](const ArmCounts::Arm& arm) {
    logged += arm.counts[static_cast<std::size_t>(Fate::kLogged)];
    full += arm.counts[static_cast<std::size_t>(Fate::kFull)];
  });
  EXPECT_EQ(logged, taken.load());
  EXPECT_EQ(logged + full, static_cast<std::uint64_t>(kOffers));
}

}  // namespace
}  // namespace podium::predictions
