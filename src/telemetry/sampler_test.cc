// Who decides whether a call is traced: its caller, else the sampler.
#include "telemetry/sampler.h"

#include <gtest/gtest.h>

#include <optional>

namespace podium::telemetry {
namespace {

constexpr TraceId kQuarterTrace{1, 0x4000000000000000};  // Exactly a quarter of the way.

TEST(Sampler, TheCallersDecisionHoldsUnlessAllAreAskedAlike) {
  struct Case {
    const char* name;
    double ratio;
    std::optional<bool> caller;  ///< Whether it samples; nullopt: there is none.
    bool want;
  };
  const Case cases[] = {
      {"parentbased_always_on", 1, {}, true},
      {"parentbased_always_on", 1, false, false},
      {"parentbased_always_on", 1, true, true},
      {"parentbased_always_off", 1, {}, false},
      {"parentbased_always_off", 1, true, true},
      {"parentbased_traceidratio", 0, {}, false},
      {"parentbased_traceidratio", 0, true, true},
      {"parentbased_traceidratio", 1, false, false},
      {"always_on", 1, false, true},
      {"always_off", 1, true, false},
      {"traceidratio", 1, false, true},
      {"traceidratio", 0, true, false},
      {"traceidratio", 0.25, {}, false},
      {"traceidratio", 0.2500001, {}, true},
      {"parentbased_traceidratio", 0.3, {}, true},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(::testing::Message() << c.name << " " << c.ratio);
    Result<Sampler> sampler = SamplerNamed(c.name);
    ASSERT_TRUE(sampler);
    sampler->ratio = c.ratio;
    std::optional<TraceContext> caller;
    if (c.caller) caller = TraceContext{kQuarterTrace, {1}, *c.caller};
    EXPECT_EQ(Samples(*sampler, caller, kQuarterTrace), c.want);
  }
}

TEST(Sampler, TheRatioIsKept) {
  SeededRng rng(7);
  const Sampler tenth{true, SampleBy::kRatio, 0.1};
  int taken = 0;
  for (int i = 0; i < 10'000; ++i) taken += Samples(tenth, std::nullopt, NewTraceId(rng)) ? 1 : 0;
  EXPECT_NEAR(taken, 1000, 100);  // More than three standard deviations, of a fixed seed.
}

TEST(Sampler, AnotherNameIsRefusedWithThoseThatAre) {
  for (const char* name : {"", "parentbased_", "jaeger_remote", "Always_on"}) {
    const Result<Sampler> sampler = SamplerNamed(name);
    ASSERT_FALSE(sampler) << name;
    EXPECT_NE(sampler.error().message.find("traceidratio"), std::string::npos);
  }
}

}  // namespace
}  // namespace podium::telemetry
