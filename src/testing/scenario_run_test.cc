// A story that is not true must say so: every expectation is seen to fail here.
#include "testing/scenario_run.h"

#include <gtest/gtest.h>

#include "store/memory_store.h"
#include "testing/scenario_parse.h"

namespace podium::testing::scenario {
namespace {

// Lines 1 to 8: m1 primary, m2 canary at 20 %, revision 4.
constexpr std::string_view kBeginning =
    "register iris v1 as m1\n"
    "register iris v2 as m2\n"
    "activate m1\n"
    "canary m2 at 20%\n"
    "note canary salt of iris as salt\n"
    "note revision of m2 as seen\n"
    "remember choices of iris for sessions u0..u99\n"
    "after 5s\n";

std::string Outcome(std::string_view line) {
  const auto scenario = ParseScenario("s.pod", std::string(kBeginning) + std::string(line));
  EXPECT_TRUE(scenario) << line << ": " << scenario.error().message;
  SimClock clock;
  SeededRng rng(1);
  return RunScenario(*scenario, {"memory", clock,
                                 [&] { return std::make_unique<store::MemoryStore>(clock, rng); }});
}

TEST(RunScenario, WhatIsTrueIsSilent) {
  constexpr const char* kWholeRoute =
      "expect route iris primary m1 canary m2 share 20% previous nobody policy fixed revision seen";
  for (const char* line :
       {kWholeRoute, "expect roles iris m2 canary 20% m1 primary",
        "expect canary salt of iris is salt", "expect nobody moved", "expect audit 4 rows",
        "expect share of m2 within 5%..40% for sessions u0..u99",
        "expect fails 400 \"primary of route iris already\" when promote m1"}) {
    EXPECT_EQ(Outcome(line), "") << line;
  }
}

TEST(RunScenario, WhatIsNotTrueIsTold) {
  struct Case {
    const char* line;
    const char* says;
  };
  const Case cases[] = {
      {"promote m9", "s.pod:9 on memory: expected this to be done, got there is no version m9"},
      {"canary m9 at 5%", "expected this to be done, got"},
      {"expect revision 5", "s.pod:9 on memory: expected revision 5, got 4"},
      {"expect route iris primary m2", "expected route iris primary m2, got m1"},
      {"expect route iris canary nobody", "expected route iris canary nobody, got m2"},
      {"expect route iris share 5%", "share 5%, got 20%"},
      {"expect route iris previous m2", "previous m2, got nobody"},
      {"expect route iris policy ab", "policy ab, got fixed"},
      {"expect route iris sticky user", "sticky user, got session"},
      {"expect route iris revision 1", "revision 1, got 4"},
      {"expect route roses primary m1", "there is no route roses"},
      {"expect version m2 status shadow", "expected version m2 status shadow, got canary"},
      {"expect version m2 share 0%", "share 0%, got 20%"},
      {"expect version m2 route roses", "got iris"},
      {"expect version m2 name x", "got iris"},
      {"expect version m2 version v1", "got v2"},
      {"expect version m2 provider x", "got local"},
      {"expect version m2 parent m1", "got nobody"},
      {"expect version m2 created 1s", "got 0s"},
      {"expect version m2 updated 1s", "got 0s"},
      {"expect version m9 status shadow", "m9"},
      {"expect roles iris m1 primary",
       "expected roles of iris: m1 primary, got m1 primary, m2 canary 20%"},
      {"expect roles iris m1 primary m2 canary 5%", "got m1 primary, m2 canary 20%"},
      {"expect roles iris none", "got m1 primary"},
      {"expect arms iris m2 5%", "expected arms of iris: m2 5%, got none"},
      {"expect no route iris", "expected no route iris, got one"},
      {"expect no version m1", "expected no version m1, got one"},
      {"expect nothing changed", "expected the last act to change nothing"},
      {"expect canary salt of iris is none", "expected the canary salt of iris to be none, got"},
      {"expect canary salt of iris is not salt", "to be another than"},
      {"expect salt of iris is salt", "expected the salt of iris to be"},
      {"expect audit 3 rows", "expected audit rows: 3, got 4"},
      {"expect audit newest promote", "expected the newest audit row's kind promote, got ramp"},
      {"expect audit newest ramp from m1", "from m1, got nobody"},
      {"expect audit newest ramp to m1", "to m1, got m2"},
      {"expect audit newest ramp by ann", "by ann, got local"},
      {"expect audit newest ramp because \"x\"", "because x, got "},
      {"expect audit newest ramp before 5%", "before 5%, got 0%"},
      {"expect audit newest ramp after 5%", "after 5%, got 20%"},
      {"expect audit newest ramp at 5s", "at 5s, got 0s"},
      {"expect audit newest ramp undoes 3", "undoes 3, got nothing"},
      {"expect audit newest ramp revision 3", "revision 3, got 4"},
      {"expect event newest podium.canary.ended",
       "expected the newest event's type podium.canary.ended, got podium.canary.changed"},
      {"expect choose iris session u0 -> nobody", "expected the choice to be nobody, got m"},
      {"expect choose iris version m2 -> m1", "expected the choice to be m1, got m2"},
      {"expect choose iris version m2 -> m2 because canary", "because canary, got override"},
      {"expect choose iris version m2 -> m2 bucket 100", "bucket 100, got "},
      {"expect choose iris version m2 -> m2 fine 10000", "fine 10000, got "},
      {"expect choose iris version m2 -> m2 propensity 5%", "propensity 5%, got 100%"},
      {"expect choose iris version m2 -> m2 sticky yes", "sticky yes, got no"},
      {"expect choose iris session s version m2 -> m2 sticky no", "sticky no, got yes"},
      {"expect choose iris version m2 -> m2 generation 3", "generation 3, got 4"},
      {"expect choose roses -> m1", "expected route roses in the routing table, got none"},
      {"expect all sessions u0..u99 on iris -> m1", "to be m1, got m2"},
      {"expect share of m2 within 0%..1% for sessions u0..u99",
       "expected the share of m2 within 0%..1%, got "},
      {"expect share of m2 within 99%..100% for sessions u0..u99", "of 100 sessions"},
      {"expect moves only to m2", "expected moves only to m2, got nobody moved"},
      {"canary m2 at 90%\nexpect nobody moved",
       "s.pod:10 on memory: expected nobody to move, got u"},
      {"canary m2 at 90%\nexpect moves only from m2 to m1", "moved from m1 to m2"},
      {"canary m2 at 0%\nexpect moves only to m2", "moved from m2 to m1"},
      {"expect set aside m2 \"older\"", "expected set aside: m2 \"older\", got: nothing"},
      {"suppose m2 is primary\nexpect nothing set aside",
       "got: m2: is primary beside the older m1"},
      {"suppose m2 is primary\nexpect set aside m2 \"newer\"", "got: m2: is primary beside"},
      {"suppose m9 is primary", "nothing is called m9: it cannot be supposed otherwise"},
      {"expect fails 409 \"is\" when promote m1",
       "expected 409 \"is\", got 400 \"version m1 is the primary"},
      {"expect fails 400 \"was\" when promote m1", "expected 400 \"was\", got 400"},
      {"expect fails 400 \"is\" when promote m2", "expected a refusal with 400, got it done"},
  };
  for (const Case& c : cases) {
    const std::string outcome = Outcome(c.line);
    EXPECT_NE(outcome.find(c.says), std::string::npos) << c.line << "\n  gives " << outcome;
  }
}

TEST(RunScenario, NothingIsTriedAfterTheFirstFailure) {
  EXPECT_EQ(Outcome("expect revision 9\npromote m9"),
            "s.pod:9 on memory: expected revision 9, got 4");
}

// The store says that it did what it did not do, or the other way round.
class LyingStore final : public store::RegistryStore {
 public:
  enum class Lie { kSecondPrimary, kCutAudit, kRevisionOfARefusal };
  LyingStore(Lie lie, Clock& clock, Rng& rng) : lie_(lie), inner_(clock, rng) {}

