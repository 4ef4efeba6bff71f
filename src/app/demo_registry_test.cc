#include "app/demo_registry.h"

#include <gtest/gtest.h>

namespace podium::app {
namespace {

std::vector<RegistryVersion> TwoVersions() {
  return {{"digits-v1", "digits", "v1", "primary", 0, "ready", ""},
          {"digits-v2", "digits", "v2", "canary", 5, "ready", ""}};
}

TEST(DemoRegistry, ReadsVersionsAsTheApiShowsThem) {
  const auto versions = ReadVersions(
      R"({"items":[{"model_id":"digits-v2","route":"digits","version":"v2","status":"canary",)"
      R"("traffic_pct":5.0,"load_state":"failed","load_error":"no such file","metrics":{}},)"
      R"({"model_id":"digits-v1","load_error":null}],"next_cursor":null})");
  ASSERT_TRUE(versions) << versions.error().message;
  ASSERT_EQ(versions->size(), 2U);
  EXPECT_EQ(versions->at(0).model_id, "digits-v2");
  EXPECT_EQ(versions->at(0).status, "canary");
  EXPECT_EQ(versions->at(0).traffic_pct, 5.0);
  EXPECT_EQ(versions->at(0).load_error, "no such file");
  EXPECT_EQ(versions->at(1).load_error, "");
}

TEST(DemoRegistry, ReadsRoutesAsTheApiShowsThem) {
  const auto routes = ReadRoutes(
      R"({"items":[{"route":"digits","policy":"fixed",)"
      R"("primary":{"model_id":"digits-v1","version":"v1","load_state":"ready"},)"
      R"("canary":{"model_id":"digits-v2","version":"v2","load_state":"ready"},"traffic_pct":5,)"
      R"("arms":[],"revision":12,"faults":["two primaries"]},)"
      R"({"route":"new","primary":null,"canary":null,"traffic_pct":0,"revision":13,"faults":[]}]})");
  ASSERT_TRUE(routes) << routes.error().message;
  EXPECT_EQ(routes->at(0).primary, "digits-v1");
  EXPECT_EQ(routes->at(0).canary, "digits-v2");
  EXPECT_EQ(routes->at(0).revision, 12);
  EXPECT_EQ(routes->at(0).faults, (std::vector<std::string>{"two primaries"}));
  EXPECT_EQ(routes->at(1).primary, "");
}

TEST(DemoRegistry, WhatIsNoListIsAnError) {
  for (const char* body : {"", "[]", "{}", R"({"items":{}})", R"({"items":[)"}) {
    SCOPED_TRACE(body);
    EXPECT_FALSE(ReadVersions(body));
    EXPECT_FALSE(ReadRoutes(body));
    EXPECT_FALSE(ReadChanges(body));
  }
  // Entries of a later release may look otherwise: that must not end the demo.
  EXPECT_TRUE(ReadRoutes(R"({"items":[1,{"primary":"x","arms":7,"faults":[3]}]})"));
}

TEST(DemoRegistry, SharesAskedAddUpToTheWhole) {
  RegistryRoute route;
  route.route = "digits";
  route.primary = "digits-v1";
  route.canary = "digits-v2";
  route.traffic_pct = 5.25;
  const std::vector<RegistryVersion> versions = TwoVersions();
  EXPECT_EQ(ShareAsked(route, versions[0]), 94.75);
  EXPECT_EQ(ShareAsked(route, versions[1]), 5.25);
  EXPECT_EQ(ShareAsked(route, {"digits-v3", "digits", "v3", "standby", 0, "", ""}), 0);

  route.canary.clear();
  route.traffic_pct = 0;
  EXPECT_EQ(ShareAsked(route, versions[0]), 100);
  route.arms = {{"digits-v2", 30}, {"digits-v1", 70}};  // With the control listed ...
  EXPECT_EQ(ShareAsked(route, versions[0]), 70);
  EXPECT_EQ(ShareAsked(route, versions[1]), 30);
  route.arms = {{"digits-v2", 30}};  // ... and without.
  EXPECT_EQ(ShareAsked(route, versions[0]), 70);
}

TEST(DemoRegistry, ChangesReadAsSentences) {
  struct Case {
    const char* fields;
    const char* want;
  };
  const Case cases[] = {
      {R"("kind":"promote","from":"digits-v1","to":"digits-v2","origin":"cli")",
       "14:31:07  digits  v2 promoted over v1 by local (cli)"},
      {R"("kind":"promote","from":null,"to":"digits-v2","origin":"")",
       "14:31:07  digits  v2 promoted by local"},
      {R"("kind":"rollback","from":"digits-v2","to":"digits-v1","undoes":7,"origin":"cli")",
       "14:31:07  digits  rolled back to v1 by local (cli)"},
      {R"("kind":"rollback","from":"digits-v2","to":"digits-v1","undoes":null,)"
       R"("traffic_pct_before":25,"traffic_pct_after":0,"origin":"cli","reason":"slow")",
       "14:31:07  digits  canary v2 rolled back from 25% to 0% by local (cli): slow"},
      {R"("kind":"ramp","from":"digits-v2","to":"digits-v2","traffic_pct_before":5,)"
       R"("traffic_pct_after":12.5,"origin":"api")",
       "14:31:07  digits  canary v2 from 5% to 12.5% by local (api)"},
      {R"("kind":"abort","from":"digits-v2","to":null,"traffic_pct_before":5,"origin":"cli")",
       "14:31:07  digits  canary v2 ended at 5% by local (cli)"},
      {R"("kind":"activate","from":"digits-v2","to":"digits-v1","origin":"cli")",
       "14:31:07  digits  v1 made primary by local (cli)"},
      {R"("kind":"delete","from":"digits-v9","to":null,"origin":"cli")",
       "14:31:07  digits  digits-v9 deleted by local (cli)"},
      {R"("kind":"thaw","from":null,"to":"digits-v1","origin":"cli")",
       "14:31:07  digits  thaw v1 by local (cli)"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.want);
    const std::string body =
        std::string(R"({"items":[{"revision":9,"route":"digits","actor":"local",)") +
        R"("at":"2026-03-09T14:31:07.123456Z",)" + c.fields + "}]}";
    const auto changes = ReadChanges(body);
    ASSERT_TRUE(changes) << changes.error().message;
    EXPECT_EQ(Sentence(changes->at(0), TwoVersions()), c.want);
  }
}

TEST(DemoRegistry, AnUploadTellsWhereItLies) {
  EXPECT_EQ(ReadArtifactUri(R"({"artifact_uri":"file:abc.onnx","bytes":3})").value(),
            "file:abc.onnx");
  for (const char* body : {"", "[]", "{}", R"({"artifact_uri":7})"}) {
    EXPECT_FALSE(ReadArtifactUri(body)) << body;
  }
}

TEST(DemoRegistry, AProblemSaysWhatToDo) {
  EXPECT_EQ(ShowProblem(409, R"({"detail":"route digits moved: re-read","code":"conflict"})"),
            "409 route digits moved: re-read");
  EXPECT_EQ(ShowProblem(502, "<html>"), "502 <html>");
}

}  // namespace
}  // namespace podium::app
