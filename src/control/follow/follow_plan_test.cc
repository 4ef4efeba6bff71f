#include "control/follow/follow_plan.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace podium::control {
namespace {

/// Facts about route "ads" that follows "ranker"; rows are labelled by their numbers.
class Facts {
 public:
  Facts() {
    facts_.route = RouteName("ads");
    facts_.follow.model = "ranker";
  }
  operator const FollowFacts&() const { return facts_; }  // NOLINT: reads better in a table.

  Facts&& Primary(int number) && {
    facts_.primary = Row(number, VersionStatus::kPrimary);
    return std::move(*this);
  }
  Facts&& Canary(int number, int share) && {
    ModelVersion* row = Row(number, VersionStatus::kCanary);
    row->share = *BasisPoints::From(share);
    facts_.canary = row;
    return std::move(*this);
  }
  /// A version that the model names; `has_row` false: the route has no such version.
  Facts&& Champion(int number, bool has_row = true, bool ready = true) && {
    facts_.champion = Candidate(number, has_row, ready);
    return std::move(*this);
  }
  Facts&& Challenger(int number, bool has_row = true, bool ready = true) && {
    facts_.challenger = Candidate(number, has_row, ready);
    return std::move(*this);
  }
  Facts&& Trouble(std::optional<FollowCandidate> FollowFacts::* whose, std::string why,
                  bool passes = false) && {
    (facts_.*whose)->trouble = FollowTrouble{std::move(why), passes, false};
    return std::move(*this);
  }
  Facts&& Retired(int number) && {
    Row(number, VersionStatus::kStandby)->status = VersionStatus::kRetired;
    return std::move(*this);
  }
  Facts&& With(void (*change)(FollowFacts&)) && {
    change(facts_);
    return std::move(*this);
  }

 private:
  ModelVersion* Row(int number, VersionStatus status) {
    for (const auto& row : rows_) {
      if (row->version == std::to_string(number)) return row.get();
    }
    ModelVersion& row = *rows_.emplace_back(std::make_shared<ModelVersion>());
    row.model_id = ModelId("id" + std::to_string(number));
    row.version = std::to_string(number);
    row.status = status;
    return &row;
  }
  FollowCandidate Candidate(int number, bool has_row, bool ready) {
    FollowCandidate candidate;
    candidate.number = number;
    candidate.ready = ready;
    if (has_row) candidate.row = Row(number, VersionStatus::kStandby);
    return candidate;
  }