  Result<store::Committed> Apply(const store::Mutation& mutation,
                                 const store::MutationContext& context) override {
    return inner_.Apply(mutation, context);
  }
  Result<Revision> ReadRevision() override {
    if (lie_ == Lie::kRevisionOfARefusal) return Revision(++asked_);
    return inner_.ReadRevision();
  }
  Result<store::TableDelta> ReadTable(Revision since) override {
    PODIUM_TRY_ASSIGN(store::TableDelta table, inner_.ReadTable(since));
    for (ModelVersion& row : table.versions) {
      if (lie_ == Lie::kSecondPrimary) row.status = VersionStatus::kPrimary;
    }
    return table;
  }
  Result<store::RouteState> ReadRoute(const RouteName& route) override {
    return inner_.ReadRoute(route);
  }
  Result<store::RouteAt> ReadRouteAt(const RouteName& route,
                                     const store::HistoryPoint& point) override {
    return inner_.ReadRouteAt(route, point);
  }
  Result<store::RouteStanding> ReadStanding(const RouteName& route,
                                            const store::HistoryPoint& point) override {
    return inner_.ReadStanding(route, point);
  }
  Result<ModelVersion> FindVersion(const ModelId& id) override { return inner_.FindVersion(id); }
  Result<store::Page<ModelVersion>> ListVersions(const store::VersionQuery& query) override {
    return inner_.ListVersions(query);
  }
  Result<store::Page<Promotion>> ListPromotions(const store::PromotionQuery& query) override {
    return inner_.ListPromotions(query);
  }
  Result<bool> RaiseEpoch(const store::SeenHistory& seen, const std::string& by) override {
    return inner_.RaiseEpoch(seen, by);
  }
  Result<std::int64_t> ReadNewestEvent() override { return inner_.ReadNewestEvent(); }
  Result<std::vector<store::OutboxEvent>> ReadOutbox(std::int64_t after, int limit) override {
    return inner_.ReadOutbox(after, limit);
  }
  Result<store::AuditVerdict> VerifyAudit() override {
    PODIUM_TRY_ASSIGN(store::AuditVerdict verdict, inner_.VerifyAudit());
    if (lie_ == Lie::kCutAudit) --verdict.rows;
    return verdict;
  }

