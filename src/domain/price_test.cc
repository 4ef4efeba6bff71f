#include "domain/price.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "domain/cost_event.h"

namespace podium {
namespace {

Price Good() {
  Price price;
  price.provider = "openai";
  price.upstream_model = "gpt-mini";
  price.input = {150'000'000};
  price.output = {600'000'000};
  return price;
}

TEST(Price, NamesAndAmountsHaveBounds) {
  EXPECT_TRUE(CheckPrice(Good()));
  struct Case {
    const char* name;
    void (*spoil)(Price&);
    const char* where;  // nullptr: it is good.
  };
  const Case cases[] = {
      {"no provider", [](Price& p) { p.provider = ""; }, "/provider"},
      {"no model", [](Price& p) { p.upstream_model = ""; }, "/model"},
      {"longest", [](Price& p) { p.provider.assign(limits::kMaxNameBytes, 'p'); }, nullptr},
      {"too long", [](Price& p) { p.provider.assign(limits::kMaxNameBytes + 1, 'p'); },
       "/provider"},
      {"longest model", [](Price& p) { p.upstream_model.assign(limits::kMaxModelNameBytes, 'm'); },
       nullptr},
      {"too long a model",
       [](Price& p) { p.upstream_model.assign(limits::kMaxModelNameBytes + 1, 'm'); }, "/model"},
      {"free", [](Price& p) { p.input = {0}; }, nullptr},
      {"negative", [](Price& p) { p.output = {-1}; }, "/output"},
      {"most", [](Price& p) { p.image = {limits::kMaxPriceNanoUsd}; }, nullptr},
      {"more", [](Price& p) { p.image = {limits::kMaxPriceNanoUsd + 1}; }, "/image"},
      {"reasoning", [](Price& p) { p.output_reasoning = {-1}; }, "/output_reasoning"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Price price = Good();
    c.spoil(price);
    const Status checked = CheckPrice(price);
    EXPECT_EQ(checked ? "" : checked.error().where, c.where == nullptr ? "" : c.where);
  }
}

// A provider that reports nonsense must not break the sums of everybody else.
TEST(CostEvent, CountsAndCostsAreBounded) {
  CostEvent event;
  event.usage.uncached_input = limits::kMaxUsage;
  event.cost = NanoUsd{limits::kMaxAttemptCostNanoUsd};
  EXPECT_EQ(Bounded(event), event);

  event.usage.uncached_input = limits::kMaxUsage + 1;
  event.usage.images = -1;
  event.cost = NanoUsd{limits::kMaxAttemptCostNanoUsd + 1};
  const CostEvent cut = Bounded(event);
  EXPECT_EQ(cut.usage.uncached_input, limits::kMaxUsage);
  EXPECT_EQ(cut.usage.images, 0);
  EXPECT_TRUE(cut.usage.contradictory);
  EXPECT_EQ(cut.cost, std::nullopt);
}

}  // namespace
}  // namespace podium
