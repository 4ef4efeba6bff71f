// Requirements D1 and D2 through the library, on executors and a clock that the test holds.
#include <podium/shadow_runner.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "embed/ports_fixture.h"

namespace podium::v1 {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;
using Scored = ShadowOutcome<std::string>;
using Model = std::function<Result<std::string>()>;

Result<std::string> Refused() {
  return tl::unexpected<Error>({ErrorCode::kUnavailable, "the model is gone", ""});
}

class Shadow : public ::testing::Test {
 protected:
  ShadowOptions Options() {
    ShadowOptions options;
    options.executor = executor_.port();
    options.clock = clock_;
    options.random = random_;
    return options;
  }
  /// On an executor that runs the work before it returns.
  ShadowOptions AtOnce() {
    ShadowOptions options = Options();
    options.executor = [](const std::function<void()>& work) { work(); };
    return options;
  }
  static ShadowRunner Make(ShadowOptions options) {
    return ShadowRunner::Create(std::move(options)).value();
  }

  /// A model that takes its time.
  Model Says(std::string what, milliseconds takes = milliseconds(0)) {
    return [this, what = std::move(what), takes]() -> Result<std::string> {
      ++calls_[what];
      clock_->Advance(takes);
      return what;
    };
  }
  auto Keep() {
    return [this](const Scored& outcome) { told_.push_back(outcome); };
  }

  std::shared_ptr<HandClock> clock_ = std::make_shared<HandClock>();
  std::shared_ptr<HandRandom> random_ = std::make_shared<HandRandom>();
  HandExecutor executor_;
  std::map<std::string, int> calls_;
  std::vector<Scored> told_;
};

TEST_F(Shadow, TheCallerHasTheAnswerBeforeTheChallengerIsThrough) {
  ShadowRunner runner = Make(Options());
  const auto answer = runner.RunShadow(Says("champion", milliseconds(10)),
                                       Says("challenger", milliseconds(25)), Keep());
  EXPECT_EQ(answer.value(), "champion");
  EXPECT_EQ(clock_->SteadyNow(), SteadyTime(milliseconds(10)));
  EXPECT_EQ(calls_["challenger"], 0);
  EXPECT_TRUE(told_.empty());

  executor_.RunAll();
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_[0].champion_output, "champion");
  EXPECT_EQ(told_[0].challenger_output, "challenger");
  EXPECT_EQ(told_[0].latency_delta, milliseconds(15));
  EXPECT_TRUE(told_[0].sampled);
  EXPECT_FALSE(told_[0].challenger_error);
  EXPECT_EQ(runner.total_requests(), 1U);
  EXPECT_EQ(runner.sampled_requests(), 1U);
  EXPECT_EQ(runner.challenger_errors(), 0U);
}

// A quicker challenger must not have the caller make the callback.
TEST_F(Shadow, WhenTheChallengerIsThroughFirstTheCallbackStillGoesToTheExecutor) {
  ShadowRunner runner = Make(Options());
  const auto answer = runner.RunShadow(
      [&]() -> Result<std::string> {
        executor_.RunAll();
        return Says("champion", milliseconds(30))();
      },
      Says("challenger", milliseconds(10)), Keep());
  EXPECT_EQ(answer.value(), "champion");
  EXPECT_TRUE(told_.empty());
  executor_.RunAll();
  ASSERT_EQ(told_.size(), 1U);
  // The challenger ran inside the champion, who took its time too.
  EXPECT_EQ(told_[0].latency_delta, milliseconds(10 - 40));
}

TEST_F(Shadow, TheBlockingFormHasBoth) {
  ShadowRunner runner = Make(AtOnce());
  const Result<Scored> both = runner.RunShadowAndWait(Says("champion", milliseconds(30)),
                                                      Says("challenger", milliseconds(10)));
  ASSERT_TRUE(both);
  EXPECT_EQ(both->champion_output, "champion");
  EXPECT_EQ(both->challenger_output, "challenger");
  EXPECT_EQ(both->latency_delta, milliseconds(-20));
  EXPECT_TRUE(both->sampled);
}

