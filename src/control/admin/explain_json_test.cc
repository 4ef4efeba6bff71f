#include "control/admin/explain_json.h"

#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"
#include "routing/table.h"

namespace podium::control {
namespace {

/// Route "r", its primary "a", and a canary "b" for everybody or nobody.
Replay ReplayWith(int share) {
  Route route;
  route.name = RouteName("r");
  route.salt = "salt";
  route.canary_salt = "canary";
  std::vector<ModelVersion> rows(2);
  rows[0].model_id = ModelId("a");
  rows[0].status = VersionStatus::kPrimary;
  rows[1].model_id = ModelId("b");
  rows[1].status = VersionStatus::kCanary;
  rows[1].share = *BasisPoints::From(share);
  for (ModelVersion& row : rows) {
    row.route = route.name;
    row.version = row.model_id.get();
    row.provider_key = kLocalProvider;
  }
  Replay replay;
  replay.route = routing::CompileRoute({route, rows}, {}).route;
  replay.explanation = routing::Explain(*replay.route, Generation(1), {"ada", {}, {}, false});
  return replay;
}

TEST(ExplainJson, AReplayAgreesWhenAllThatWasDecidedIsTheSame) {
  const Replay replay = ReplayWith(BasisPoints::kWhole);
  view::RecentRequest request;
  request.fine_bucket = replay.explanation.decision.bucket.fine;
  request.reason = routing::Reason::kCanary;
  const auto agrees = [&](const view::RecentRequest& told, const char* assigned) {
    return Agrees({told, {ModelId(assigned), RouteName("r"), assigned}, {}, 1, ""}, replay);
  };
  EXPECT_TRUE(agrees(request, "b"));
  EXPECT_FALSE(agrees(request, "a"));
  view::RecentRequest other = request;
  ++other.fine_bucket;
  EXPECT_FALSE(agrees(other, "b"));
  other = request;
  other.reason = routing::Reason::kPrimary;
  EXPECT_FALSE(agrees(other, "b"));
}

TEST(ExplainJson, SaysWhyARequestIsNotReplayed) {
  view::RecentRequest request;
  request.reason = routing::Reason::kPrimary;
  request.unit_kind = UnitKind::kSession;
  EXPECT_EQ(WhyNoReplay(request), "");
  request.unit_is_whole = false;
  EXPECT_EQ(WhyNoReplay(request), "of its session only the first " +
                                      std::to_string(limits::kRecentTextBytes) +
                                      " bytes were kept: use --key with the whole of it");
  request.reason = routing::Reason::kOverride;
  EXPECT_EQ(WhyNoReplay(request),
            "the caller named the version (X-Podium-Model-Version): nothing was decided");
}

TEST(ExplainJson, TheBucketOfTheUnitIsMarked) {
  const Replay replay = ReplayWith(0);
  const Json json = ToJson(replay);
  EXPECT_EQ(json["assigned"]["model_id"], "a");
  EXPECT_EQ(json["salt_of"], "canary");
  EXPECT_EQ(json["hash"].get<std::string>().size(), 16U);
  int here = 0;
  for (const Json& run : json["buckets"]) here += run["here"].get<bool>() ? 1 : 0;
  EXPECT_EQ(here, 1);
}

}  // namespace
}  // namespace podium::control
