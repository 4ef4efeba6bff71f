// Before a promote somebody asks what changes: the answer holds that, and nothing that is the same.
#include "control/admin/version_diff.h"

#include <gtest/gtest.h>

namespace podium::control {
namespace {

ModelVersion Version(const std::string& id) {
  ModelVersion version;
  version.model_id = ModelId(id);
  version.route = RouteName("iris");
  version.name = "iris";
  version.version = "1";
  version.provider_key = "local";
  version.format = "onnx";
  version.artifact_sha256 = std::string(64, 'a');
  return version;
}

TEST(VersionDiff, TheSameRowsDifferInNothing) {
  const Json diff = DiffVersions(Version("a"), Version("a"), {});
  EXPECT_EQ(diff["fields"], Json::array());
  EXPECT_EQ(diff["metrics"], Json::array());
  EXPECT_EQ(diff["tags"], Json::array());
  EXPECT_EQ(diff["artifact"]["same"], true);
  EXPECT_EQ(diff["signature"]["fit"], "compatible");
  EXPECT_EQ(diff["lineage"]["relation"], "the same version");
}

TEST(VersionDiff, ShowsWhatChanged) {
  const ModelVersion from = [] {
    ModelVersion version = Version("a");
    version.metrics = {{"auc", 0.5}, {"loss", 0.0}, {"old", 1.0}};
    version.tags = {{"team", "vision"}, {"kept", "x"}};
    return version;
  }();
  ModelVersion to = Version("b");
  to.version = "2";
  to.provider_key = "openai";
  to.artifact_sha256 = std::string(64, 'b');
  to.metrics = {{"auc", 0.75}, {"loss", 1.0}, {"new", 2.0}};
  to.tags = {{"team", "search"}, {"kept", "x"}};
  to.parent_id = ModelId("a");
  to.source_run = "run-7";
  to.load = LoadPolicy::kLazy;
  const Json diff = DiffVersions(from, to, {Fit::kUnknown, {}, {"the inputs are not known"}});
  EXPECT_EQ(diff["artifact"]["same"], false);
  EXPECT_EQ(diff["fields"], Json::parse(R"([{"name":"version","from":"1","to":"2"},
                            {"name":"provider_key","from":"local","to":"openai"},
                            {"name":"load","from":"eager","to":"lazy"}])"));
  EXPECT_EQ(diff["metrics"],
            Json::parse(R"([{"name":"auc","from":0.5,"to":0.75,"difference":0.25,"ratio":1.5},
                            {"name":"loss","from":0.0,"to":1.0,"difference":1.0,"ratio":null},
                            {"name":"new","from":null,"to":2.0,"difference":null,"ratio":null},
                            {"name":"old","from":1.0,"to":null,"difference":null,"ratio":null}])"));
  EXPECT_EQ(diff["tags"], Json::parse(R"([{"name":"team","from":"vision","to":"search"}])"));
  EXPECT_EQ(diff["lineage"]["relation"], "made from it");
  EXPECT_EQ(diff["lineage"]["to"]["source_run"], "run-7");
  EXPECT_EQ(diff["signature"]["unknown"][0], "the inputs are not known");
}

// Not knowing the bytes is not the same as knowing that they are the same.
TEST(VersionDiff, AnUnknownChecksumIsNotEqual) {
  ModelVersion from = Version("a");
  ModelVersion to = Version("b");
  from.artifact_sha256.clear();
  to.artifact_sha256.clear();
  EXPECT_TRUE(DiffVersions(from, to, {})["artifact"]["same"].is_null());
}

TEST(VersionDiff, TellsHowTheTwoAreRelated) {
  ModelVersion child = Version("b");
  child.parent_id = ModelId("a");
  ModelVersion sibling = Version("c");
  sibling.parent_id = ModelId("a");
  EXPECT_EQ(DiffVersions(child, Version("a"), {})["lineage"]["relation"], "its parent");
  EXPECT_EQ(DiffVersions(child, sibling, {})["lineage"]["relation"], "made from the same version");
  EXPECT_TRUE(DiffVersions(Version("x"), Version("y"), {})["lineage"]["relation"].is_null());
}

}  // namespace
}  // namespace podium::control
