#include "app/demo_examples.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace podium::app {
namespace {

std::string FileBytes(const std::string& name) {
  std::ifstream file(std::string(PODIUM_SOURCE_DIR) + "/examples/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The binary alone must suffice: what is in it is byte for byte what the examples are.
TEST(DemoAssets, AreTheCommittedFiles) {
  std::size_t total = 0;
  for (const DemoAsset& asset : DemoAssets()) {
    const std::string route(asset.route);
    SCOPED_TRACE(route);
    EXPECT_EQ(asset.rows, FileBytes(route + ".rows.json"));
    total += asset.rows.size();
    for (const DemoModelAsset& model : asset.models) {
      if (model.version.empty()) continue;  // tumour has two.
      const std::string stem = route + "-" + std::string(model.version);
      EXPECT_FALSE(model.onnx.empty());
      EXPECT_EQ(model.onnx, FileBytes(stem + ".onnx"));
      EXPECT_EQ(model.signature, FileBytes(stem + ".signature.json"));
      total += model.onnx.size() + model.signature.size();
    }
  }
  EXPECT_LT(total, std::size_t{1024} * 1024);
}

TEST(DemoExamples, AreReadAsTheReadmeDescribesThem) {
  const Result<std::vector<DemoRoute>> routes = ReadDemoRoutes();
  ASSERT_TRUE(routes) << routes.error().message;
  ASSERT_EQ(routes->size(), 2U);
  const DemoRoute& tumour = routes->at(0);
  const DemoRoute& digits = routes->at(1);
  EXPECT_EQ(tumour.route, "tumour");
  EXPECT_EQ(tumour.rows.size(), 285U);
  EXPECT_EQ(tumour.label_names, (std::vector<std::string>{"malignant", "benign"}));
  EXPECT_EQ(digits.rows.size(), 899U);
  EXPECT_EQ(digits.labels.size(), 899U);
  EXPECT_EQ(tumour.versions.size(), 2U);
  ASSERT_EQ(digits.versions.size(), 3U);
  EXPECT_TRUE(digits.has_rollout());
  EXPECT_EQ(digits.candidate(DemoCandidate::kBetter).model_id, "digits-v2");
  EXPECT_EQ(digits.candidate(DemoCandidate::kWorse).model_id, "digits-v3");
  EXPECT_EQ(digits.versions[1].model_id, "digits-v2");
  EXPECT_EQ(digits.versions[1].version, "v2");
  EXPECT_NEAR(digits.versions[1].metrics["accuracy"].get<double>(), 0.9733, 0.0001);
  EXPECT_EQ(digits.versions[1].signature["columns"].size(), 64U);
}

// A rows file that lost half of its labels would show accuracies of nothing.
TEST(DemoExamples, WhatDoesNotBelongTogetherIsRefused) {
  for (const std::string_view rows :
       {R"([])", R"({"rows":[[1],[2]],"labels":[0],"label_names":["a"]})",
        R"({"rows":[],"labels":[],"label_names":[]})",
        R"({"rows":[[1]],"labels":["a"],"label_names":[]})", R"({"labels":[0],"label_names":[]})",
        R"({"rows":)"}) {
    SCOPED_TRACE(rows);
    DemoAsset asset = DemoAssets()[0];
    asset.rows = rows;
    EXPECT_FALSE(ReadDemoRoute(asset));
  }
}

TEST(DemoExamples, ShuffledLabelsAreTheSameOnesElsewhere) {
  DemoRoute route = std::move(ReadDemoRoute(DemoAssets()[1])).value();
  std::vector<int> before = route.labels;
  SeededRng rng(7);
  ShuffleLabels(route, rng);
  std::size_t same = 0;
  for (std::size_t i = 0; i < before.size(); ++i) same += before[i] == route.labels[i] ? 1 : 0;
  EXPECT_LT(same, before.size() / 5);  // One in ten by chance.
  std::vector<int> after = route.labels;
  std::sort(before.begin(), before.end());
  std::sort(after.begin(), after.end());
  EXPECT_EQ(before, after);
}

TEST(DemoExamples, AnAnswerIsRightOnlyWhenItSaysSo) {
  struct Case {
    const char* answer;
    bool want;
  };
  const Case cases[] = {
      {R"({"predictions":[6],"model":"digits-v1","version":"v1"})", true},
      {R"({"predictions":[6.0]})", true},
      {R"({"predictions":[5]})", false},
      {R"({"predictions":["6"]})", false},
      {R"({"predictions":[[6]]})", false},
      {R"({"predictions":[6,6]})", false},
      {R"({"predictions":[]})", false},
      {R"({"predictions":6})", false},
      {R"({"detail":"6"})", false},
      {"[6]", false},
      {"", false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.answer);
    EXPECT_EQ(IsRight(c.answer, 6), c.want);
  }
}

TEST(DemoExamples, ABodyHoldsOneRow) { EXPECT_EQ(RowBody("[1,2.5]"), R"({"rows":[[1,2.5]]})"); }

}  // namespace
}  // namespace podium::app
