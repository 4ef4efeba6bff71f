// Each figure equals scikit-learn's, numpy's or scipy's on the demo's own models and data
// (tools/make_compare_golden.py): a figure that is off compares wrongly and nobody notices.
#include "control/analytics/compare_statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

#include "base/json.h"

namespace podium::control {
namespace {

constexpr double kExact = 1e-9;

const Json& GoldenFigures() {
  static const Json golden = [] {
    std::ifstream file(PODIUM_SOURCE_DIR "/tests/data/compare/golden.json");
    std::stringstream text;
    text << file.rdbuf();
    Result<Json> parsed = ParseJson(text.str());
    EXPECT_TRUE(parsed) << "tests/data/compare/golden.json";
    return parsed ? *std::move(parsed) : Json();
  }();
  return golden;
}

void ExpectGolden(const std::optional<Estimate>& got, const Json& want, const char* what) {
  SCOPED_TRACE(what);
  ASSERT_EQ(got.has_value(), !want.is_null());
  if (!got) return;
  EXPECT_NEAR(got->value, want["value"].get<double>(), kExact);
  EXPECT_NEAR(got->low, want["low"].get<double>(), kExact);
  EXPECT_NEAR(got->high, want["high"].get<double>(), kExact);
  EXPECT_EQ(got->n, want["n"].get<std::int64_t>());
}

std::vector<Scored> PairsOf(const Json& labels, const Json& scores) {
  std::vector<Scored> pairs;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    pairs.push_back({labels[i].get<double>(), scores[i].get<double>()});
  }
  return pairs;
}

TEST(CompareGolden, BinaryFiguresAreScikitLearns) {
  ASSERT_GE(GoldenFigures()["binary"].size(), 6U);
  for (const Json& c : GoldenFigures()["binary"]) {
    SCOPED_TRACE(c["name"].get<std::string>());
    const std::vector<Scored> pairs = PairsOf(c["labels"], c["scores"]);
    const Confusion found = ConfusionOf(pairs, c["threshold"].get<double>());
    const Json& want = c["figures"];
    ExpectGolden(AucOf(pairs), want["auc"], "auc");
    ExpectGolden(LogLossOf(pairs), want["log_loss"], "log_loss");
    ExpectGolden(ShareOf(found.true_positives + found.true_negatives,
                         static_cast<std::int64_t>(pairs.size())),
                 want["accuracy"], "accuracy");
    ExpectGolden(ShareOf(found.true_positives, found.true_positives + found.false_positives),
                 want["precision"], "precision");
    ExpectGolden(ShareOf(found.true_positives, found.true_positives + found.false_negatives),
                 want["recall"], "recall");
  }
}

TEST(CompareGolden, QuantilesAreNumpys) {
  std::vector<double> values;
  for (const Json& value : GoldenFigures()["latency"]["values"])
    values.push_back(value.get<double>());
  std::ranges::sort(values);
  for (const Json& c : GoldenFigures()["latency"]["quantiles"]) {
    ExpectGolden(QuantileOf(values, c["q"].get<double>()), c["estimate"], "quantile");
  }
}

TEST(CompareGolden, MeansAreNumpysAndSharesScipys) {
  std::vector<double> absolute;
  std::vector<double> squared;
  for (const Json& error : GoldenFigures()["quantity"]["errors"]) {
    absolute.push_back(std::fabs(error.get<double>()));
    squared.push_back(error.get<double>() * error.get<double>());
  }
  ExpectGolden(MeanOf(absolute), GoldenFigures()["quantity"]["absolute_error"], "absolute");
  ExpectGolden(MeanOf(squared), GoldenFigures()["quantity"]["squared_error"], "squared");
  for (const Json& c : GoldenFigures()["shares"]) {
    ExpectGolden(ShareOf(c["successes"].get<std::int64_t>(), c["n"].get<std::int64_t>()), c,
                 "share");
  }
}

TEST(CompareStatistics, NothingGivesNothing) {
  EXPECT_FALSE(ShareOf(0, 0));
  EXPECT_FALSE(MeanOf({}));
  EXPECT_FALSE(QuantileOf({}, 0.5));
  EXPECT_FALSE(LogLossOf({}));
  EXPECT_FALSE(AucOf({}));
  const std::vector<Scored> one_class = {{1, 0.2}, {1, 0.9}};
  EXPECT_FALSE(AucOf(one_class));
}

TEST(CompareStatistics, OfOneValueNothingIsKnownBeyondIt) {
  const std::vector<double> one = {3.0};
  EXPECT_EQ(MeanOf(one)->value, 3.0);
  EXPECT_TRUE(std::isinf(MeanOf(one)->high));
  EXPECT_EQ(QuantileOf(one, 0.99)->value, 3.0);
}

// All apart, or all tied: DeLong's variance is 0, but nobody is certain after ten rows.
TEST(CompareStatistics, APerfectAucIsNotCertain) {
  std::vector<Scored> apart;
  std::vector<Scored> tied;
  for (int i = 0; i < 5; ++i) {
    apart.push_back({1, 0.8 + i * 0.01});
    apart.push_back({0, 0.2 + i * 0.01});
    tied.push_back({1, 0.5});
    tied.push_back({0, 0.5});
  }
  EXPECT_EQ(AucOf(apart)->value, 1);
  EXPECT_LT(AucOf(apart)->low, 0.7);
  EXPECT_EQ(AucOf(apart)->high, 1);
  EXPECT_EQ(AucOf(tied)->value, 0.5);
  EXPECT_LT(AucOf(tied)->low, 0.3);
  EXPECT_GT(AucOf(tied)->high, 0.7);
}

TEST(CompareStatistics, TheOrderOfThePairsDoesNotMatter) {
  const Json& c = GoldenFigures()["binary"][0];
  std::vector<Scored> pairs = PairsOf(c["labels"], c["scores"]);
  const Estimate before = *AucOf(pairs);
  std::ranges::reverse(pairs);
  EXPECT_NEAR(AucOf(pairs)->value, before.value, 1e-12);
  EXPECT_NEAR(AucOf(pairs)->low, before.low, 1e-12);
}

}  // namespace
}  // namespace podium::control
