// An explanation is worth something only if it says what the gateway does, and why.
#include "routing/explain.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "routing/rows_for_test.h"

namespace podium::routing {
namespace {

RequestIds InSession(std::string_view id) { return {id, {}, "r", false}; }

std::shared_ptr<const CompiledRoute> CompiledAsIs(const Route& route,
                                                  std::vector<ModelVersion> versions) {
  return CompileRoute({route, std::move(versions)}, {}).route;
}

// What Choose says of a table made by chance, canary or arms, is what Explain says, with runs that
// cover every bucket once.
TEST(Explain, SaysWhatChooseSaysForRandomTablesAndKeys) {
  SeededRng rng(20'261'121);
  const auto below = [&](int bound) {
    return static_cast<int>(rng.Next64() % static_cast<std::uint64_t>(bound));
  };
  int reasons[5] = {};
  for (int table = 0; table < 200; ++table) {
    RouteRow row;
    row.Salt(RandomToken(rng, 8)).CanarySalt(RandomToken(rng, 8));
    std::vector<ModelVersion> versions;
    if (below(5) != 0) versions.push_back(Primary("a"));
    if (below(2) == 0) {
      versions.push_back(Canary("b", below(BasisPoints::kWhole + 1)));
    } else {
      row.Ab();
      for (int arm = below(4); arm > 0; --arm) {
        const std::string id = "arm" + std::to_string(arm);
        versions.push_back(Arm(id));
        row.WithArm(id, below(3000));
      }
    }
    const auto route = CompiledAsIs(row, versions);
    for (int key = 0; key < 5; ++key) {
      const std::string unit = RandomToken(rng, 1 + below(20));
      const Explanation said = Explain(*route, Generation(7), InSession(unit));
      const Decision chosen = Choose(*route, Generation(7), InSession(unit));
      ASSERT_EQ(said.decision.version, chosen.version);
      ASSERT_EQ(said.decision.reason, chosen.reason);
      ASSERT_EQ(said.decision.bucket.hash, chosen.bucket.hash);
      ASSERT_EQ(said.decision.propensity, chosen.propensity);
      ASSERT_EQ(BucketOf(said.input.layer, said.input.salt, said.unit.value).hash,
                chosen.bucket.hash);
      ASSERT_EQ(said.runs[said.hit].version, chosen.version);
      ASSERT_EQ(said.runs[said.hit].reason, chosen.reason);
      ASSERT_LE(said.runs[said.hit].begin, chosen.bucket.fine);
      ASSERT_GT(said.runs[said.hit].end, chosen.bucket.fine);
      ++reasons[static_cast<int>(chosen.reason)];
      int next = 0;
      for (const BucketRun& run : said.runs) {
        ASSERT_EQ(run.begin, next);
        ASSERT_GT(run.end, run.begin);
        next = run.end;
      }
      ASSERT_EQ(next, BasisPoints::kWhole);
    }
  }
  for (const Reason reason :
       {Reason::kPrimary, Reason::kCanary, Reason::kArm, Reason::kNoPrimary}) {
    EXPECT_GT(reasons[static_cast<int>(reason)], 10) << NameOf(reason);
  }
}

// "At 27 % this key would be canary" must be so at 27 %, and not a basis point before.
TEST(Explain, TheShareFromWhichAUnitIsCanaryIsExact) {
  SeededRng rng(3);
  for (int i = 0; i < 200; ++i) {
    const std::string unit = RandomToken(rng, 12);
    const auto at = [&](int share) {
      const auto route = CompiledAsIs(RouteRow(), {Primary("a"), Canary("b", share)});
      return Explain(*route, Generation(1), InSession(unit));
    };
    const std::optional<BasisPoints> from = at(500).canary_from;
    ASSERT_TRUE(from);
    EXPECT_EQ(at(0).canary_from, from) << "a share of 0 has the same salt";
    EXPECT_TRUE(at(from->value()).decision.canary());
    EXPECT_FALSE(at(from->value() - 1).decision.canary());
  }
}

TEST(Explain, WithoutACanaryNoShareIsNamed) {
  const auto plain = CompiledAsIs(RouteRow().CanarySalt(""), {Primary("a")});
  const Explanation said = Explain(*plain, Generation(1), InSession("alice"));
  EXPECT_FALSE(said.canary_from);
  EXPECT_EQ(said.input.salt, "arms-salt") << "the route's own";
  EXPECT_EQ(said.runs.size(), 1u);
  const auto split = CompiledAsIs(RouteRow().WithArm("x", 1000), {Primary("a"), Arm("x")});
  EXPECT_FALSE(Explain(*split, Generation(1), InSession("alice")).canary_from);
}

TEST(Explain, TheUnitIsTheOneThatTheRouteSticksTo) {
  const auto route = CompiledAsIs(RouteRow(), {Primary("a"), Canary("b", 500)});
  EXPECT_EQ(Explain(*route, Generation(1), InSession("s")).unit.kind, UnitKind::kSession);
  const Explanation bare = Explain(*route, Generation(1), {{}, {}, "r-1", false});
  EXPECT_EQ(bare.unit.kind, UnitKind::kRequest);
  EXPECT_EQ(bare.unit.value, "r-1");
}

// `podium explain --request` replays with the id of the unit alone: a keyless request must come out
// as it did.
TEST(Explain, AKeylessRequestIsThePrimarysAtAnyShare) {
  const auto route =
      CompiledAsIs(RouteRow().RollingOut(SplitUnit::kSession), {Primary("a"), Canary("b", 10'000)});
  const Explanation keyless = Explain(*route, Generation(1), {{}, {}, "r-1", false});
  EXPECT_TRUE(keyless.decision.keyless);
  EXPECT_EQ(keyless.decision.reason, Reason::kPrimary);
  EXPECT_EQ(keyless.unit.value, "r-1");
  EXPECT_FALSE(keyless.canary_from);
  const Explanation keyed = Explain(*route, Generation(1), InSession("s"));
  EXPECT_TRUE(keyed.decision.canary());
  EXPECT_TRUE(keyed.canary_from);
}

}  // namespace
}  // namespace podium::routing
