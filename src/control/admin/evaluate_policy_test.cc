// A split as it is typed: each version once, a hundred percent in all, or what is wrong with it.
#include "control/admin/evaluate_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace podium::control {
namespace {

using ::testing::HasSubstr;

ModelVersion NamedRow(std::string model_id, std::string version) {
  ModelVersion row;
  row.model_id = ModelId(std::move(model_id));
  row.version = std::move(version);
  return row;
}

std::vector<ModelVersion> PolicyVersions() {
  return {NamedRow("m-1", "1"), NamedRow("m-2", "2"), NamedRow("m-x", "a=b"),
          NamedRow("m-old", "twin"), NamedRow("m-new", "twin")};
}

TEST(EvaluatePolicy, NamesVersionsOrIdsWithTheirPercent) {
  struct Case {
    const char* text;
    std::vector<std::pair<std::string, double>> want;
  };
  const Case cases[] = {
      {"2=100", {{"m-2", 1}}},
      {"1=50,2=50", {{"m-1", 0.5}, {"m-2", 0.5}}},
      {"m-1=0,2=100", {{"m-1", 0}, {"m-2", 1}}},
      {"1=12.5,m-2=87.5", {{"m-1", 0.125}, {"m-2", 0.875}}},
      {"a=b=100", {{"m-x", 1}}},
      {"m-new=100", {{"m-new", 1}}},
  };
  for (const Case& c : cases) {
    const auto policy = ReadPolicy(PolicyVersions(), c.text);
    ASSERT_TRUE(policy) << c.text << ": " << policy.error().message;
    ASSERT_EQ(policy->size(), c.want.size()) << c.text;
    for (std::size_t i = 0; i < c.want.size(); ++i) {
      EXPECT_EQ((*policy)[i].model_id, c.want[i].first) << c.text;
      EXPECT_DOUBLE_EQ((*policy)[i].share, c.want[i].second) << c.text;
    }
  }
}

TEST(EvaluatePolicy, WhatWasRoundedAddsUpToOneAgain) {
  const auto policy = ReadPolicy(PolicyVersions(), "1=33.333333,2=33.333333,m-x=33.333333");
  ASSERT_TRUE(policy) << policy.error().message;
  double sum = 0;
  for (const PolicyShare& share : *policy) sum += share.share;
  EXPECT_DOUBLE_EQ(sum, 1);
}

TEST(EvaluatePolicy, WhatIsNoneSaysWhy) {
  struct Case {
    std::string text;
    ErrorCode code;
    const char* want;
  };
  using enum ErrorCode;
  std::string many = "1=0";
  for (int i = 0; i < 64; ++i) many += ",1=0";
  const Case cases[] = {
      {"", kInvalidArgument, "\"\" is no version"},
      {"2", kInvalidArgument, "\"2\" is no version"},
      {"=100", kInvalidArgument, "\"=100\" is no version"},
      {"1=50,", kInvalidArgument, "\"\" is no version"},
      {"1=", kInvalidArgument, "no percent"},
      {"1=half", kInvalidArgument, "no percent"},
      {"1=50%,2=50%", kInvalidArgument, "no percent"},
      {"1=-1,2=101", kInvalidArgument, "no percent"},
      {"1=nan", kInvalidArgument, "no percent"},
      {"1=inf", kInvalidArgument, "no percent"},
      {"1=50,m-1=50", kInvalidArgument, "\"m-1\" is there twice"},
      {"1=50,2=49", kInvalidArgument, "add up to 99"},
      {"twin=100", kInvalidArgument, "several versions are called \"twin\""},
      {"3=100", kNotFound, "no version \"3\""},
      {many, kInvalidArgument, "twice"},
  };
  for (const Case& c : cases) {
    const auto policy = ReadPolicy(PolicyVersions(), c.text);
    ASSERT_FALSE(policy) << c.text;
    EXPECT_EQ(policy.error().code, c.code) << c.text;
    EXPECT_THAT(policy.error().message, HasSubstr(c.want));
  }
}

}  // namespace
}  // namespace podium::control
