// A decision is verified from what was stored with it: a counter or a bit that gets lost on the way
// makes another verdict out of the same rollout.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "base/rng.h"
#include "rollout/evidence.h"
#include "rollout/verdict.h"
#include "rollout/verdict_json.h"

namespace podium::rollout {
namespace {

/// Evidence with every field set, with doubles that have no short decimal form.
class AnyEvidence {
 public:
  explicit AnyEvidence(std::uint64_t seed) : rng_(seed) {}

  Evidence Make() {
    Evidence evidence;
    evidence.candidate = "canary \"7\" – größer";
    evidence.unit = rng_.Next64() % 2 == 0 ? RolloutUnit::kSticky : RolloutUnit::kRequest;
    evidence.alpha_rollback = Fraction();
    evidence.alpha_promote = Fraction();
    evidence.attempt = 1 + static_cast<int>(rng_.Next64() % 10);
    evidence.margin = 1 + Fraction();
    evidence.next_share = *BasisPoints::From(static_cast<int>(rng_.Next64() % 10'001));
    evidence.declared_steps = 4;
    evidence.epoch_of_step = 2;
    evidence.epochs_in_step = 3;
    if (rng_.Next64() % 2 == 0) evidence.units_left = 1e4 * Fraction();
    if (rng_.Next64() % 2 == 0) evidence.log_e_peak = -5 * Fraction();
    for (int i = 0; i < 3; ++i) evidence.steps.push_back(Units());
    for (const RatioGrid grid : {kErrorGrid, kP90Grid, kP50Grid, RatioGrid{Fraction(), 7}}) {
      Metric metric{.name = "m", .weight = Fraction(), .guards_promotion = grid == kP90Grid};
      Series series{.name = "s", .grid = grid, .rate_before = Fraction(), .steps = {}};
      if (grid == kErrorGrid) series.absolute_limit = Fraction();
      if (grid == kP90Grid && evidence.unit == RolloutUnit::kRequest) {
        series.harmless_rate = Fraction();
      }
      series.reported = rng_.Next64() % 2 == 0;
      for (int i = 0; i < 3; ++i) series.steps.push_back(Events());
      metric.series = {series, series};
      evidence.metrics.push_back(metric);
    }
    evidence.paired.push_back({"pairs", {7, 9, 11}, 1 + Fraction()});
    return evidence;
  }

 private:
  // In (0, 1), with all 53 bits at random.
  double Fraction() { return (static_cast<double>(rng_.Next64() >> 11U) + 0.5) * 0x1p-53; }

  StepUnits Units() {
    return {.share = *BasisPoints::From(static_cast<int>(rng_.Next64() % 10'001)),
            .label_probability = Fraction(),
            .canary_units = 100'000 + rng_.Next64() % 1000,
            .units = 1'000'000 + rng_.Next64() % 1000};
  }
  StepEvents Events() {
    StepEvents events;
    events.null_ratio = 1 + Fraction();
    events.canary_events = 1000 + rng_.Next64() % 1000;
    events.events = 5000 + rng_.Next64() % 1000;
    if (rng_.Next64() % 2 == 0) return events;
    events.closed.canary[3] = rng_.Next64() % 100;
    events.closed.active[15] = rng_.Next64() % 100;
    events.judged = {.requests = 8, .repeat_share = Fraction() / 10};
    events.canary_early = rng_.Next64() % 900;
    events.early = 1000;
    events.canary_judged = 5000;
    return events;
  }

  SeededRng rng_;
};

TEST(EvidenceWriter, WhatIsWrittenIsReadBackToTheLastBit) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    const Evidence evidence = AnyEvidence(seed).Make();
    ASSERT_TRUE(Check(evidence)) << Describe(Check(evidence).error());
    const Result<Evidence> read = ParseEvidence(ToJson(evidence));
    ASSERT_TRUE(read) << Describe(read.error());
    EXPECT_EQ(*read, evidence);
    EXPECT_EQ(ToJson(*Judge(*read)), ToJson(*Judge(evidence)));
  }
}

TEST(EvidenceWriter, EveryShareIsReadBack) {
  Evidence evidence;
  evidence.steps.resize(1);
  for (int points = 0; points <= 10'000; points += 7) {
    evidence.next_share = *BasisPoints::From(points);
    const Result<Evidence> read = ParseEvidence(ToJson(evidence));
    ASSERT_TRUE(read) << points;
    ASSERT_EQ(read->next_share, evidence.next_share);
  }
}

// The label probability follows from the share where it is left out, so that a written one, however
// odd, must win over it.
TEST(EvidenceWriter, AWrittenZeroIsNotLeftOut) {
  Evidence evidence;
  evidence.steps = {{.share = *BasisPoints::From(500), .label_probability = 0}};
  const Result<Evidence> read = ParseEvidence(ToJson(evidence));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->steps[0].label_probability, 0);
}

}  // namespace
}  // namespace podium::rollout
