// All kinds of registry, one sequence of random mutations: whatever the one says and keeps, the
// others must say and keep too, row by row and hash by hash.
#include <gtest/gtest.h>

#include <algorithm>
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
    route_row_ = nullptr;
    for (const Route& row : table.routes) {
      if (row.name == route_) route_row_ = &row;
    }
    switch (Below(22)) {
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
        return PromoteVersion{AnyId(), OneIn(2)};
      case 7:
      case 8:
        return RollBackRoute{AnyRoute()};
      case 9:
      case 10:
        return SetCanary{AnyRoute(), AnyId(), OneIn(3) ? BasisPoints() : AnyShare()};
      case 11:
        return EndCanary{AnyRoute()};
      case 12:
      case 13:
        return AnyFollow();
      case 14:
        return ResumeFollow{AnyRoute()};
      case 15:
      case 16:
        return StartRollout{AnyRoute(), AnyId(), AnyPlan(), AnyEpoch()};
      case 17:
      case 18:
      case 19:
      case 20:
        return AnyMove();
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
    context.as_follower = OneIn(6);
    if (OneIn(20)) context.pinned_follow = Ranker();
    context.named_person = OneIn(3);
    context.as_guard = OneIn(10);
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
  Follow Ranker() {
    Follow follow;
    follow.model = OneIn(2) ? "ranker" : "classifier";
    follow.challenger_share = Share(Below(3) * 100);
    return follow;
  }
  SetFollow AnyFollow() {
    // More often ended than begun, so that the other verbs have their turn too.
    if (!OneIn(3)) return {AnyRoute(), std::nullopt};
    SetFollow verb{AnyRoute(), Ranker()};
    if (OneIn(10)) verb.follow->champion = "@challenger";
    if (OneIn(10)) verb.follow->on_champion = OnChampion::kRollout;
    verb.follow->held = OneIn(10);
    return verb;
  }
  RolloutPlan AnyPlan() {
    RolloutPlan plan = DefaultPlan();
    plan.unit = static_cast<SplitUnit>(Below(4));
    plan.promote_at_end = OneIn(2);
    for (RolloutStep& step : plan.steps) step.gate = OneIn(4);
    if (OneIn(20)) plan.steps.clear();
    return plan;
  }
  RolloutEpoch AnyEpoch() {
    RolloutEpoch epoch;
    epoch.step = static_cast<std::uint32_t>(Below(5));
    epoch.share = OneIn(5) ? AnyShare() : Share(Below(5001));
    epoch.thresholds.latency_ms[0] = Below(100) / 7.0;
    return epoch;
  }
  MoveRollout AnyMove() {
    MoveRollout verb;
    verb.route = AnyRoute();
    if (route_row_ != nullptr && route_row_->rollout) ran_ = route_row_->rollout->id;
    verb.id = OneIn(30) ? RolloutId("r-none") : ran_;
    // More often forward than to an end.
    verb.move = OneIn(2) ? RolloutMove::kEpoch : static_cast<RolloutMove>(Below(8));
    if (verb.move == RolloutMove::kEpoch && !OneIn(30)) verb.epoch = AnyEpoch();
    if (OneIn(10)) verb.token = Below(2);
    if (OneIn(3)) verb.proof = RolloutProof{OneIn(2) ? "step-up" : "hold", "{}", "{}"};
    if (OneIn(2)) verb.said = "said " + std::to_string(steps_);
    if (OneIn(4)) verb.log_e_peak = Below(100) / 7.0;
    return verb;
  }
  SetArms AnyArms() {
    SetArms verb{AnyRoute(), {}};
    for (int left = Below(4); left > 0; --left) {
      verb.arms.push_back({AnyId(), 0, Share(Below(5000))});
    }
    return verb;
  }

  SeededRng rng_;
  RouteName route_;  // That the step is about.
  const Route* route_row_ = nullptr;
  RolloutId ran_{"r-none"};    // The newest one that was seen to run.
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
    EXPECT_TRUE(!route.rollout || canary) << TextOf(route);
    const bool follows = route.follow && !route.follow->held;
    EXPECT_TRUE(route.arms.empty() || !follows) << TextOf(route);
  }
}

