#include "ledger/price_book.h"

#include <gtest/gtest.h>

#include <chrono>

#include "base/limits.h"

namespace podium::ledger {
namespace {

constexpr WallTime kStart{std::chrono::seconds(1'773'064'800)};

Price Row(std::int64_t id, std::string_view model = "mini", WallTime from = kStart) {
  Price price;
  price.id = id;
  price.provider = "openai";
  price.upstream_model = model;
  price.effective_from = from;
  price.input = {150'000'000};   // $0.15 per million.
  price.output = {600'000'000};  // $0.60.
  return price;
}

TokenUsage Tokens(std::int64_t input, std::int64_t output) {
  TokenUsage usage;
  usage.uncached_input = input;
  usage.output_text = output;
  return usage;
}

TEST(CostAt, IsTheExactSumRoundedOnce) {
  struct Case {
    const char* name;
    TokenUsage usage;
    std::int64_t want;
  };
  const Case cases[] = {
      {"nothing", {}, 0},
      {"a million each", Tokens(1'000'000, 1'000'000), 750'000'000},
      {"a small call", Tokens(1'000, 500), 150'000 + 300'000},
      {"one token", Tokens(1, 0), 150},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Cost cost = CostAt(c.usage, Row(7));
    EXPECT_EQ(cost.amount, NanoUsd{c.want});
    EXPECT_EQ(cost.price_id, 7);
    EXPECT_EQ(cost.unknown, Cost::Unknown::kNot);
  }
}

// Rounded class by class, three thirds would lose a nano-dollar, or two halves gain one.
TEST(CostAt, RoundsTheSumHalfUp) {
  Price price = Row(1);
  price.input = {500'000};
  price.output = {500'000};
  EXPECT_EQ(CostAt(Tokens(1, 0), price).amount, NanoUsd{1});
  EXPECT_EQ(CostAt(Tokens(1, 1), price).amount, NanoUsd{1});
  price.input = {499'999};
  EXPECT_EQ(CostAt(Tokens(1, 0), price).amount, NanoUsd{0});
}

TEST(CostAt, EveryClassHasItsOwnPrice) {
  Price price = Row(1);
  price.cache_read = NanoUsd{1'000'000};
  price.cache_write_5m = NanoUsd{2'000'000};
  price.cache_write_1h = NanoUsd{3'000'000};
  price.audio_input = NanoUsd{4'000'000};
  price.output_reasoning = NanoUsd{5'000'000};
  price.image = NanoUsd{6};
  price.call = NanoUsd{7};
  struct Case {
    std::int64_t TokenUsage::* count;
    std::int64_t want;
  };
  const Case cases[] = {
      {&TokenUsage::uncached_input, 150},
      {&TokenUsage::cache_read, 1},
      {&TokenUsage::cache_write_5m, 2},
      {&TokenUsage::cache_write_1h, 3},
      {&TokenUsage::audio_input, 4},
      {&TokenUsage::output_text, 600},
      {&TokenUsage::output_reasoning, 5},
      {&TokenUsage::images, 6},
      {&TokenUsage::calls, 7},
  };
  TokenUsage all;
  std::int64_t sum = 0;
  for (const Case& c : cases) {
    TokenUsage one;
    one.*c.count = 10;
    all.*c.count = 10;
    sum += 10 * c.want;
    EXPECT_EQ(CostAt(one, price).amount, NanoUsd{10 * c.want});
  }
  EXPECT_EQ(CostAt(all, price).amount, NanoUsd{sum});
}

// What nobody has priced is unknown and seen to be; it is never given away as zero.
TEST(CostAt, AUsedClassWithoutAPriceIsUnknown) {
  for (std::int64_t TokenUsage::* count :
       {&TokenUsage::cache_read, &TokenUsage::cache_write_5m, &TokenUsage::cache_write_1h,
        &TokenUsage::audio_input, &TokenUsage::images, &TokenUsage::calls}) {
    TokenUsage usage = Tokens(10, 10);
    usage.*count = 1;
    const Cost cost = CostAt(usage, Row(7));
    EXPECT_EQ(cost.amount, std::nullopt);
    EXPECT_EQ(cost.unknown, Cost::Unknown::kClass);
    EXPECT_EQ(cost.price_id, 7);
  }
  TokenUsage reasoning;
  reasoning.output_reasoning = 2;
  EXPECT_EQ(CostAt(reasoning, Row(7)).amount, NanoUsd{1200}) << "as other output";
}

TEST(CostAt, CountsAndAmountsOutOfRangeAreUnknown) {
  Price price = Row(1);
  price.input = {limits::kMaxAttemptCostNanoUsd};
  static_assert(limits::kMaxAttemptCostNanoUsd <= limits::kMaxPriceNanoUsd);
  EXPECT_EQ(CostAt(Tokens(1'000'000, 0), price).amount, NanoUsd{limits::kMaxAttemptCostNanoUsd});
  EXPECT_EQ(CostAt(Tokens(1'000'001, 0), price).unknown, Cost::Unknown::kOutOfRange);
  EXPECT_EQ(CostAt(Tokens(-1, 0), price).unknown, Cost::Unknown::kOutOfRange);
  price.input = {1};
  EXPECT_TRUE(CostAt(Tokens(limits::kMaxUsage, 0), price).amount);
  EXPECT_FALSE(CostAt(Tokens(limits::kMaxUsage + 1, 0), price).amount);
  // The largest that there can be overflows nothing on the way.
  price.input = price.output = {limits::kMaxPriceNanoUsd};
  price.image = price.call = price.cache_read = NanoUsd{limits::kMaxPriceNanoUsd};
  TokenUsage most = Tokens(limits::kMaxUsage, limits::kMaxUsage);
  most.images = most.calls = most.cache_read = limits::kMaxUsage;
  EXPECT_EQ(CostAt(most, price).unknown, Cost::Unknown::kOutOfRange);
  price.input = {std::numeric_limits<std::int64_t>::max()};
  EXPECT_EQ(CostAt(Tokens(1, 0), price).unknown, Cost::Unknown::kOutOfRange);
}

TEST(PriceBook, TheLatestThatIsInForceCounts) {
  using std::chrono::hours;
  const PriceBook book({Row(4, "mini", kStart + hours(2)), Row(1), Row(2, "maxi"),
                        Row(3, "mini", kStart + hours(1)), Row(5, "mini", kStart + hours(1))});
  const auto id = [&](std::string_view model, WallTime at) {
    const Price* price = book.Find("openai", model, at);
    return price == nullptr ? 0 : price->id;
  };
  EXPECT_EQ(id("mini", kStart - std::chrono::microseconds(1)), 0);
  EXPECT_EQ(id("mini", kStart), 1);
  EXPECT_EQ(id("mini", kStart + hours(1) - std::chrono::microseconds(1)), 1);
  EXPECT_EQ(id("mini", kStart + hours(1)), 5) << "of the same moment, the one added last";
  EXPECT_EQ(id("mini", kStart + hours(99)), 4);
  EXPECT_EQ(id("maxi", kStart), 2);
  EXPECT_EQ(id("min", kStart + hours(99)), 0);
  EXPECT_EQ(id("minim", kStart + hours(99)), 0);
  EXPECT_EQ(book.Find("anthropic", "mini", kStart), nullptr);
  EXPECT_EQ(book.Find("zeta", "mini", kStart), nullptr);
  EXPECT_EQ(PriceBook().Find("openai", "mini", kStart), nullptr);
}

TEST(PriceBook, AModelWithoutAPriceIsUnknown) {
  const PriceBook book({Row(1)});
  EXPECT_EQ(book.CostOf(Tokens(10, 0), "openai", "mini", kStart).amount, NanoUsd{1'500});
  const Cost unknown = book.CostOf(Tokens(10, 0), "openai", "maxi", kStart);
  EXPECT_EQ(unknown.amount, std::nullopt);
  EXPECT_EQ(unknown.unknown, Cost::Unknown::kNoPrice);
  EXPECT_EQ(unknown.price_id, 0);
}

}  // namespace
}  // namespace podium::ledger
