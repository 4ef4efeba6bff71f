// Copies of classical calls, as the gateway makes them (requirements D1, D2; invariant 9).
#include <gtest/gtest.h>

#include "gateway/shadow_world_fixture.h"

namespace podium::gateway {
namespace {

std::shared_ptr<PlayedModel> Played(float factor = 1) {
  return std::make_shared<PlayedModel>(factor);
}

std::shared_ptr<PlayedModel> Failing() {
  auto model = Played();
  model->before = []() -> Status { return Fail(ErrorCode::kInternal, "unlucky"); };
  return model;
}

std::vector<WatchedVersion> Watched(const std::shared_ptr<PlayedModel>& shadow) {
  return {{"v1", VersionStatus::kPrimary, Played()}, {"v2", VersionStatus::kShadow, shadow}};
}

// INV-9: whatever the shadow does (nothing at all yet, another answer, an error), the caller gets
// the same bytes, and gets them before the shadow was asked.
TEST(ShadowCall, Inv9TheAnswerIsAsIfNobodyWatched) {
  ShadowWorld alone({{"v1", VersionStatus::kPrimary, Played()}}, std::nullopt);
  const std::string body = alone.Ask().body;
  const net::Response plain = alone.Ask(R"({"rows": [[3]]})", "X-Request-Id: a\r\n");
  for (const auto& [name, shadow] :
       {std::pair<const char*, std::shared_ptr<PlayedModel>>("same", Played()),
        {"other", Played(2)},
        {"failing", Failing()}}) {
    SCOPED_TRACE(name);
    ShadowWorld world(Watched(shadow), CopiesOf(10'000));
    EXPECT_EQ(world.Ask().body, body);
    EXPECT_EQ(shadow->runs, 0) << "the answer has not waited for it";
    const net::Response answer = world.Ask(R"({"rows": [[3]]})", "X-Request-Id: a\r\n");
    EXPECT_EQ(answer.body, plain.body);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(HeaderIn(answer, "x-podium-version"), "v1");
    EXPECT_EQ(HeaderIn(answer, "x-podium-reason"), "primary");
    EXPECT_EQ(HeaderIn(answer, "x-podium-attempts"), "1");
    EXPECT_EQ(world.RunCopies(), 2);
    EXPECT_EQ(shadow->runs, 2);
    EXPECT_EQ(world.Stats("v2").any(), false) << "a copy is no call of that version";
    EXPECT_EQ(world.Stats("v1").plain.total(), 2U);
  }
}

TEST(ShadowCall, CountsWhatBothMadeOfIt) {
  struct Case {
    const char* name;
    std::shared_ptr<PlayedModel> shadow;
    std::uint64_t agreed, disagreed, errors;
  };
  const Case cases[] = {{"the same answer", Played(), 1, 0, 0},
                        {"another answer", Played(2), 0, 1, 0},
                        {"no answer", Failing(), 0, 0, 1}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    ShadowWorld world(Watched(c.shadow), CopiesOf(10'000));
    EXPECT_EQ(world.Ask().status, 200);
    world.RunCopies();
    const view::ShadowCounts counts = world.Counts("v2");
    EXPECT_EQ(counts.total_requests, 1U);
    EXPECT_EQ(counts.sampled_requests, 1U);
    EXPECT_EQ(counts.pairs, 1U);
    EXPECT_EQ(counts.agreed, c.agreed);
    EXPECT_EQ(counts.disagreed, c.disagreed);
    EXPECT_EQ(counts.challenger_errors, c.errors);
    EXPECT_EQ(counts.only_challenger_failed, c.errors);
  }
}

// What the primary fails on is a pair too; what the caller got wrong is none.
TEST(ShadowCall, PrimarysFailureIsAPairCallersMistakeIsNone) {
  const auto primary = Failing();
  ShadowWorld world(
      {{"v1", VersionStatus::kPrimary, primary}, {"v2", VersionStatus::kShadow, Played()}},
      CopiesOf(10'000));
  EXPECT_EQ(world.Ask().status, 500);
  world.RunCopies();
  EXPECT_EQ(world.Counts("v2").only_champion_failed, 1U);
  EXPECT_EQ(world.Ask(R"({"rows": "none"})").status, 400);
  world.RunCopies();
  EXPECT_EQ(world.Counts("v2").pairs, 1U);
  EXPECT_EQ(world.lane().waiting(), 0U) << "nothing is left open";
}

// The sample is of units, reproducible, about as large as asked for, and not the canary's.
TEST(ShadowCall, SamplesByTheUnit) {
  const auto shadow = Played();
  ShadowWorld world(Watched(shadow), CopiesOf(2500));
  int sampled = 0;
  for (int i = 0; i < 400; ++i) {
    const std::string header = fmt::format("X-Session-Id: s{}\r\n", i);
    const auto copies = [&] {
      const std::uint64_t before = world.Counts("v2").sampled_requests;
      (void)world.Ask(R"({"rows": [[1]]})", header);
      world.RunCopies();
      return world.Counts("v2").sampled_requests - before;
    };
    const std::uint64_t first = copies();
    EXPECT_EQ(copies(), first) << "the same session, the same answer to the question";
    sampled += static_cast<int>(first);
  }
  EXPECT_GT(sampled, 70);
  EXPECT_LT(sampled, 130);
  EXPECT_EQ(world.Counts("v2").total_requests, 800U);
}

TEST(ShadowCall, SampleIsIndependentOfTheCanarysBucket) {
  routing::CompiledRoute route;
  route.salt = route.canary_salt = "salt";
  int both = 0;
  int canary = 0;
  for (int i = 0; i < 4000; ++i) {
    const std::string unit = fmt::format("u{}", i);
    const bool in_canary =
        routing::BucketOf(routing::Layer::kCanary, route.canary_salt, unit).fine < 2000;
    canary += in_canary ? 1 : 0;
    both += in_canary && view::InShadowSample(route, *BasisPoints::From(2000), unit) ? 1 : 0;
  }
  EXPECT_NEAR(both, canary * 0.2, 60) << "a fifth of them, five sigma";
}

// D2: who has become primary does not watch itself, and the one that it replaced goes on watching.
TEST(ShadowCall, NobodyWatchesItself) {
  const auto one = Played();
  const auto two = Played();
  ShadowWorld world({{"v1", VersionStatus::kPrimary, one}, {"v2", VersionStatus::kShadow, two}},
                    CopiesOf(10'000));
  (void)world.Ask();
  world.RunCopies();
  world.Publish({{"v1", VersionStatus::kShadow, one}, {"v2", VersionStatus::kPrimary, two}},
                CopiesOf(10'000));
  (void)world.Ask();
  world.RunCopies();
  EXPECT_EQ(world.Counts("v2").sampled_requests, 1U);
  EXPECT_EQ(world.Counts("v1").sampled_requests, 1U);
  EXPECT_EQ(two->runs, 2);
}

// Copies tell of the primary: what somebody chose by hand, or a canary answers, says nothing of it.
TEST(ShadowCall, OnlyThePrimarysOwnCallsAreCopied) {
  const auto shadow = Played();
  ShadowWorld world({{"v1", VersionStatus::kPrimary, Played()},
                     {"c", VersionStatus::kCanary, Played(), 10'000},
                     {"v2", VersionStatus::kShadow, shadow}},
                    CopiesOf(10'000));
  EXPECT_EQ(HeaderIn(world.Ask(), "x-podium-version"), "c");
  EXPECT_EQ(world.Ask(R"({"rows": [[1]]})", "X-Podium-Model-Version: v1\r\n").status, 200);
  EXPECT_EQ(world.RunCopies(), 0);
  EXPECT_EQ(world.Counts("v2").total_requests, 0U);
}

TEST(ShadowCall, NothingIsCopiedWhenItIsOffOrNobodyIsReady) {
  const auto shadow = Played();
  for (const auto& [plan, model] :
       {std::pair(std::optional(CopiesOf(0)), shadow),
        {std::optional<ShadowPlan>(), shadow},
        {std::optional(CopiesOf(10'000)), std::shared_ptr<PlayedModel>()}}) {
    ShadowWorld world(Watched(model), plan);
    EXPECT_EQ(world.Ask().status, 200);
    EXPECT_EQ(world.RunCopies(), 0);
  }
}

// A plan may name whom it means.
TEST(ShadowCall, ThePlanMayNameItsShadows) {
  ShadowPlan plan = CopiesOf(10'000);
  plan.versions = {ModelId("id-v3")};
  ShadowWorld world({{"v1", VersionStatus::kPrimary, Played()},
                     {"v2", VersionStatus::kShadow, Played()},
                     {"v3", VersionStatus::kShadow, Played()}},
                    plan);
  (void)world.Ask();
  EXPECT_EQ(world.RunCopies(), 1);
  EXPECT_EQ(world.Counts("v3").pairs, 1U);
  EXPECT_EQ(world.Counts("v2").total_requests, 0U);
}

std::shared_ptr<PlayedModel> Wide() { return std::make_shared<PlayedModel>(1.0F, 8); }

std::string RowsOf(std::size_t rows) {
  std::string body = R"({"rows": [[1,1,1,1,1,1,1,1])";
  for (std::size_t i = 1; i < rows; ++i) body += ",[1,1,1,1,1,1,1,1]";
  return body + "]}";
}

// INV-16: at the limit answers are compared, beyond it the pair counts and agreement is not judged.
TEST(ShadowCall, Inv16LargeAnswersAreNotCompared) {
  constexpr std::size_t kMost = ShadowWorld::kMostAnswerBytes / sizeof(float) / 8;
  ShadowWorld world(
      {{"v1", VersionStatus::kPrimary, Wide()}, {"v2", VersionStatus::kShadow, Wide()}},
      CopiesOf(10'000));
  EXPECT_EQ(world.Ask(RowsOf(kMost)).status, 200);
  world.RunCopies();
  EXPECT_EQ(world.Counts("v2").agreed, 1U);
  EXPECT_EQ(world.Counts("v2").too_large, 0U);
  EXPECT_EQ(world.Ask(RowsOf(kMost + 1)).status, 200);
  world.RunCopies();
  const view::ShadowCounts counts = world.Counts("v2");
  EXPECT_EQ(counts.pairs, 2U);
  EXPECT_EQ(counts.agreed, 1U);
  EXPECT_EQ(counts.disagreed, 0U);
  EXPECT_EQ(counts.too_large, 1U);
  EXPECT_EQ(counts.only_challenger_failed, 0U);
}

// INV-16: at the limit a call is copied, beyond it the call is served all the same.
TEST(ShadowCall, Inv16LargeCallsAreNotCopied) {
  constexpr std::size_t kColumns = 8;
  constexpr std::size_t kMost = limits::kMaxShadowInputBytes / sizeof(float) / kColumns;
  ShadowWorld world(
      {{"v1", VersionStatus::kPrimary, Wide()}, {"v2", VersionStatus::kShadow, Wide()}},
      CopiesOf(10'000));
  EXPECT_EQ(world.Ask(RowsOf(kMost)).status, 200);
  EXPECT_EQ(world.RunCopies(), 1);
  EXPECT_EQ(world.Ask(RowsOf(kMost + 1)).status, 200);
  EXPECT_EQ(world.RunCopies(), 0);
  EXPECT_EQ(world.Counts("v2").shed[static_cast<std::size_t>(view::ShadowShed::kSize)], 1U);
}

// Full is full: copies are shed, calls are not.
TEST(ShadowCall, ShedsCopiesNotCalls) {
  ShadowWorld world(Watched(Played()), CopiesOf(10'000));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(world.Ask().status, 200);
  EXPECT_EQ(world.Counts("v2").shed_total(), 12U) << "the lane of this world has eight places";
  EXPECT_EQ(world.RunCopies(), 8);
  EXPECT_EQ(world.Counts("v2").pairs, 8U);
}

}  // namespace
}  // namespace podium::gateway