/// How a route stood at a revision, as its rows said at the time.
struct PastMoment {
  RouteName route;
  Revision revision;
  WallTime at;  ///< When that revision was committed.
  std::string input;
  std::optional<Follow> follow;
};

// Random moments out of a random history: the audit trail alone must give back each of them.
void ExpectTheTrailKnows(const std::vector<PastMoment>& moments, RegistryStore& store,
                         Chance& chance) {
  ASSERT_FALSE(moments.empty());
  for (int i = 0; i < 300; ++i) {
    const PastMoment& moment =
        moments[static_cast<std::size_t>(chance.Below(static_cast<int>(moments.size())))];
    const Generation generation = MakeGeneration(0, moment.revision);
    const auto standing = store.ReadStanding(moment.route, {generation, std::nullopt});
    ASSERT_TRUE(standing) << Describe(standing.error());
    ASSERT_TRUE(standing->unknown.empty()) << standing->unknown.front();
    ASSERT_EQ(standing->follow, moment.follow);
    const RouteAt replayed = AsRouteAt(*standing, 0, "session");
    ASSERT_EQ(InputToText(replayed.input), moment.input) << moment.revision.get();
    // As kept, row by row, where it is still kept.
    const auto kept = store.ReadRouteAt(moment.route, {generation, std::nullopt});
    ASSERT_TRUE(kept) << Describe(kept.error());
    ASSERT_EQ(TextOf(Result<RouteAt>(replayed)), TextOf(kept));
    // And by the clock: several commits may share a moment, the newest of them counts.
    const auto by_time = store.ReadStanding(moment.route, {std::nullopt, moment.at});
    ASSERT_TRUE(by_time) << Describe(by_time.error());
    const auto same = std::find_if(moments.rbegin(), moments.rend(), [&](const PastMoment& other) {
      return other.route == moment.route && other.at == moment.at;
    });
    ASSERT_EQ(by_time->revision, same->revision);
    ASSERT_EQ(InputToText(AsRouteAt(*by_time, 0, "session").input), same->input);
  }
}