TEST_F(Shadow, WhoeverFails) {
  const Model throws = []() -> Result<std::string> { throw std::runtime_error("out of tensors"); };
  const Model throws_a_number = []() -> Result<std::string> { throw 42; };
  struct Case {
    const char* name;
    Model champion;
    Model challenger;
    bool answered;
    std::uint64_t challenger_errors;
    const char* told;  // Of the challenger; null: nobody is told.
  };
  const Case cases[] = {
      {"nobody", Says("a"), Says("b"), true, 0, ""},
      {"the challenger", Says("a"), Refused, true, 1, "the model is gone"},
      {"it throws", Says("a"), throws, true, 1, "out of tensors"},
      {"it throws a number", Says("a"), throws_a_number, true, 1, "no std::exception"},
      {"the champion", Refused, Says("b"), false, 0, nullptr},
      {"both", Refused, throws, false, 1, nullptr},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    ShadowRunner runner = Make(Options());
    ShadowRunner waiting = Make(AtOnce());
    told_.clear();
    const Result<std::string> answer = runner.RunShadow(c.champion, c.challenger, Keep());
    executor_.RunAll();
    const Result<Scored> both = waiting.RunShadowAndWait(c.champion, c.challenger);
    for (const ShadowRunner* each : {&runner, &waiting}) {
      EXPECT_EQ(each->total_requests(), 1U);
      EXPECT_EQ(each->sampled_requests(), 1U);
      EXPECT_EQ(each->challenger_errors(), c.challenger_errors);
      EXPECT_EQ(each->shed_requests(), 0U);
    }
    ASSERT_EQ(answer.has_value(), c.answered);
    ASSERT_EQ(both.has_value(), c.answered);
    if (!c.answered) {
      EXPECT_EQ(answer.error().message, "the model is gone");
      EXPECT_EQ(both.error().message, "the model is gone");
    }
    ASSERT_EQ(told_.size(), c.told == nullptr ? 0U : 1U);
    if (c.told == nullptr) continue;
    for (const Scored& outcome : {told_[0], *both}) {
      EXPECT_EQ(outcome.challenger_output.has_value(), c.challenger_errors == 0);
      EXPECT_EQ(outcome.challenger_error.has_value(), c.challenger_errors == 1);
      if (outcome.challenger_error)
        EXPECT_THAT(outcome.challenger_error->message, HasSubstr(c.told));
      EXPECT_EQ(outcome.latency_delta, milliseconds(0));
    }
  }
}

TEST_F(Shadow, WhatTheChampionThrowsLeavesTheCall) {
  ShadowRunner runner = Make(Options());
  const Model throws = []() -> Result<std::string> { throw std::runtime_error("mine"); };
  EXPECT_THROW(static_cast<void>(runner.RunShadow(throws, Says("b"), Keep())), std::runtime_error);
  executor_.RunAll();
  EXPECT_TRUE(told_.empty());
  runner.Drain();  // Nothing is left behind.
  ShadowRunner waiting = Make(AtOnce());
  EXPECT_THROW(static_cast<void>(waiting.RunShadowAndWait(throws, Says("b"))), std::runtime_error);
}

TEST_F(Shadow, WhatTheCallbackThrowsIsDropped) {
  for (const double rate : {0.0, 1.0}) {
    ShadowOptions options = Options();
    options.rate = rate;
    ShadowRunner runner = Make(options);
    const auto answer = runner.RunShadow(Says("a"), Says("b"), [](const Scored&) { throw 42; });
    EXPECT_EQ(answer.value(), "a");
    executor_.RunAll();
    runner.Drain();
  }
}

