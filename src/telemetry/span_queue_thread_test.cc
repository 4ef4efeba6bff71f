// One thread fills, another empties: each span comes whole, in order, or was counted as dropped.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

#include "telemetry/span_queue.h"

namespace podium::telemetry {
namespace {

TEST(SpanQueue, EachSpanComesWholeOrIsCounted) {
  constexpr std::uint64_t kSpans = 200'000;
  SpanQueue queue(64);
  std::atomic<bool> done{false};
  std::thread producer([&] {
    for (std::uint64_t i = 1; i <= kSpans; ++i) {
      Span* span = queue.Claim();
      if (span == nullptr) continue;
      span->id = {i};
      span->route.Assign(std::to_string(i));
      queue.Publish();
    }
    done = true;
  });
  std::uint64_t taken = 0;
  std::uint64_t last = 0;
  for (;;) {
    const bool was_done = done;
    const Span* span = queue.Front();
    if (span == nullptr && was_done) break;
    if (span == nullptr) continue;
    ASSERT_GT(span->id.value, last);
    last = span->id.value;
    ASSERT_EQ(span->route.view(), std::to_string(last));
    queue.Pop();
    ++taken;
  }
  producer.join();
  EXPECT_EQ(taken + queue.dropped(), kSpans);
}

}  // namespace
}  // namespace podium::telemetry