// Every row with its verdicts, newest first.
std::string TextOfRollouts(RegistryStore& store) {
  auto& rollouts = dynamic_cast<RolloutStore&>(store);
  std::string text;
  RolloutQuery query;
  do {
    const Result<Page<Rollout>> page = rollouts.ListRollouts(query);
    EXPECT_TRUE(page) << Describe(page.error());
    for (const Rollout& rollout : page->items) {
      text += RolloutToText(rollout);
      const auto verdicts = rollouts.ReadVerdicts(rollout.id);
      for (const RolloutVerdict& one : *verdicts) {
        text += fmt::format("\n  {} {} {}", one.number, one.decision, one.sentence);
      }
      text += "\n";
    }
    query.cursor = page->next_cursor;
  } while (!query.cursor.empty());
  return text;
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

/// One kind of registry beside the one in memory, with the same chance.
struct Other {
  explicit Other(const Backend& backend, Clock& clock, const testing::TempDir& folder)
      : name(backend.name), store(backend.open(clock, rng, folder)) {}
  std::string name;
  SeededRng rng{7};
  std::unique_ptr<RegistryStore> store;
};

TEST_P(StoresAgree, OnEveryOneOfManyRandomMutations) {
  testing::TempDir folder;
  testing::SimClock clock;
  SeededRng memory_rng(7);
  const auto memory = MemoryBackend().open(clock, memory_rng, folder);
  Other sqlite(SqliteBackend(), clock, folder);
  Other postgres(PostgresBackend(), clock, folder);
  const std::vector<Other*> others = {&sqlite, &postgres};
  const int steps = GetParam().steps;
  Chance chance(GetParam().seed);
  int accepted = 0;
  int replayed = 0;
  std::map<RouteName, std::map<Revision, std::string>> stood;  // As the table said at the time.
  std::set<PromotionKind> kinds;
  std::vector<PastMoment> moments;
  WallTime committed_at;  // The table's time: it does not go back when the clock does.
  for (int step = 0; step < steps; ++step) {
    SCOPED_TRACE(step);
    const Revision before = *memory->ReadRevision();
    const Mutation mutation = chance.NextMutation(*memory->ReadTable(Revision(0)));
    const MutationContext context = chance.NextContext(before);
    const auto one = memory->Apply(mutation, context);
    if (one && one->changed) {
      ++accepted;
      kinds.insert(one->audit.kind);
      committed_at = one->audit.at;
    }
    const Revision now = *memory->ReadRevision();
    const Generation any =
        MakeGeneration(0, Revision(chance.Below(static_cast<int>(now.get()) + 2)));
    for (const char* name : {"iris", "roses"}) {
      const RouteName route(name);
      if (const auto state = memory->ReadRoute(route)) {
        // The truth beside it: how the route stood, and when that was.
        stood[route][now] = InputToText(RoutingInput(state->route, state->versions));
        moments.push_back({route, now, committed_at, stood[route][now], state->route.follow});
      }
      const std::string said = TextOf(memory->ReadRouteAt(route, {any, std::nullopt}));
      const auto kept = stood[route].find(RevisionOf(any));
      if (kept == stood[route].end() || said.find("not kept") != std::string::npos) continue;
      ASSERT_NE(said.find(kept->second), std::string::npos) << said << kept->second;
      ++replayed;
    }
    for (Other* other : others) {
      SCOPED_TRACE(other->name);
      RegistryStore& store = *other->store;
      ASSERT_EQ(TextOf(one), TextOf(store.Apply(mutation, context)));
      // The delta each time, the whole table now and then: both must be the same.
      ASSERT_EQ(TextOf(*memory->ReadTable(before)), TextOf(*store.ReadTable(before)));
      for (const char* name : {"iris", "roses"}) {
        const HistoryPoint point{any, std::nullopt};
        ASSERT_EQ(TextOf(memory->ReadRouteAt(RouteName(name), point)),
                  TextOf(store.ReadRouteAt(RouteName(name), point)));
      }
      if (step % 20 == 0) {
        ASSERT_EQ(TextOf(*memory->ReadTable(Revision(0))), TextOf(*store.ReadTable(Revision(0))));
      }
    }
    if (step % 20 == 0) {
      const auto table = memory->ReadTable(Revision(0));
      ExpectOneOfEachRole(*table);
      ExpectConsistent(*table);
    }
    clock.SetWall(clock.Now() + std::chrono::milliseconds(chance.Below(20) - 5));
  }
  std::vector<RegistryStore*> stores = {memory.get()};
  for (Other* other : others) stores.push_back(other->store.get());
  for (RegistryStore* store : stores) {
    ExpectTheTrailKnows(moments, *store, chance);
    if (::testing::Test::HasFatalFailure()) return;
  }
  // The sequence must exercise more than refusals.
  EXPECT_GT(accepted, steps / 15);
  EXPECT_LT(accepted, steps);
  EXPECT_GT(replayed, steps / 2);
  const std::string rollouts = TextOfRollouts(*memory);
  if (steps >= 2000) {
    EXPECT_GE(kinds.size(), 12u) << "nearly every verb succeeds now and then";
    for (const char* phase : {"promoted", "rolled_back", "aborted"}) {
      EXPECT_NE(rollouts.find(fmt::format("\"phase\":\"{}\"", phase)), std::string::npos) << phase;
    }
  }
  for (Other* other : others) EXPECT_EQ(TextOfRollouts(*other->store), rollouts) << other->name;
  EXPECT_TRUE(memory->VerifyAudit()->intact());
  for (Other* other : others) {
    const auto verdict = other->store->VerifyAudit();
    EXPECT_TRUE(verdict->intact()) << other->name << verdict->problem;
    EXPECT_EQ(verdict->rows, accepted);
  }
}

}  // namespace
}  // namespace podium::store
