// What a scraper reads: one wrong byte and the whole scrape is lost.
#include "base/exposition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <regex>
#include <sstream>
#include <string>

namespace podium {
namespace {

using ::testing::HasSubstr;

TEST(Exposition, WritesFamiliesAndSamples) {
  Exposition text;
  text.Family("podium_requests_total", "counter", "Requests answered.");
  text.Sample({{"route", "tumour"}, {"version", "v1"}}, 3);
  text.Sample({}, 0.25);
  text.Family("podium_up", "gauge", "1 while serving.");
  text.Sample({}, 1);
  EXPECT_EQ(text.Take(),
            "# HELP podium_requests_total Requests answered.\n"
            "# TYPE podium_requests_total counter\n"
            "podium_requests_total{route=\"tumour\",version=\"v1\"} 3\n"
            "podium_requests_total 0.25\n"
            "# HELP podium_up 1 while serving.\n"
            "# TYPE podium_up gauge\n"
            "podium_up 1\n");
}

TEST(Exposition, EscapesLabelValues) {
  Exposition text;
  text.Family("f", "gauge", "h");
  text.Sample({{"path", "a\\b\"c\nd"}}, 1);
  EXPECT_THAT(text.Take(), HasSubstr(R"(f{path="a\\b\"c\nd"} 1)"));
}

TEST(Exposition, WritesNumbersAsScrapersReadThem) {
  struct Case {
    double value;
    const char* want;
  };
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const Case& c :
       {Case{0, "0"}, Case{-2, "-2"}, Case{1e14, "100000000000000"}, Case{1e18, "1e+18"},
        Case{0.1, "0.1"}, Case{kInfinity, "+Inf"}, Case{-kInfinity, "-Inf"},
        Case{std::numeric_limits<double>::quiet_NaN(), "NaN"}}) {
    Exposition text;
    text.Family("f", "gauge", "h");
    text.Sample({}, c.value);
    EXPECT_THAT(text.Take(), ::testing::EndsWith(std::string("\nf ") + c.want + "\n"));
  }
}

TEST(Exposition, HistogramsAreCumulativeInSeconds) {
  Histogram histogram;
  for (const int micros : {80, 900, 900, 40'000, 20'000'000}) {
    histogram.Record(std::chrono::microseconds(micros));
  }
  Exposition exposition;
  exposition.Family("latency_seconds", "histogram", "h");
  exposition.Sample({{"route", "r"}}, histogram.Snapshot());
  const std::string text = exposition.Take();
  for (const char* line : {
           "latency_seconds_bucket{route=\"r\",le=\"0.0001\"} 1\n",
           "latency_seconds_bucket{route=\"r\",le=\"0.0005\"} 1\n",
           "latency_seconds_bucket{route=\"r\",le=\"0.001\"} 3\n",
           "latency_seconds_bucket{route=\"r\",le=\"0.05\"} 4\n",
           "latency_seconds_bucket{route=\"r\",le=\"10\"} 4\n",
           "latency_seconds_bucket{route=\"r\",le=\"+Inf\"} 5\n",
           "latency_seconds_sum{route=\"r\"} 20.04188\n",
           "latency_seconds_count{route=\"r\"} 5\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  Exposition bare;
  bare.Family("l", "histogram", "h");
  bare.Sample({}, HistogramSnapshot());
  EXPECT_THAT(bare.Take(), HasSubstr("l_bucket{le=\"+Inf\"} 0\nl_sum 0\nl_count 0\n"));
}

TEST(Exposition, EveryLineFollowsTheGrammar) {
  Histogram histogram;
  histogram.Record(std::chrono::milliseconds(3));
  Exposition exposition;
  exposition.Family("f_seconds", "histogram", "Some help.");
  exposition.Sample({{"a", "x y"}, {"b", ""}}, histogram.Snapshot());
  std::istringstream lines(exposition.Take());
  const std::regex grammar(
      R"re((# (HELP|TYPE) [a-z_]+ .+)|([a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [-+.0-9e]+))re");
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    EXPECT_TRUE(std::regex_match(line, grammar)) << line;
  }
  EXPECT_EQ(count, 2 + 16 + 3);
}

}  // namespace
}  // namespace podium
