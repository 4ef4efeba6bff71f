// What a call leaves in the log when it takes long, costs money, or ends badly after its 200.
#include "gateway/logged_call.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "testing/sim_clock.h"

namespace podium::gateway {
namespace {

class LoggedCallTest : public ::testing::Test {
 protected:
  LoggedCallTest() {
    policy_.all.log = true;
    policy_.all.payloads = predictions::Payloads::kAll;
  }
  LoggedCall Begun() {
    LoggedCall call(log_, policy_.all, clock_, clock_.SteadyNow(), 0.5);
    view::AnsweredRequest facts;
    facts.request_id = "q";
    facts.route = "chat";
    call.Describe(facts, 0.25, "v2", "v2");
    return call;
  }

  testing::SimClock clock_;
  SeededRng rng_{1};
  predictions::LoggingPolicy policy_;
  predictions::CoreLog log_{policy_, rng_};
};

TEST_F(LoggedCallTest, AStreamIsLoggedWithItsPiecesItsTimeAndItsCost) {
  LoggedCall call = Begun();
  clock_.Advance(std::chrono::milliseconds(5));
  call.TakeAnswer("data: a\n\n");
  call.TakeAnswer("data: b\n\n");
  call.AddAttempt(AttemptStatus::kError, NanoUsd{100});
  call.AddAttempt(AttemptStatus::kOk, NanoUsd{50});
  call.End(200);
  call.End(200);
  const auto record = log_.Take();
  ASSERT_NE(record, nullptr);
  EXPECT_EQ(log_.Take(), nullptr);
  EXPECT_EQ(record->row.latency, std::chrono::milliseconds(5));
  EXPECT_EQ(record->row.cost, NanoUsd{150});
  EXPECT_EQ(record->row.keep, 0.5);
  EXPECT_EQ(record->row.propensity, 0.25);
  EXPECT_EQ(record->answer->bytes, "data: a\n\ndata: b\n\n");
  EXPECT_EQ(record->row.outcome, PredictionOutcome::kOk);
}

TEST_F(LoggedCallTest, ACostThatIsPartlyUnknownIsUnknown) {
  LoggedCall call = Begun();
  call.AddAttempt(AttemptStatus::kOk, NanoUsd{100});
  call.AddAttempt(AttemptStatus::kOk, std::nullopt);
  call.End(200);
  EXPECT_FALSE(log_.Take()->row.cost);
}

// The status of a stream was told before it broke.
TEST_F(LoggedCallTest, HowTheLastAttemptEndedDecidesBehindA200) {
  struct Case {
    AttemptStatus last;
    int status;
    PredictionOutcome want;
  };
  for (const Case& c : {Case{AttemptStatus::kOk, 200, PredictionOutcome::kOk},
                        Case{AttemptStatus::kError, 200, PredictionOutcome::kError},
                        Case{AttemptStatus::kTimeout, 200, PredictionOutcome::kTimeout},
                        Case{AttemptStatus::kCancelled, 200, PredictionOutcome::kRefused},
                        Case{AttemptStatus::kCancelled, 503, PredictionOutcome::kRefused},
                        Case{AttemptStatus::kError, 429, PredictionOutcome::kRefused},
                        Case{AttemptStatus::kOk, 500, PredictionOutcome::kError}}) {
    LoggedCall call = Begun();
    call.AddAttempt(c.last, NanoUsd{});
    call.End(c.status);
    EXPECT_EQ(log_.Take()->row.outcome, c.want) << c.status;
  }
}

// A challenger's answer that is given instead of the champion's, however that one ended.
TEST_F(LoggedCallTest, AReplacedAnswerLeavesNothingButItsCost) {
  LoggedCall call = Begun();
  call.TakeAnswer("champion");
  call.AddAttempt(AttemptStatus::kError, NanoUsd{100});
  call.ReplaceAnswer();
  call.TakeAnswer("challenger");
  call.End(200);
  const auto record = log_.Take();
  EXPECT_EQ(record->answer->bytes, "challenger");
  EXPECT_EQ(record->answer->size, 10U);
  EXPECT_EQ(record->row.outcome, PredictionOutcome::kOk);
  EXPECT_EQ(record->row.cost, NanoUsd{100});
}

TEST_F(LoggedCallTest, WhatWasNeverDecidedIsNotLogged) {
  LoggedCall call(log_, policy_.all, clock_, clock_.SteadyNow(), 1);
  call.End(404);
  EXPECT_EQ(log_.Take(), nullptr);
}

TEST_F(LoggedCallTest, HashedUnitsAreNotInTheRecord) {
  policy_.all.units = predictions::Units::kHashed;
  LoggedCall call(log_, policy_.all, clock_, clock_.SteadyNow(), 1);
  view::AnsweredRequest facts;
  facts.unit = "alice@example.com";
  call.Describe(facts, 1, "v", "v");
  call.End(200);
  EXPECT_EQ(log_.Take()->row.unit.find("alice"), std::string::npos);
}

}  // namespace
}  // namespace podium::gateway