  FollowFacts facts_;
  std::vector<std::shared_ptr<ModelVersion>> rows_;  // The facts point to them.
};

constexpr bool kNoRow = false;
constexpr bool kCold = false;

std::string StepText(const FollowPlan& plan) {
  std::string text(NameOf(plan.step.kind));
  if (plan.step.number != 0) text += " " + std::to_string(plan.step.number);
  return text;
}

struct PlanCase {
  const char* name;
  Facts facts;
  const char* step;
  view::FollowState state;
  const char* text;
};

void ExpectPlans(std::vector<PlanCase> cases) {
  for (const PlanCase& c : cases) {
    SCOPED_TRACE(c.name);
    const FollowPlan plan = PlanFollow(c.facts);
    EXPECT_EQ(StepText(plan), c.step);
    EXPECT_EQ(view::NameOf(plan.state), view::NameOf(c.state));
    EXPECT_EQ(plan.text, c.text);
  }
}

using enum view::FollowState;
constexpr auto kChampion = &FollowFacts::champion;
constexpr auto kChallenger = &FollowFacts::challenger;

// From nothing to serving, one step at a time; a version that is not READY never goes live.
TEST(PlanFollow, BringsTheChampionUp) {
  std::vector<PlanCase> cases;
  cases.push_back({"not registered here", Facts().Champion(3, kNoRow), "register 3", kWaiting,
                   "waiting for version 3 to load"});
  cases.push_back({"not loaded", Facts().Champion(3, true, kCold), "load 3", kWaiting,
                   "waiting for version 3 to load"});
  cases.push_back({"loaded", Facts().Champion(3), "promote 3", kWaiting,
                   "version 3 is about to be the primary"});
  cases.push_back({"serves", Facts().Primary(3).Champion(3), "nothing", kFollowing,
                   "version 3 is the champion"});
  cases.push_back({"serves, though not loaded here", Facts().Primary(3).Champion(3, true, kCold),
                   "nothing", kFollowing, "version 3 is the champion"});
  cases.push_back({"another serves meanwhile", Facts().Primary(2).Champion(3, true, kCold),
                   "load 3", kWaiting, "waiting for version 3 to load, 2 goes on"});
  ExpectPlans(std::move(cases));
}

TEST(PlanFollow, MakesTheChallengerACanary) {
  std::vector<PlanCase> cases;
  cases.push_back({"not registered here", Facts().Primary(3).Champion(3).Challenger(4, kNoRow),
                   "register 4", kWaiting,
                   "version 3 is the champion; waiting for version 4 to load"});
  cases.push_back({"loaded", Facts().Primary(3).Champion(3).Challenger(4), "set canary 4", kWaiting,
                   "version 3 is the champion; version 4 is about to be the canary"});
  cases.push_back({"in place", Facts().Primary(3).Canary(4, 500).Champion(3).Challenger(4),
                   "nothing", kFollowing,
                   "version 3 is the champion; version 4 is the challenger with 5 %"});
  cases.push_back({"with another share",
                   Facts().Primary(3).Canary(4, 400).Champion(3).Challenger(4), "set canary 4",
                   kWaiting, "version 3 is the champion; version 4 is about to be the canary"});
  cases.push_back({"less traffic needs no model",
                   Facts().Primary(3).Canary(4, 600).Champion(3).Challenger(4, true, kCold),
                   "set canary 4", kWaiting,
                   "version 3 is the champion; version 4 is about to be the canary"});
  cases.push_back({"more does",
                   Facts().Primary(3).Canary(4, 400).Champion(3).Challenger(4, true, kCold),
                   "load 4", kWaiting, "version 3 is the champion; waiting for version 4 to load"});
  cases.push_back({"before any champion", Facts().Challenger(4), "nothing", kWaiting,
                   "no version has alias champion or stage Production: nothing serves yet; version "
                   "4 waits for a champion to be beside"});
  cases.push_back({"the champion first", Facts().Primary(2).Champion(3).Challenger(4), "promote 3",
                   kWaiting,
                   "version 3 is about to be the primary; version 4 is about to be the canary"});
  cases.push_back({"who serves until the champion does",
                   Facts().Primary(3).Champion(4, true, kCold).Challenger(3), "load 4", kWaiting,
                   "waiting for version 4 to load, 3 goes on; version 3 serves until the champion "
                   "does"});
  ExpectPlans(std::move(cases));
}

// F3: what is not named any more loses its traffic at once; a champion is never left without one.
TEST(PlanFollow, TakesTrafficAway) {
  std::vector<PlanCase> cases;
  cases.push_back({"the challenger's stage is emptied",
                   Facts().Primary(3).Canary(4, 500).Champion(3), "end canary", kWaiting,
                   "version 4 is not the challenger any more; version 3 is the champion"});
  cases.push_back(
      {"before anything is loaded",
       Facts().Primary(2).Canary(4, 500).Champion(3, kNoRow).Challenger(5, kNoRow), "end canary",
       kWaiting,
       "version 4 is not the challenger any more; waiting for version 3 to load, 2 goes "
       "on; waiting for version 5 to load"});
  cases.push_back({"the canary becomes the champion", Facts().Primary(3).Canary(4, 500).Champion(4),
                   "promote 4", kWaiting, "version 4 is about to be the primary"});
  cases.push_back({"the champion's stage is emptied", Facts().Primary(3), "nothing", kWaiting,
                   "no version has alias champion or stage Production: version 3 stays"});
  cases.push_back({"the model is gone", Facts().Primary(3).Canary(4, 500).With([](FollowFacts& f) {
                     f.model_exists = false;
                   }),
                   "end canary", kBlocked,
                   "version 4 is not the challenger any more; there is no registered model ranker: "
                   "version 3 stays"});
  ExpectPlans(std::move(cases));
}

// A version that cannot be served must not be tried for ever, nor hold up what can be.
TEST(PlanFollow, LeavesAloneWhatCannotBeServed) {
  std::vector<PlanCase> cases;
  cases.push_back({"a bad champion",
                   Facts().Primary(2).Champion(3, kNoRow).Trouble(kChampion, "no such file"),
                   "nothing", kBlocked, "version 3 cannot be served: no such file, 2 goes on"});
  cases.push_back({"of the moment",
                   Facts().Champion(3).Trouble(kChampion, "the registry is away", true), "nothing",
                   kWaiting, "version 3 does not serve yet: the registry is away"});
  cases.push_back(
      {"its challenger all the same",
       Facts().Primary(2).Champion(3).Trouble(kChampion, "bad").Challenger(4), "set canary 4",
       kBlocked,
       "version 3 cannot be served: bad, 2 goes on; version 4 is about to be the canary"});
  cases.push_back(
      {"a bad challenger", Facts().Primary(3).Champion(3).Challenger(4).Trouble(kChallenger, "bad"),
       "nothing", kBlocked, "version 3 is the champion; version 4 cannot be served: bad"});
  cases.push_back(
      {"one that was retired here", Facts().Primary(2).Champion(3).Retired(3), "nothing", kBlocked,
       "version 3 cannot be served: it was retired on this route (`podium version delete "
       "ads@3` lets it come anew), 2 goes on"});
  ExpectPlans(std::move(cases));
}

// After a rollback a person has the route; the follower must not take it back.
TEST(PlanFollow, DoesNothingWhileItIsHeld) {
  const auto hold = [](FollowFacts& f) {
    f.follow.held = true;
    f.follow.held_because = "alice rolled back";
  };
  std::vector<PlanCase> cases;
  cases.push_back({"held", Facts().Primary(2).Canary(4, 5).Champion(3).With(hold), "nothing", kHeld,
                   "held: alice rolled back"});
  cases.push_back({"split by SQL",
                   Facts().Champion(3).With([](FollowFacts& f) { f.has_arms = true; }), "nothing",
                   kBlocked,
                   "the route is split into arms, which no champion can be beside: end the split"});
  ExpectPlans(std::move(cases));
}

/// A rollout of version `number`, as it stands in its row.
template <int kNumber, RolloutPhase kPhase = RolloutPhase::kRunning>
const Rollout* RolloutOfVersion() {
  static const Rollout kRollout = [] {
    Rollout rollout;
    rollout.id = RolloutId("ro7");
    rollout.candidate = ModelId("id" + std::to_string(kNumber));
    rollout.plan = DefaultPlan();
    rollout.phase = kPhase;
    rollout.epochs.resize(1);
    rollout.epochs[0].share = *BasisPoints::From(100);
    rollout.said = "it is worse";
    return rollout;
  }();
  return &kRollout;
}

void ByRollout(FollowFacts& facts) { facts.follow.on_champion = OnChampion::kRollout; }
void LeadsIn3(FollowFacts& facts) {
  ByRollout(facts);
  facts.rollout = RolloutOfVersion<3>();
}

// on_champion = rollout: the champion is led in, and whoever judges it is waited for.
TEST(PlanFollow, LeadsTheChampionIn) {
  std::vector<PlanCase> cases;
  cases.push_back({"the first one has nothing to be compared with",
                   Facts().Champion(3).With(ByRollout), "promote 3", kWaiting,
                   "version 3 is about to be the primary"});
  cases.push_back({"loaded first", Facts().Primary(2).Champion(3, true, kCold).With(ByRollout),
                   "load 3", kWaiting, "waiting for version 3 to load, 2 goes on"});
  cases.push_back({"loaded", Facts().Primary(2).Champion(3).With(ByRollout), "roll out 3", kWaiting,
                   "version 3 is about to be led in"});
  cases.push_back({"on its way", Facts().Primary(2).Canary(3, 100).Champion(3).With(LeadsIn3),
                   "nothing", kWaiting, "version 3 is led in by rollout ro7: step 1 of 4 (1 %)"});
  cases.push_back({"promoted", Facts().Primary(3).Champion(3).With(ByRollout), "nothing",
                   kFollowing, "version 3 is the champion"});
  cases.push_back({"whatever the route would do with the next one",
                   Facts().Primary(2).Canary(3, 100).Champion(3).With(
                       [](FollowFacts& f) { f.rollout = RolloutOfVersion<3>(); }),
                   "nothing", kWaiting, "version 3 is led in by rollout ro7: step 1 of 4 (1 %)"});
  ExpectPlans(std::move(cases));
}

// What did harm once is not tried again by itself.
TEST(PlanFollow, LeavesAVersionThatWasRolledBackAlone) {
  const auto rolled_back = [](FollowFacts& f) {
    ByRollout(f);
    f.vetoed = RolloutOfVersion<3, RolloutPhase::kRolledBack>();
  };
  const auto aborted = [](FollowFacts& f) {
    ByRollout(f);
    f.vetoed = RolloutOfVersion<3, RolloutPhase::kAborted>();
  };
  std::vector<PlanCase> cases;
  cases.push_back({"rolled back", Facts().Primary(2).Champion(3).With(rolled_back), "nothing",
                   kBlocked,
                   "version 3 is not led in again: rollout ro7 was rolled back (it is worse), 2 "
                   "goes on"});
  cases.push_back({"aborted", Facts().Primary(2).Champion(3).With(aborted), "nothing", kBlocked,
                   "version 3 is not led in again: rollout ro7 was aborted (it is worse), 2 goes "
                   "on"});
  cases.push_back({"its challenger all the same",
                   Facts().Primary(2).Champion(3).Challenger(4).With(rolled_back), "set canary 4",
                   kBlocked,
                   "version 3 is not led in again: rollout ro7 was rolled back (it is worse), 2 "
                   "goes on; version 4 is about to be the canary"});
  cases.push_back({"where it is promoted without one",
                   Facts().Primary(2).Champion(3).With([](FollowFacts& f) {
                     f.vetoed = RolloutOfVersion<3, RolloutPhase::kAborted>();
                   }),
                   "promote 3", kWaiting, "version 3 is about to be the primary"});
  ExpectPlans(std::move(cases));
}

// There is one canary: the rollout's goes first.
TEST(PlanFollow, TheChallengerWaitsForTheRollout) {
  std::vector<PlanCase> cases;
  cases.push_back(
      {"makes room", Facts().Primary(2).Canary(4, 500).Champion(3).Challenger(4).With(ByRollout),
       "end canary", kWaiting,
       "version 3 is about to be led in; version 4 waits until the champion is led in"});
  cases.push_back(
      {"not before it is needed",
       Facts().Primary(2).Canary(4, 500).Champion(3, true, kCold).Challenger(4).With(ByRollout),
       "load 3", kWaiting,
       "waiting for version 3 to load, 2 goes on; version 4 waits until the champion is led in"});
  cases.push_back({"meanwhile",
                   Facts().Primary(2).Canary(3, 100).Champion(3).Challenger(4).With(LeadsIn3),
                   "nothing", kWaiting,
                   "version 3 is led in by rollout ro7: step 1 of 4 (1 %); version 4 waits until "
                   "the champion is led in"});
  ExpectPlans(std::move(cases));
}

// Whoever is named now, what is on its way to another one is stopped.
TEST(PlanFollow, ARolloutOfAFormerChampionEnds) {
  std::vector<PlanCase> cases;
  cases.push_back({"another one is named",
                   Facts().Primary(2).Canary(3, 100).Champion(5).With(LeadsIn3), "abort rollout",
                   kWaiting,
                   "the version that is led in is not the champion any more; version 5 is about to "
                   "be led in"});
  cases.push_back({"the one that serves is named again",
                   Facts().Primary(2).Canary(3, 100).Champion(2).With(LeadsIn3), "abort rollout",
                   kWaiting,
                   "the version that is led in is not the champion any more; version 2 is the "
                   "champion"});
  ExpectPlans(std::move(cases));
}

// A step that was carried out must not come again.
TEST(PlanFollow, EachStepLeadsOn) {
  EXPECT_EQ(StepText(PlanFollow(Facts().Champion(1, kNoRow))), "register 1");
  EXPECT_EQ(StepText(PlanFollow(Facts().Champion(1, true, kCold))), "load 1");
  EXPECT_EQ(StepText(PlanFollow(Facts().Champion(1))), "promote 1");
  EXPECT_EQ(StepText(PlanFollow(Facts().Primary(1).Champion(1).Challenger(2, kNoRow))),
            "register 2");
  EXPECT_EQ(StepText(PlanFollow(Facts().Primary(1).Champion(1).Challenger(2, true, kCold))),
            "load 2");
  EXPECT_EQ(StepText(PlanFollow(Facts().Primary(1).Champion(1).Challenger(2))), "set canary 2");
  EXPECT_EQ(StepText(PlanFollow(Facts().Primary(1).Canary(2, 500).Champion(1).Challenger(2))),
            "nothing");
}

}  // namespace
}  // namespace podium::control