TEST_F(Shadow, SamplesAFraction) {
  struct Case {
    double rate;
    std::uint64_t least;
    std::uint64_t most;
  };
  // Of 2,000: six standard deviations around the rate.
  for (const Case& c : {Case{0.0, 0, 0}, {0.25, 384, 616}, {1.0, 2000, 2000}}) {
    SCOPED_TRACE(c.rate);
    ShadowOptions options = AtOnce();
    options.rate = c.rate;
    ShadowRunner runner = Make(options);
    told_.clear();
    calls_.clear();
    for (int i = 0; i < 2000; ++i) {
      ASSERT_TRUE(runner.RunShadow(Says("champion"), Says("challenger"), Keep()));
    }
    EXPECT_EQ(runner.total_requests(), 2000U);
    EXPECT_GE(runner.sampled_requests(), c.least);
    EXPECT_LE(runner.sampled_requests(), c.most);
    EXPECT_EQ(static_cast<std::uint64_t>(calls_["challenger"]), runner.sampled_requests());
    ASSERT_EQ(told_.size(), 2000U) << "each request once, sampled or not";
    std::uint64_t sampled = 0;
    for (const Scored& outcome : told_) {
      sampled += outcome.sampled ? 1U : 0U;
      EXPECT_EQ(outcome.challenger_output.has_value(), outcome.sampled);
    }
    EXPECT_EQ(sampled, runner.sampled_requests());
  }
}

TEST_F(Shadow, TheSameRandomDrawsTheSameSample) {
  std::vector<std::vector<bool>> samples(2);
  for (std::vector<bool>& sample : samples) {
    ShadowOptions options = AtOnce();
    options.rate = 0.5;
    options.random = std::make_shared<HandRandom>();
    ShadowRunner runner = Make(options);
    for (int i = 0; i < 100; ++i) {
      sample.push_back(runner.RunShadowAndWait(Says("a"), Says("b"))->sampled);
    }
  }
  EXPECT_EQ(samples[0], samples[1]);
}

TEST_F(Shadow, BeyondTheLimitTheChallengerIsShedFirst) {
  ShadowOptions options = Options();
  options.max_pending = 2;
  ShadowRunner runner = Make(options);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(runner.RunShadow(Says("a"), Says("b"), Keep()).value(), "a");
  }
  ASSERT_EQ(told_.size(), 3U) << "at once, there is nothing to wait for";
  for (const Scored& outcome : told_) {
    EXPECT_TRUE(outcome.sampled);
    EXPECT_FALSE(outcome.challenger_output);
    EXPECT_EQ(outcome.challenger_error->code, ErrorCode::kLimited);
  }
  EXPECT_EQ(runner.sampled_requests(), 5U);
  EXPECT_EQ(runner.shed_requests(), 3U);
  EXPECT_EQ(runner.challenger_errors(), 0U);

  executor_.RunAll();
  EXPECT_EQ(calls_["b"], 2);
  EXPECT_EQ(told_.size(), 5U);
  EXPECT_TRUE(runner.RunShadow(Says("a"), Says("b"), Keep()));
  EXPECT_EQ(executor_.waiting(), 1U) << "the places are free again";
}

TEST_F(Shadow, AnExecutorThatDropsOrThrowsShedsTheChallengerAlone) {
  struct Case {
    const char* name;
    Executor executor;
  };
  const Case cases[] = {
      {"drops", [](const auto&) {}},
      {"throws", [](const auto&) { throw std::runtime_error("the pool is closed"); }},
      {"throws a number", [](const auto&) { throw 42; }},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    told_.clear();
    ShadowOptions options = Options();
    options.executor = c.executor;
    options.max_pending = 1;
    ShadowRunner runner = Make(options);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(runner.RunShadow(Says("a"), Says("b"), Keep()).value(), "a");
      const Result<Scored> both = runner.RunShadowAndWait(Says("a"), Says("b"));
      EXPECT_EQ(both.value().challenger_error->code, ErrorCode::kLimited) << "it does not hang";
    }
    EXPECT_EQ(runner.shed_requests(), 6U);
    EXPECT_EQ(told_.size(), 3U);
    EXPECT_EQ(calls_["b"], 0);
    runner.Drain();
  }
}

TEST_F(Shadow, AnExecutorMayOutliveTheRunner) {
  bool kept = true;
  {
    ShadowRunner runner = Make(Options());
    ASSERT_TRUE(runner.RunShadow(Says("a"), Says("b"), [&kept](const Scored&) { kept = false; }));
  }
  executor_.RunAll();
  EXPECT_EQ(calls_["b"], 0) << "nothing that was passed in is called any more";
  EXPECT_TRUE(kept);
}

