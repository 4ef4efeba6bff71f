// Two registries, one sequence of random mutations: whatever the one says and keeps, the other must
// say and keep too, row by row and hash by hash.
#include <gtest/gtest.h>

#include <set>

#include "store/store_contract.h"

namespace podium::store {
namespace {

/// Mutations that are often possible and often not.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : rng_(seed) {}

  int Below(int bound) {
    return static_cast<int>(rng_.Next64() % static_cast<std::uint64_t>(bound));
  }
  bool OneIn(int n) { return Below(n) == 0; }

  Mutation NextMutation(const TableDelta& table) {
    live_.clear();
    route_ = RouteName(OneIn(2) ? "iris" : "roses");
    for (const ModelVersion& row : table.versions) {
      if (row.route == route_ && !row.deleted) live_.push_back(row.model_id);
    }
    switch (Below(13)) {
      case 0:
      case 1:
        return RegisterVersion{NewRow()};
      case 2:
        return ActivateVersion{AnyId()};
      case 3:
        return RetireVersion{AnyId()};
      case 4:
        return DeleteVersion{AnyId(), OneIn(3)};
      case 5:
      case 6:
        return PromoteVersion{AnyId()};
      case 7:
      case 8:
        return RollBackRoute{AnyRoute()};
      case 9:
      case 10:
        return SetCanary{AnyRoute(), AnyId(), OneIn(3) ? BasisPoints() : AnyShare()};
      case 11:
        return EndCanary{AnyRoute()};
      default:
        return AnyArms();
    }
  }

  MutationContext NextContext(Revision current) {
    MutationContext context;
    context.reason = "step " + std::to_string(++steps_);
    if (OneIn(10)) context.if_match = Revision(current.get() - Below(4));
    if (OneIn(10)) context.pinned_primary = Revision(current.get() - Below(4));
    if (OneIn(10)) context.pinned_canary = OneIn(2) ? ModelId() : AnyId();
    return context;
  }

 private:
  RouteName AnyRoute() { return OneIn(20) ? RouteName("nowhere") : route_; }
  ModelId AnyId() {
    if (live_.empty() || OneIn(8)) return ModelId("m" + std::to_string(Below(next_id_ + 1)));
    return live_[static_cast<std::size_t>(Below(static_cast<int>(live_.size())))];
  }
  BasisPoints AnyShare() { return Share(Below(BasisPoints::kWhole + 1)); }

  ModelVersion NewRow() {
    // A window that moves on, so that deleted ids and fresh ones both come up.
    if (OneIn(3)) ++next_id_;
    const std::string id = "m" + std::to_string(Below(next_id_ + 1));
    ModelVersion row = Row(OneIn(5) ? "" : id, route_.get());
    row.version = std::to_string(Below(next_id_ + 1));
    if (OneIn(2)) row.status = VersionStatus::kShadow;
    if (OneIn(4)) row.parent_id = AnyId();
    if (OneIn(2)) row.metrics["score"] = Below(1000) / 7.0;
    return row;
  }
  SetArms AnyArms() {
    SetArms verb{AnyRoute(), {}};
    for (int left = Below(4); left > 0; --left) {
      verb.arms.push_back({AnyId(), 0, Share(Below(5000))});
    }
    return verb;
  }

