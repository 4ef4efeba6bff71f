// What a core does for a span costs no allocation: it would be paid on every call.
#include <gtest/gtest.h>

#include <string>

#include "telemetry/span_queue.h"
#include "telemetry/telemetry_fixture.h"
#include "testing/count_allocations.h"

namespace podium::telemetry {
namespace {

TEST(SpanQueue, TakesASpanWithoutAnAllocation) {
  SpanQueue queue;
  const std::string longest(2 * limits::kMaxSpanTextBytes, 'x');
  const std::int64_t before = testing::allocations;
  for (std::size_t i = 0; i < 2 * limits::kMaxWaitingSpans; ++i) {
    Span* span = queue.Claim();
    if (span == nullptr) continue;
    FillAttempt(*span);
    span->route.Assign(longest);
    queue.Publish();
  }
  EXPECT_EQ(testing::allocations, before);
  EXPECT_EQ(queue.dropped(), limits::kMaxWaitingSpans);
}

}  // namespace
}  // namespace podium::telemetry
