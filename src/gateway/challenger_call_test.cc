// Champion and challenger on classical calls (requirement D4).
#include "gateway/challenger_call.h"

#include <gtest/gtest.h>

#include <latch>

#include "gateway/shadow_world_fixture.h"

namespace podium::gateway {
namespace {

std::shared_ptr<PlayedModel> Playing(float factor = 1) {
  return std::make_shared<PlayedModel>(factor);
}

std::shared_ptr<PlayedModel> Broken() {
  auto model = Playing();
  model->before = []() -> Status { return Fail(ErrorCode::kInternal, "unlucky"); };
  return model;
}

const ChallengerRecord& BothOf(const predictions::Record& record) {
  static const ChallengerRecord kNone;
  EXPECT_TRUE(record.row.challenger);
  return record.row.challenger ? *record.row.challenger : kNone;
}

std::vector<WatchedVersion> Both(const std::shared_ptr<PlayedModel>& champion,
                                 const std::shared_ptr<PlayedModel>& challenger) {
  return {{"v1", VersionStatus::kPrimary, champion}, {"v2", VersionStatus::kShadow, challenger}};
}

// u in [0, 1): the challenger's from 1 - weight on. Both ends of the weight are certain.
TEST(TakesChallenger, FromOneMinusTheWeightOn) {
  struct Case {
    double u;
    int weight_bp;
    bool want;
  };
  const Case cases[] = {{0.8999, 1000, false}, {0.9, 1000, true},     {0.99, 1000, true},
                        {0, 0, false},         {0.9999999, 0, false}, {0, 10'000, true},
                        {0.5, 5000, true},     {0.4999, 5000, false}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.u);
    EXPECT_EQ(TakesChallenger(c.u, *BasisPoints::From(c.weight_bp)), c.want);
  }
}

// Both predict on every call; whose answer is given, only the draw decides.
TEST(ChallengerCall, BothAreAskedOneAnswers) {
  for (const int weight : {0, 10'000}) {
    SCOPED_TRACE(weight);
    const bool theirs = weight > 0;
    const auto champion = Playing(1);
    const auto challenger = Playing(2);
    ShadowWorld world(Both(champion, challenger), std::nullopt, Against("v2", weight));
    const net::Response answer = world.Ask(R"({"rows": [[3]]})");
    world.AwaitPool();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(ParseJson(answer.body)->at("predictions"), Json::parse(theirs ? "[6.0]" : "[3.0]"));
    EXPECT_EQ(HeaderIn(answer, "x-podium-version"), theirs ? "v2" : "v1");
    EXPECT_EQ(HeaderIn(answer, "x-podium-reason"), theirs ? "challenger" : "primary");
    EXPECT_EQ(HeaderIn(answer, "x-podium-canary"), "false");
    EXPECT_EQ(champion->runs, 1);
    EXPECT_EQ(challenger->runs, 1);
    const auto records = world.Records(1);
    ASSERT_EQ(records.size(), 1U);
    const ChallengerRecord& record = BothOf(*records[0]);
    EXPECT_EQ(record.choice, theirs ? ChallengerChoice::kChallenger : ChallengerChoice::kChampion);
    EXPECT_EQ(record.champion.version, "id-v1");
    EXPECT_EQ(record.challenger.version, "id-v2");
    EXPECT_EQ(record.weight, weight / 10'000.0);
    EXPECT_EQ(records[0]->row.scores, std::vector<double>{theirs ? 6.0 : 3.0});
    EXPECT_EQ(records[0]->row.assigned, "id-v1");
    EXPECT_EQ(records[0]->row.served, theirs ? "id-v2" : "id-v1");
    EXPECT_EQ(record.champion.scores, std::vector<double>{3.0});
    EXPECT_EQ(record.champion.outcome, SideOutcome::kAnswered);
    EXPECT_EQ(record.challenger.scores, std::vector<double>{6.0});
    EXPECT_EQ(record.challenger.outcome, SideOutcome::kAnswered);
    EXPECT_TRUE(record.champion.latency && record.challenger.latency);
    EXPECT_EQ(record.agrees, false);
    ASSERT_TRUE(records[0]->answer && records[0]->other_answer);
    EXPECT_EQ(ParseJson(records[0]->answer->bytes)->at("predictions")[0], theirs ? 6.0 : 3.0);
    EXPECT_EQ(ParseJson(records[0]->other_answer->bytes)->at("predictions")[0], theirs ? 3.0 : 6.0);
    EXPECT_EQ(world.Stats("v2").plain.total(), theirs ? 1U : 0U);
    EXPECT_EQ(world.Stats("v1").plain.total(), 1U) << "its failures are counted as well";
    EXPECT_EQ(world.Stats("v1").not_served, 0U) << "it was asked";
  }
}

// A challenger that fails, cannot be asked or does not come in time costs the caller no answer, and
// the record says what happened.
TEST(ChallengerCall, TheChampionAnswersForWhoCannot) {
  struct Case {
    const char* name;
    std::shared_ptr<PlayedModel> challenger;
    ChallengerChoice want;
    SideOutcome outcome;
  };
  const Case cases[] = {
      {"failed", Broken(), ChallengerChoice::kFailed, SideOutcome::kFailed},
      {"not ready", nullptr, ChallengerChoice::kBusy, SideOutcome::kNotAsked},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    ShadowWorld world(Both(Playing(), c.challenger), std::nullopt, Against("v2", 10'000));
    const net::Response answer = world.Ask();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(HeaderIn(answer, "x-podium-version"), "v1");
    EXPECT_EQ(HeaderIn(answer, "x-podium-reason"), "primary");
    EXPECT_EQ(world.Choices("v2", c.want), 1U);
    const auto records = world.Records(1);
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(BothOf(*records[0]).choice, c.want);
    EXPECT_EQ(BothOf(*records[0]).challenger.outcome, c.outcome);
    EXPECT_FALSE(records[0]->other_answer);
  }
}

// The deadline ends the wait, not the challenger: its end still makes the record.
TEST(ChallengerCall, LateIsTheChampions) {
  std::latch go(1);
  const auto slow = Playing(2);
  slow->before = [&go]() -> Status {
    go.wait();
    return {};
  };
  ChallengerPlan plan = Against("v2", 10'000);
  plan.deadline = std::chrono::milliseconds(1);
  // The champion is measured first, so that it runs on the core and not behind the challenger.
  ShadowWorld world(Both(Playing(), nullptr), std::nullopt);
  (void)world.Ask();
  (void)world.Records(1);
  world.Publish(Both(Playing(), slow), std::nullopt, plan);
  const net::Response answer = world.Ask();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(HeaderIn(answer, "x-podium-version"), "v1");
  EXPECT_EQ(world.Choices("v2", ChallengerChoice::kLate), 1U);
  EXPECT_TRUE(world.Records().empty()) << "it still runs";
  go.count_down();
  world.AwaitPool();
  const auto records = world.Records(1);
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(BothOf(*records[0]).choice, ChallengerChoice::kLate);
  EXPECT_EQ(BothOf(*records[0]).challenger.outcome, SideOutcome::kAnswered);
}

/// Waits for `go` in its run.
std::shared_ptr<PlayedModel> HeldBack(std::latch& go, float factor = 1) {
  auto model = Playing(factor);
  model->before = [&go]() -> Status {
    go.wait();
    return {};
  };
  return model;
}

// A champion whose lane is full costs no caller an answer that the challenger has.
TEST(ChallengerCall, TheChallengerAnswersThoughTheChampionHasNoPlace) {
  for (const bool fails : {false, true}) {
    SCOPED_TRACE(fails);
    std::latch go(1);
    const auto champion = HeldBack(go);
    InferenceLanes::Options lanes;
    lanes.at_once = 1;
    lanes.waiting = 1;
    ShadowWorld world(Both(champion, nullptr), std::nullopt, std::nullopt, lanes);
    const auto runs = world.Begin();
    const auto waits = world.Begin();
    world.AwaitQueue(1);
    world.Publish(Both(champion, fails ? Broken() : Playing(2)), std::nullopt,
                  Against("v2", 10'000));
    const auto call = world.Begin();
    world.AwaitQueue(2);
    go.count_down();
    for (const auto* each : {&runs, &waits, &call}) (*each)->answered.wait();
    EXPECT_EQ(call->response.status, fails ? 503 : 200);
    EXPECT_EQ(HeaderIn(call->response, "Retry-After"), fails ? "1" : "-");
    EXPECT_EQ(HeaderIn(call->response, "x-podium-version"), fails ? "v1" : "v2");
    EXPECT_EQ(world.Stats("v1").plain.total(), 2U) << "the third has not asked it";
    EXPECT_EQ(world.Stats("v1").not_served, fails ? 0U : 1U);
    EXPECT_EQ(world.Stats("v2").plain.total(), fails ? 0U : 1U);
    const auto won = fails ? ChallengerChoice::kFailed : ChallengerChoice::kChallenger;
    EXPECT_EQ(world.Choices("v2", won), 1U);
    const auto records = world.Records(3);
    ASSERT_EQ(records.size(), 3U);
    int both = 0;
    for (const auto& record : records) {
      if (!record->row.challenger) continue;
      ++both;
      EXPECT_EQ(record->row.challenger->champion.outcome, SideOutcome::kNotAsked);
      EXPECT_EQ(record->row.challenger->challenger.outcome, SideOutcome::kAnswered);
    }
    EXPECT_EQ(both, fails ? 0 : 1);
  }
}

// A server that stops does not wait for challengers that nobody waits for.
TEST(ChallengerCall, WhatWaitsWhenTheServerStopsIsNotAsked) {
  std::latch go(1);
  const auto champion = Playing();
  const auto slow = HeldBack(go, 2);
  ShadowWorld world(Both(champion, nullptr), std::nullopt);
  (void)world.Ask();
  (void)world.Records(1);
  world.Publish(Both(champion, slow), std::nullopt, Against("v2", 0));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(world.Ask().status, 200);
  while (slow->runs == 0) world.AwaitCore();
  world.EndInference();
  go.count_down();
  world.AwaitPool();
  EXPECT_EQ(slow->runs, 1) << "the one that ran already";
  const auto records = world.Records(3);
  ASSERT_EQ(records.size(), 3U);
  int asked = 0;
  for (const auto& record : records) {
    asked += BothOf(*record).challenger.outcome == SideOutcome::kNotAsked ? 0 : 1;
  }
  EXPECT_EQ(asked, 1);
}

// What a late challenger has cost the caller is no latency of the champion.
TEST(ChallengerCall, TheWaitIsNotTheChampions) {
  ChallengerPlan plan = Against("v2", 10'000);
  plan.deadline = std::chrono::milliseconds(1);
  ShadowWorld world(Both(Playing(), nullptr), std::nullopt);
  (void)world.Ask();
  const auto slow = Playing(2);
  slow->before = [&world]() -> Status {
    world.AwaitCore();  // The champion has ended.
    world.clock().Advance(std::chrono::seconds(30));
    return {};
  };
  world.Publish(Both(Playing(), slow), std::nullopt, plan);
  EXPECT_EQ(HeaderIn(world.Ask(), "x-podium-version"), "v1");
  world.AwaitPool();
  EXPECT_LT(world.Stats("v1").plain.latency.Quantile(1.0), std::chrono::seconds(1));
}

// Nobody waits for a challenger whose answer was not drawn.
TEST(ChallengerCall, AChampionsCallDoesNotWait) {
  std::latch go(1);
  const auto slow = Playing(2);
  slow->before = [&go]() -> Status {
    go.wait();
    return {};
  };
  const auto champion = Playing();
  ShadowWorld world(Both(champion, nullptr), std::nullopt);
  (void)world.Ask();
  (void)world.Records(1);
  world.Publish(Both(champion, slow), std::nullopt, Against("v2", 0));
  EXPECT_EQ(world.Ask().status, 200);
  EXPECT_TRUE(world.Records().empty());
  go.count_down();
  world.AwaitPool();
  EXPECT_EQ(world.Records(1).size(), 1U);
}

// The champion fails and the challenger's answer was drawn: the caller has an answer, and the
// failure is the champion's.
TEST(ChallengerCall, TheChallengerAnswersThoughTheChampionFails) {
  ShadowWorld world(Both(Broken(), Playing(2)), std::nullopt, Against("v2", 10'000));
  const net::Response answer = world.Ask();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(HeaderIn(answer, "x-podium-version"), "v2");
  EXPECT_EQ(world.Stats("v1").plain.outcomes[static_cast<std::size_t>(view::Outcome::kError)], 1U);
  EXPECT_EQ(world.Stats("v2").plain.outcomes[static_cast<std::size_t>(view::Outcome::kOk)], 1U);
  const auto records = world.Records(1);
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(BothOf(*records[0]).champion.outcome, SideOutcome::kFailed);
  EXPECT_EQ(records[0]->row.outcome, PredictionOutcome::kOk) << "the caller has an answer";
}

// A champion error is returned where the champion was drawn.
TEST(ChallengerCall, AChampionsErrorIsReturned) {
  ShadowWorld world(Both(Broken(), Playing(2)), std::nullopt, Against("v2", 0));
  EXPECT_EQ(world.Ask().status, 500);
  world.AwaitPool();
  const auto records = world.Records(1);
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(BothOf(*records[0]).choice, ChallengerChoice::kChampion);
  EXPECT_EQ(records[0]->row.outcome, PredictionOutcome::kError);
}

// Off: it stays loaded and is not called. None: the champion alone.
TEST(ChallengerCall, OffOrNoneIsTheChampionAlone) {
  const auto challenger = Playing(2);
  ChallengerPlan off = Against("v2", 10'000);
  off.testing = false;
  for (const auto& plan : {std::optional(off), std::optional<ChallengerPlan>()}) {
    ShadowWorld world(Both(Playing(), challenger), std::nullopt, plan);
    EXPECT_EQ(HeaderIn(world.Ask(), "x-podium-version"), "v1");
    world.AwaitPool();
    const auto records = world.Records(1);
    ASSERT_EQ(records.size(), 1U);
    EXPECT_FALSE(records[0]->row.challenger) << "nobody was asked beside it";
  }
  EXPECT_EQ(challenger->runs, 0);
}

// One that has become primary is nobody's challenger any more.
TEST(ChallengerCall, ThePrimaryIsNotItsOwnChallenger) {
  const auto two = Playing(2);
  ShadowWorld world(
      {{"v1", VersionStatus::kShadow, Playing()}, {"v2", VersionStatus::kPrimary, two}},
      std::nullopt, Against("v2", 10'000));
  EXPECT_EQ(HeaderIn(world.Ask(), "x-podium-reason"), "primary");
  EXPECT_EQ(two->runs, 1);
}

// Sticky: a session gets the same choice each time, and about as many do as the weight says.
TEST(ChallengerCall, StickyIsOfTheUnit) {
  ChallengerPlan plan = Against("v2", 3000);
  plan.sticky = true;
  ShadowWorld world(Both(Playing(), Playing()), std::nullopt, plan);
  int theirs = 0;
  for (int i = 0; i < 300; ++i) {
    const std::string header = fmt::format("X-Session-Id: s{}\r\n", i);
    const auto served = [&] {
      return HeaderIn(world.Ask(R"({"rows": [[1]]})", header), "x-podium-version");
    };
    const std::string first = served();
    EXPECT_EQ(served(), first);
    theirs += first == "v2" ? 1 : 0;
  }
  EXPECT_GT(theirs, 50);
  EXPECT_LT(theirs, 130);
}

// Not sticky: the dice, about as the weight says.
TEST(ChallengerCall, WithoutStickinessTheDiceDecide) {
  ShadowWorld world(Both(Playing(), Playing()), std::nullopt, Against("v2", 3000));
  int theirs = 0;
  for (int i = 0; i < 400; ++i) {
    const std::string served =
        HeaderIn(world.Ask(R"({"rows": [[1]]})", "X-Session-Id: same\r\n"), "x-podium-version");
    theirs += served == "v2" ? 1 : 0;
  }
  EXPECT_GT(theirs, 75);
  EXPECT_LT(theirs, 165);
}

}  // namespace
}  // namespace podium::gateway