 private:
  Lie lie_;
  std::int64_t asked_ = 0;
  store::MemoryStore inner_;
};

std::string OutcomeOf(LyingStore::Lie lie, std::string_view text) {
  SimClock clock;
  SeededRng rng(1);
  return RunScenario(
      *ParseScenario("s.pod", text),
      {"lies", clock, [&] { return std::make_unique<LyingStore>(lie, clock, rng); }});
}

// Invariants 1 and 2 are looked at after every act, whatever the story expects.
TEST(RunScenario, AStoreThatBreaksAnInvariantIsFoundOut) {
  const char* two = "register iris v1 as m1\nregister iris v2 as m2";
  EXPECT_EQ(OutcomeOf(LyingStore::Lie::kSecondPrimary, two),
            "s.pod:2 on lies: invariant 1: route iris has a second primary, m2");
  EXPECT_EQ(OutcomeOf(LyingStore::Lie::kCutAudit, two),
            "s.pod:1 on lies: invariant 2: 0 audit rows at revision 1");
  EXPECT_EQ(OutcomeOf(LyingStore::Lie::kRevisionOfARefusal,
                      "expect fails 404 \"no version\" when promote m1"),
            "s.pod:1 on lies: expected a refusal to leave revision 1, got 2");
}

}  // namespace
}  // namespace podium::testing::scenario
