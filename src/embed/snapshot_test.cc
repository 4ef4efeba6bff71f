// Choose through the library: what the code of the server decides, in the library's types.
#include <podium/snapshot.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <podium/bucket.h>
#include <podium/registry.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "base/json.h"
#include "embed/ports_fixture.h"
#include "routing/choose.h"
#include "store/sqlite_store.h"
#include "testing/temp_dir.h"

namespace podium::v1 {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// A registry with m1 (primary), m2 and m3 of the name `ranker`.
class SnapshotOf : public ::testing::Test {
 protected:
  SnapshotOf() {
    for (const char* id : {"m1", "m2", "m3"}) {
      NewVersion version;
      version.name = "ranker";
      version.version = std::string(id) + "-version";
      version.id = id;
      EXPECT_TRUE(registry_.Register(version));
    }
    EXPECT_TRUE(registry_.Activate("m1"));
  }

  Registry Make() {
    RegistryOptions options;
    options.clock = std::make_shared<HandClock>();
    options.random = random_;
    return Registry::Open(folder_ / "models.db", options).value();
  }

  /// The same rows as the server compiles them.
  std::shared_ptr<const routing::RoutesPart> AsTheServer() {
    podium::SystemClock clock;
    SystemRng rng;
    auto store = store::SqliteStore::Open(folder_ / "models.db", clock, rng).value();
    store::TableDelta delta = store->ReadTable(Revision(0)).value();
    routing::TableCompiler compiler({});
    compiler.Absorb(std::move(delta.routes), std::move(delta.versions));
    return compiler.Compile(MakeGeneration(delta.epoch, delta.revision));
  }

  /// For 3,000 sessions: the library and the server agree in all they say.
  void ExpectTheServersDecisions() {
    const auto part = AsTheServer();
    const routing::CompiledRoute& route = *part->Find("ranker");
    const Snapshot snapshot = registry_.Pin();
    std::map<std::string, int> reasons;
    for (int i = 0; i < 3000; ++i) {
      const std::string session = "session-" + std::to_string(i);
      const routing::RequestIds ids{
          .session = session, .user = {}, .request = {}, .request_made_here = false};
      const routing::Decision theirs = routing::Choose(route, part->generation(), ids);
      const Decision ours = snapshot.Choose("ranker", {session, {}, {}});
      ASSERT_EQ(ours.version->id, route.At(theirs.version).model_id.get());
      ASSERT_EQ(NameOf(ours.reason), NameOf(theirs.reason));
      ASSERT_EQ(ours.bucket, theirs.bucket.fine);
      ASSERT_EQ(ours.propensity, theirs.propensity);
      ASSERT_EQ(ours.generation, theirs.generation.get());
      ASSERT_EQ(ours.sticky, theirs.sticky);
      ++reasons[std::string(NameOf(ours.reason))];
    }
    EXPECT_EQ(reasons.size(), 2U) << "both sides of the split were met";
  }

