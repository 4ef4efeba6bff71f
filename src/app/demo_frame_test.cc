#include "app/demo_frame.h"

#include <gtest/gtest.h>

namespace podium::app {
namespace {

RegistryVersion Version(const std::string& version, const std::string& status) {
  return {"digits-" + version, "digits", version, status, 0, "ready", ""};
}

DemoFigures Requests(std::uint64_t count) {
  DemoFigures figures;
  figures.requests = count;
  return figures;
}

std::vector<std::string> Names(const FrameRoute& route) {
  std::vector<std::string> names;
  for (const FrameVersion& version : route.versions) {
    names.push_back(version.version + " " + version.role);
  }
  return names;
}

TEST(DemoFrame, ThePrimaryComesFirstWhateverTheListsOrder) {
  RegistryPicture registry;
  registry.versions = {Version("v1", "shadow"), Version("v3", "canary"), Version("v2", "primary")};
  registry.versions.push_back({"tumour-v1", "tumour", "v1", "primary", 0, "ready", ""});
  EXPECT_EQ(Names(MakeFrameRoute("digits", registry, {})),
            (std::vector<std::string>{"v2 primary", "v3 canary", "v1 shadow"}));
}

// A version nobody asked for is noise; one that answered stays, whatever became of it.
TEST(DemoFrame, IdleVersionsAreLeftOutUnlessTheyAnswered) {
  RegistryPicture registry;
  registry.versions = {Version("v1", "primary"), Version("v2", "standby"), Version("v3", "retired"),
                       Version("v4", "retired")};
  const FrameRoute route =
      MakeFrameRoute("digits", registry,
                     {{"digits-v3", Requests(7)}, {"digits-v0", Requests(2)}, {"", Requests(1)}});
  EXPECT_EQ(Names(route), (std::vector<std::string>{"v1 primary", "v3 retired", "(none) no answer",
                                                    "digits-v0 gone"}));
  EXPECT_EQ(route.versions[1].figures.requests, 7U);
}

TEST(DemoFrame, WhatIsAskedComesFromTheTable) {
  RegistryPicture registry;
  registry.versions = {Version("v1", "primary"), Version("v2", "canary")};
  RegistryRoute table;
  table.route = "digits";
  table.primary = "digits-v1";
  table.canary = "digits-v2";
  table.traffic_pct = 25;
  registry.routes = {table};
  const FrameRoute route = MakeFrameRoute("digits", registry, {});
  EXPECT_EQ(route.versions[0].asked_pct, 75);
  EXPECT_EQ(route.versions[1].asked_pct, 25);
}

TEST(DemoFrame, AVersionThatNeverAnsweredIsSeenWithNothingOnceOthersDo) {
  RegistryPicture registry;
  registry.versions = {Version("v1", "primary"), Version("v2", "canary")};
  EXPECT_EQ(MakeFrameRoute("digits", registry, {}).versions[1].figures.share_seen, std::nullopt);
  DemoFigures all = Requests(5);
  all.share_seen = 1;
  const FrameRoute route = MakeFrameRoute("digits", registry, {{"digits-v1", all}});
  EXPECT_EQ(route.versions[0].figures.share_seen, 1.0);
  EXPECT_EQ(route.versions[1].figures.share_seen, 0.0);
}

TEST(DemoFrame, OnlyTheChangesOfOthersAreNews) {
  RegistryPicture registry;
  for (std::size_t i = 0; i < 2 * kMaxShownChanges; ++i) {
    RegistryChange change;
    change.kind = "retire";
    change.to = "m" + std::to_string(i);
    change.actor = "local";
    change.origin = i % 2 == 0 ? "cli" : "demo";
    change.at = "2026-03-09T14:31:07.123456Z";
    change.route = "digits";
    registry.changes.push_back(change);
  }
  const std::vector<std::string> shown = ShownChanges(registry);
  ASSERT_EQ(shown.size(), kMaxShownChanges);
  EXPECT_EQ(shown[1], "14:31:07  digits  m2 retired by local (cli)");
  registry.changes.push_back(registry.changes.front());
  EXPECT_EQ(ShownChanges(registry).size(), kMaxShownChanges);
}

TEST(DemoFrame, FailedLoadsAndFaultsAreTold) {
  RegistryPicture registry;
  registry.versions = {Version("v1", "primary"), Version("v2", "standby")};
  registry.versions[1].load_state = "failed";
  registry.versions[1].load_error = "not an ONNX file";
  RegistryRoute table;
  table.route = "digits";
  table.faults = {"two rows are primary"};
  registry.routes = {table};
  EXPECT_EQ(TroublesOf(registry),
            (std::vector<std::string>{"digits: two rows are primary",
                                      "digits v2 is not loaded: not an ONNX file"}));
}

}  // namespace
}  // namespace podium::app
