// Spans leave in the order in which they came; what does not fit is counted and harms nobody.
#include "telemetry/span_queue.h"

#include <gtest/gtest.h>

#include <string>

namespace podium::telemetry {
namespace {

bool Put(SpanQueue& queue, std::uint64_t id) {
  Span* span = queue.Claim();
  if (span == nullptr) return false;
  span->id = {id};
  queue.Publish();
  return true;
}

TEST(SpanQueue, HoldsWhatItsLimitSaysAndCountsTheRest) {
  SpanQueue queue;
  for (std::uint64_t i = 1; i <= limits::kMaxWaitingSpans; ++i) ASSERT_TRUE(Put(queue, i));
  EXPECT_EQ(queue.dropped(), 0U);
  EXPECT_EQ(queue.size(), limits::kMaxWaitingSpans);
  EXPECT_FALSE(Put(queue, 9999));
  EXPECT_EQ(queue.dropped(), 1U);
  ASSERT_NE(queue.Front(), nullptr);
  EXPECT_EQ(queue.Front()->id, SpanId{1});
  queue.Pop();
  EXPECT_TRUE(Put(queue, limits::kMaxWaitingSpans + 1));
  for (std::uint64_t want = 2; want <= limits::kMaxWaitingSpans + 1; ++want) {
    ASSERT_NE(queue.Front(), nullptr);
    EXPECT_EQ(queue.Front()->id, SpanId{want});
    queue.Pop();
  }
  EXPECT_EQ(queue.Front(), nullptr);
  EXPECT_EQ(queue.size(), 0U);
}

// A slot is used again and again: nothing of the span before may show in the next.
TEST(SpanQueue, AClaimedSpanIsEmpty) {
  SpanQueue queue(1);
  Span* first = queue.Claim();
  first->route.Assign("secret-route");
  first->provider.Assign("p");
  first->usage = TokenUsage{.uncached_input = 5};
  first->status = 500;
  queue.Publish();
  queue.Pop();
  const Span* second = queue.Claim();
  ASSERT_EQ(second, first);
  EXPECT_TRUE(second->route.empty() && second->provider.empty());
  EXPECT_FALSE(second->usage);
  EXPECT_EQ(second->status, 0);
}

TEST(SpanText, IsCutAtItsLimitBetweenTwoCharacters) {
  const std::string full(limits::kMaxSpanTextBytes, 'x');
  SpanText text;
  text.Assign(full);
  EXPECT_EQ(text.view(), full);
  text.Assign(full + "y");
  EXPECT_EQ(text.view(), full);
  // Two bytes, of which one would fit.
  const std::string most(limits::kMaxSpanTextBytes - 1, 'x');
  text.Assign(most + "\xC3\xA4");
  EXPECT_EQ(text.view(), most);
  text.Assign(most.substr(1) + "\xC3\xA4");
  EXPECT_EQ(text.view(), most.substr(1) + "\xC3\xA4");
}

}  // namespace
}  // namespace podium::telemetry