  SeededRng rng_;
  RouteName route_;            // That the step is about.
  std::vector<ModelId> live_;  // On it.
  int next_id_ = 5;
  int steps_ = 0;
};

void ExpectOneOfEachRole(const TableDelta& table) {
  std::map<std::pair<RouteName, VersionStatus>, int> holders;
  for (const ModelVersion& row : table.versions) ++holders[{row.route, row.status}];
  for (const auto& [role, count] : holders) {
    if (role.second == VersionStatus::kPrimary || role.second == VersionStatus::kCanary) {
      EXPECT_EQ(count, 1) << role.first << " " << NameOf(role.second);
    }
  }
}

// What a route says of itself must agree with its rows, whatever happened before.
void ExpectConsistent(const TableDelta& table) {
  for (const Route& route : table.routes) {
    bool canary = false;
    std::size_t arms = 0;
    for (const ModelVersion& row : table.versions) {
      if (row.route != route.name) continue;
      canary |= row.status == VersionStatus::kCanary;
      arms += row.status == VersionStatus::kArm ? 1 : 0;
      if (route.previous_primary == row.model_id) EXPECT_NE(row.status, VersionStatus::kRetired);
    }
    EXPECT_EQ(canary, !route.canary_salt.empty()) << TextOf(route);
    EXPECT_EQ(arms, route.arms.size()) << TextOf(route);
    EXPECT_EQ(route.arms.empty(), route.policy == RoutePolicy::kFixed) << TextOf(route);
  }
}

struct Sequence {
  std::uint64_t seed;
  int steps;
};
void PrintTo(const Sequence& sequence, std::ostream* out) { *out << "seed " << sequence.seed; }

class StoresAgree : public ::testing::TestWithParam<Sequence> {};
INSTANTIATE_TEST_SUITE_P(Seeds, StoresAgree,
                         ::testing::Values(Sequence{1, 2000}, Sequence{2026, 400},
                                           Sequence{314'159, 400}));

TEST_P(StoresAgree, OnEveryOneOfManyRandomMutations) {
  testing::TempDir folder;
  testing::SimClock clock;
  SeededRng memory_rng(7);
  SeededRng sqlite_rng(7);
  const auto memory = MemoryBackend().open(clock, memory_rng, folder);
  const auto sqlite = SqliteBackend().open(clock, sqlite_rng, folder);
  const int steps = GetParam().steps;
  Chance chance(GetParam().seed);
  int accepted = 0;
  int replayed = 0;
  std::map<RouteName, std::map<Revision, std::string>> stood;  // As the table said at the time.
  std::set<PromotionKind> kinds;
  for (int step = 0; step < steps; ++step) {
    SCOPED_TRACE(step);
    const Revision before = *memory->ReadRevision();
    const Mutation mutation = chance.NextMutation(*memory->ReadTable(Revision(0)));
    const MutationContext context = chance.NextContext(before);
    const auto one = memory->Apply(mutation, context);
    const auto other = sqlite->Apply(mutation, context);
    ASSERT_EQ(TextOf(one), TextOf(other));
    if (one && one->changed) {
      ++accepted;
      kinds.insert(one->audit.kind);
    }
    // The delta each time, the whole table now and then: both must be the same.
    ASSERT_EQ(TextOf(*memory->ReadTable(before)), TextOf(*sqlite->ReadTable(before)));
    const Revision now = *memory->ReadRevision();
    for (const char* name : {"iris", "roses"}) {
      const RouteName route(name);
      if (const auto state = memory->ReadRoute(route)) {
        stood[route][now] = InputToText(RoutingInput(state->route, state->versions));
      }
      const Generation any =
          MakeGeneration(0, Revision(chance.Below(static_cast<int>(now.get()) + 2)));
      const std::string one_said = TextOf(memory->ReadRouteAt(route, {any, std::nullopt}));
      ASSERT_EQ(one_said, TextOf(sqlite->ReadRouteAt(route, {any, std::nullopt})));
      const auto kept = stood[route].find(RevisionOf(any));
      if (kept == stood[route].end() || one_said.find("not kept") != std::string::npos) continue;
      ASSERT_NE(one_said.find(kept->second), std::string::npos) << one_said << kept->second;
      ++replayed;
    }
    if (step % 20 == 0) {
      const auto table = memory->ReadTable(Revision(0));
      ASSERT_EQ(TextOf(*table), TextOf(*sqlite->ReadTable(Revision(0))));
      ExpectOneOfEachRole(*table);
      ExpectConsistent(*table);
    }
    clock.SetWall(clock.Now() + std::chrono::milliseconds(chance.Below(20) - 5));
  }
  // The sequence must exercise more than refusals.
  EXPECT_GT(accepted, steps / 10);
  EXPECT_LT(accepted, steps);
  EXPECT_GT(replayed, steps / 2);
  if (steps >= 2000) EXPECT_EQ(kinds.size(), 9u) << "every verb succeeds now and then";
  EXPECT_TRUE(memory->VerifyAudit()->intact());
  const auto verdict = sqlite->VerifyAudit();
  EXPECT_TRUE(verdict->intact()) << verdict->problem;
  EXPECT_EQ(verdict->rows, accepted);
}

}  // namespace
}  // namespace podium::store