TEST_F(Shadow, OptionsOutsideTheirRangeAreErrors) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  static Registry registry = Registry::InMemory().value();
  struct Case {
    const char* name;
    std::function<void(ShadowOptions&)> change;
    const char* where;  // Null: it is allowed.
  };
  const Case cases[] = {
      {"as they are", [](ShadowOptions&) {}, nullptr},
      {"rate 0", [](auto& o) { o.rate = 0.0; }, nullptr},
      {"rate below", [](auto& o) { o.rate = -0.001; }, "rate"},
      {"rate above", [](auto& o) { o.rate = 1.001; }, "rate"},
      {"rate NaN", [](auto& o) { o.rate = std::numeric_limits<double>::quiet_NaN(); }, "rate"},
      {"rate infinite", [](auto& o) { o.rate = kInfinity; }, "rate"},
      {"rate minus infinite", [](auto& o) { o.rate = -kInfinity; }, "rate"},
      {"no thread", [](auto& o) { o.threads = 0; }, "threads"},
      {"most threads", [](auto& o) { o.threads = 64; }, nullptr},
      {"one more", [](auto& o) { o.threads = 65; }, "threads"},
      {"no place", [](auto& o) { o.max_pending = 0; }, "max_pending"},
      {"most places", [](auto& o) { o.max_pending = 65'536; }, nullptr},
      {"one more place", [](auto& o) { o.max_pending = 65'537; }, "max_pending"},
      {"a candidate without a name", [](auto& o) { o.registry = &registry; }, "candidate"},
      {"a candidate",
       [](auto& o) {
         o.registry = &registry;
         o.candidate = Version("m2");
       },
       nullptr},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    ShadowOptions options = Options();
    c.change(options);
    const auto made = ShadowRunner::Create(options);
    ASSERT_EQ(made.has_value(), c.where == nullptr);
    if (made) continue;
    EXPECT_EQ(made.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(made.error().where, c.where);
  }
}

/// A runner whose candidate is version m2 of a registry in which m1 is the primary.
class ShadowCandidateOf : public Shadow {
 protected:
  ShadowCandidateOf() {
    EXPECT_TRUE(registry_.Register(Version("m1")));
    EXPECT_TRUE(registry_.Activate("m1"));
  }
  ShadowOptions WithCandidate(ShadowOptions options) {
    options.registry = &registry_;
    options.candidate = Version("m2");
    return options;
  }
  void Run(ShadowRunner& runner) {
    EXPECT_EQ(runner.RunShadow(Says("a"), Says("b"), Keep()).value(), "a");
  }
  static RegistryOptions On(const std::shared_ptr<HandClock>& clock) {
    RegistryOptions options;
    options.clock = clock;
    return options;
  }

  Registry registry_ = Registry::InMemory(On(clock_)).value();
};

TEST_F(ShadowCandidateOf, AThousandRunsMakeOnePromotableRowOffTheRequestPath) {
  ShadowRunner runner = Make(WithCandidate(Options()));
  Run(runner);
  EXPECT_EQ(registry_.List("ranker")->size(), 1U) << "not while the caller waits";
  executor_.RunAll();
  EXPECT_EQ(registry_.List("ranker")->size(), 2U);
  for (int i = 0; i < 999; ++i) {
    Run(runner);
    executor_.RunAll();
  }
  ShadowRunner second = Make(WithCandidate(AtOnce()));  // As after a restart.
  Run(second);
  EXPECT_EQ(registry_.List("ranker")->size(), 2U);
  EXPECT_EQ(registry_.History("ranker")->size(), 3U) << "two registrations, an activation";
  EXPECT_EQ(runner.registration_trouble(), "");
  EXPECT_EQ(second.registration_trouble(), "");
  EXPECT_TRUE(registry_.Promote("m2")->active) << "promotable, with no canary before";
}

TEST_F(ShadowCandidateOf, WithoutASampleNothingIsRegistered) {
  ShadowOptions options = WithCandidate(AtOnce());
  options.rate = 0.0;
  ShadowRunner runner = Make(options);
  Run(runner);
  EXPECT_EQ(registry_.List("ranker")->size(), 1U);
}

TEST_F(ShadowCandidateOf, ARowThatIsThereKeepsItsStatus) {
  ASSERT_TRUE(registry_.Register(Version("m2")));
  ASSERT_TRUE(registry_.SetCanary("ranker", "m2", 0.25));
  ShadowRunner runner = Make(WithCandidate(AtOnce()));
  Run(runner);
  EXPECT_EQ(runner.registration_trouble(), "");
  EXPECT_EQ(registry_.Pin().SplitOf("ranker")->canary->id, "m2");
  EXPECT_EQ(registry_.Pin().SplitOf("ranker")->canary_weight, 0.25);
}

TEST_F(ShadowCandidateOf, APromotedCandidateIsNotItsOwnShadow) {
  ShadowRunner runner = Make(WithCandidate(AtOnce()));
  Run(runner);
  ASSERT_EQ(calls_["b"], 1);
  ASSERT_TRUE(registry_.Promote("m2"));
  told_.clear();
  for (int i = 0; i < 10; ++i) Run(runner);
  EXPECT_EQ(calls_["b"], 1);
  EXPECT_EQ(runner.sampled_requests(), 1U);
  EXPECT_EQ(told_.size(), 10U);
  EXPECT_FALSE(told_[0].sampled);
  ASSERT_TRUE(registry_.RollBack("ranker"));
  Run(runner);
  EXPECT_EQ(calls_["b"], 2) << "a challenger again";
}

TEST_F(ShadowCandidateOf, AFailedRegistrationTouchesNoCallAndIsTriedAgain) {
  ASSERT_TRUE(registry_.Register(Version("m3")));
  ShadowOptions options = WithCandidate(AtOnce());
  options.candidate.id = "m3";  // Another version's id.
  ShadowRunner runner = Make(options);
  Run(runner);
  EXPECT_THAT(runner.registration_trouble(), HasSubstr("m3"));
  EXPECT_EQ(calls_["b"], 1) << "it is compared all the same";
  EXPECT_EQ(runner.challenger_errors(), 0U);

  ASSERT_TRUE(registry_.Delete("m3"));
  clock_->Advance(std::chrono::minutes(1) - milliseconds(1));
  Run(runner);
  EXPECT_THAT(runner.registration_trouble(), Not(HasSubstr("deleted"))) << "not before its time";
  clock_->Advance(milliseconds(1));
  Run(runner);
  EXPECT_THAT(runner.registration_trouble(), HasSubstr("deleted")) << "an id is never used twice";
}

TEST_F(ShadowCandidateOf, ADroppedRegistrationIsTriedAgain) {
  ShadowRunner runner = Make(WithCandidate(Options()));
  Run(runner);
  executor_.DropAll();
  EXPECT_THAT(runner.registration_trouble(), HasSubstr("dropped"));
  Run(runner);
  executor_.RunAll();
  EXPECT_EQ(registry_.List("ranker")->size(), 1U) << "not before its time";
  clock_->Advance(std::chrono::minutes(1));
  Run(runner);
  executor_.RunAll();
  EXPECT_EQ(registry_.List("ranker")->size(), 2U);
  EXPECT_EQ(runner.registration_trouble(), "");
}

TEST(RegisterShadow, IsIdempotentAndTakesNoTraffic) {
  Registry registry = Registry::InMemory().value();
  NewVersion version = Version("m1");
  version.id.clear();
  const Result<ModelVersion> first = registry.RegisterShadow(version);
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->active);
  EXPECT_EQ(registry.Pin().Choose("ranker", {"s", {}, {}}).version, nullptr);
  version.metrics = {{"auc", 0.5}};
  const Result<ModelVersion> again = registry.RegisterShadow(version);
  EXPECT_EQ(again->id, first->id);
  EXPECT_TRUE(again->metrics.empty()) << "the row stays as it is";
  version.id = "another-id";
  EXPECT_EQ(registry.RegisterShadow(version).error().code, ErrorCode::kConflict);
  EXPECT_EQ(registry.RegisterShadow(Version("", "a/b")).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace podium::v1