  podium::testing::TempDir folder_;
  std::shared_ptr<HandRandom> random_ = std::make_shared<HandRandom>();
  Registry registry_ = Make();
};

std::vector<std::string> IdsOf(const Candidates& candidates) {
  std::vector<std::string> ids;
  for (const ModelVersion* version : candidates) ids.push_back(version->id);
  return ids;
}

TEST_F(SnapshotOf, Invariant5CanaryDecisionsAreTheServers) {
  ASSERT_TRUE(registry_.SetCanary("ranker", "m2", 0.0525));
  ExpectTheServersDecisions();
}

TEST_F(SnapshotOf, Invariant5ArmDecisionsAreTheServers) {
  ASSERT_TRUE(registry_.SetArms("ranker", {{"m2", 0.2}, {"m3", 0.3}}));
  ExpectTheServersDecisions();
}

TEST(PublicBucket, Invariant5GoldenVectors) {
  std::ifstream file(PODIUM_SOURCE_DIR "/tests/data/buckets.golden.json");
  std::stringstream text;
  text << file.rdbuf();
  const Json vectors = ParseJson(text.str()).value()["vectors"];
  ASSERT_GE(vectors.size(), 40U);
  for (const Json& vector : vectors) {
    SCOPED_TRACE(DumpJson(vector));
    const Layer layer = vector["layer"] == "canary" ? Layer::kCanary : Layer::kArms;
    const Bucket bucket =
        BucketOf(layer, vector["salt"].get<std::string>(), vector["unit"].get<std::string>())
            .value();
    EXPECT_EQ(std::to_string(bucket.hash), vector["hash"].get<std::string>());
    EXPECT_EQ(bucket.coarse, vector["coarse"].get<int>());
    EXPECT_EQ(bucket.fine, vector["fine"].get<int>());
  }
}

TEST(PublicBucket, SaltsHaveALimit) {
  EXPECT_TRUE(BucketOf(Layer::kCanary, std::string(64, 's'), "u"));
  for (const std::string& salt : {std::string(65, 's'), std::string(), std::string("a b")}) {
    EXPECT_EQ(BucketOf(Layer::kCanary, salt, "u").error().code, ErrorCode::kInvalidArgument);
  }
}

// Whoever routes by themselves with the salt gets the same answer.
TEST_F(SnapshotOf, TheSplitExplainsTheDecision) {
  ASSERT_TRUE(registry_.SetCanary("ranker", "m2", 0.25));
  const Snapshot snapshot = registry_.Pin();
  const Split split = snapshot.SplitOf("ranker").value();
  EXPECT_EQ(split.canary_weight, 0.25);
  for (const std::string session : {"a", "b", "c", "d", "e", "f", "g", "h"}) {
    const Decision decision = snapshot.Choose("ranker", {session, {}, {}});
    const int fine = BucketOf(Layer::kCanary, split.salt, session)->fine;
    EXPECT_EQ(decision.bucket, fine);
    EXPECT_EQ(decision.canary(), fine < 2500);
    EXPECT_EQ(decision.version->id, fine < 2500 ? split.canary->id : split.active->id);
    EXPECT_EQ(decision.propensity, fine < 2500 ? 0.25 : 0.75);
  }
}

TEST_F(SnapshotOf, Invariant6RaisingAShareOnlyMovesIdsToTheCanary) {
  std::set<std::string> before;
  for (const double weight : {0.0, 0.01, 0.1, 0.5, 1.0}) {
    ASSERT_TRUE(registry_.SetCanary("ranker", "m2", weight));
    const Snapshot snapshot = registry_.Pin();
    std::set<std::string> now;
    for (int i = 0; i < 500; ++i) {
      const std::string session = std::to_string(i);
      if (snapshot.Choose("ranker", {session, {}, {}}).canary()) now.insert(session);
    }
    EXPECT_TRUE(std::includes(now.begin(), now.end(), before.begin(), before.end()));
    if (weight == 0.0) EXPECT_THAT(now, IsEmpty());
    if (weight == 1.0) EXPECT_EQ(now.size(), 500U);
    before = now;
  }
}

TEST_F(SnapshotOf, AnOverrideIsThatVersionOrNone) {
  ASSERT_TRUE(registry_.SetCanary("ranker", "m2", 1.0));
  const Snapshot snapshot = registry_.Pin();
  for (const char* wanted : {"m3", "m3-version"}) {
    const Decision decision = snapshot.ChooseVersion("ranker", {"s", {}, {}}, wanted);
    EXPECT_EQ(decision.reason, Reason::kOverride);
    EXPECT_EQ(decision.version->id, "m3");
    EXPECT_EQ(decision.propensity, 1.0);
    EXPECT_THAT(IdsOf(decision.candidates), ElementsAre("m3"));
  }
  const Decision unknown = snapshot.ChooseVersion("ranker", {"s", {}, {}}, "m4");
  EXPECT_EQ(unknown.reason, Reason::kUnknownVersion);
  EXPECT_EQ(unknown.version, nullptr);
  EXPECT_THAT(IdsOf(unknown.candidates), IsEmpty());
  EXPECT_EQ(snapshot.ChooseVersion("absent", {}, "m1").reason, Reason::kUnknownName);
}

TEST_F(SnapshotOf, CandidatesAreTheAssignedThenThePrimaryThenTheOneBefore) {
  ASSERT_TRUE(registry_.Activate("m3"));
  ASSERT_TRUE(registry_.SetCanary("ranker", "m2", 1.0));
  const Decision decision = registry_.Pin().Choose("ranker", {"s", {}, {}});
  EXPECT_EQ(decision.reason, Reason::kCanary);
  const Snapshot snapshot = registry_.Pin();
  EXPECT_THAT(IdsOf(snapshot.Choose("ranker", {"s", {}, {}}).candidates),
              ElementsAre("m2", "m3", "m1"));
}

TEST_F(SnapshotOf, WithoutAnIdOneIsDrawnAndSaid) {
  ASSERT_TRUE(registry_.SetCanary("ranker", "m2", 0.5));
  const Snapshot snapshot = registry_.Pin();
  std::set<std::string> versions;
  for (int i = 0; i < 64; ++i) {
    const Decision decision = snapshot.Choose("ranker", {});
    EXPECT_FALSE(decision.sticky);
    EXPECT_EQ(decision.unit, UnitKind::kRequest);
    const std::string_view drawn(decision.drawn_id.data(), decision.drawn_id.size());
    const Decision replayed = snapshot.Choose("ranker", {{}, {}, drawn});
    EXPECT_TRUE(replayed.sticky);
    EXPECT_EQ(replayed.version, decision.version);
    EXPECT_EQ(replayed.bucket, decision.bucket);
    versions.insert(decision.version->id);
  }
  EXPECT_EQ(versions.size(), 2U) << "requests without an id share no bucket";
}

TEST_F(SnapshotOf, WithAnIdNothingIsDrawn) {
  const Snapshot snapshot = registry_.Pin();
  const int before = random_->drawn();
  EXPECT_EQ(snapshot.Choose("ranker", {"s", {}, {}}).unit, UnitKind::kSession);
  EXPECT_EQ(snapshot.Choose("ranker", {{}, {}, "r"}).unit, UnitKind::kRequest);
  EXPECT_EQ(snapshot.Choose("ranker", {{}, {}, "r"}).drawn_id[0], '\0');
  EXPECT_EQ(random_->drawn(), before);
  EXPECT_FALSE(snapshot.Choose("ranker", {{}, "only-a-user", {}}).sticky)
      << "this route does not stick to users";
}

TEST_F(SnapshotOf, APinnedSnapshotNeverChanges) {
  const Snapshot before = registry_.Pin();
  ASSERT_TRUE(registry_.Activate("m2"));
  EXPECT_EQ(before.Choose("ranker", {"s", {}, {}}).version->id, "m1");
  EXPECT_EQ(registry_.Pin().Choose("ranker", {"s", {}, {}}).version->id, "m2");
  EXPECT_LT(before.generation(), registry_.Pin().generation());
}

TEST(EmptySnapshot, KnowsNothingAndSaysSo) {
  const Snapshot snapshot;
  EXPECT_EQ(snapshot.generation(), 0U);
  EXPECT_THAT(snapshot.names(), IsEmpty());
  const Decision decision = snapshot.Choose("ranker", {"s", {}, {}});
  EXPECT_EQ(decision.reason, Reason::kUnknownName);
  EXPECT_EQ(decision.version, nullptr);
}

TEST(Snapshots, OutliveTheirRegistry) {
  Snapshot snapshot;
  {
    Registry registry = Registry::InMemory().value();
    NewVersion version;
    version.name = "ranker";
    version.version = "1";
    version.id = "m1";
    ASSERT_TRUE(registry.Register(version));
    ASSERT_TRUE(registry.Activate("m1"));
    snapshot = registry.Pin();
  }
  EXPECT_EQ(snapshot.Choose("ranker", {}).version->id, "m1");
  EXPECT_THAT(snapshot.names(), ElementsAre("ranker"));
}

}  // namespace
}  // namespace podium::v1
