// What a rollout's verbs answer people: who has just moved traffic is told the way on, or back.
#include "app/cli_rollout_text.h"

#include <gtest/gtest.h>

#include <string>

namespace podium::app {
namespace {

Json MoveThat(const std::string& phase) {
  return {{"route", "tumour"},
          {"candidate", "tumour-v2"},
          {"candidate_version", "2"},
          {"phase", phase},
          {"step", 2},
          {"steps", 4},
          {"traffic_pct", 5},
          {"said", "local:alice: go"},
          {"generation", 9},
          {"changed", true}};
}

TEST(DescribeMove, EndsWithTheWayOnOrBack) {
  struct Case {
    const char* phase;
    const char* want;
  };
  for (const Case& c : {
           Case{"running",
                "tumour: step 2 of 4 (5 %), local:alice: go (generation 9). Watch: podium rollout "
                "show tumour --watch. Undo: podium rollout abort tumour"},
           Case{
               "paused",
               "tumour: paused at step 2 of 4 (5 %), local:alice: go (generation 9). Go on: podium "
               "rollout resume tumour"},
           Case{"promoted",
                "tumour: promoted, local:alice: go (generation 9). Undo: podium rollback tumour"},
           Case{"rolled_back",
                "tumour: rolled back, local:alice: go (generation 9). Again: podium rollout start "
                "tumour 2"},
       }) {
    EXPECT_EQ(DescribeMove(MoveThat(c.phase)), c.want);
  }
}

// Two people abort at once: the second must not believe to have done it.
TEST(DescribeMove, SaysThatItWasSoAlready) {
  Json answer = MoveThat("aborted");
  answer["changed"] = false;
  answer["said"] = nullptr;
  answer["candidate_version"] = nullptr;
  EXPECT_EQ(DescribeMove(answer),
            "it was so already: tumour: aborted (generation 9). Again: podium rollout start tumour "
            "tumour-v2");
}

// Which step is too small to ever pass is why a plan is tried before it is begun.
TEST(OutlookTable, SaysWhatEachStepNeeds) {
  EXPECT_EQ(OutlookTable(Json::object()), "");
  const Json outlook = {{"steps",
                         {{{"traffic_pct", 1},
                           {"requests_to_pass", nullptr},
                           {"waits_for", "latency"},
                           {"requests_to_catch_double_errors", 1200}},
                          {{"traffic_pct", 50}, {"requests_to_pass", 7.0}}}}};
  const std::string text = OutlookTable(outlook);
  const std::size_t second = text.find("50 %");
  ASSERT_NE(second, std::string::npos) << text;
  for (const char* part : {"1 %", "never", "latency", "1,200"}) {
    EXPECT_LT(text.find(part), second) << part << "\n" << text;
  }
  EXPECT_NE(text.find('7', second), std::string::npos) << text;
}

// A warning comes from the server: it never steers the terminal.
TEST(OutlookWarnings, AreLinesOfText) {
  EXPECT_EQ(OutlookWarnings(Json::object()), "");
  const Json outlook = {{"warnings", {"too little", 7, "a\x1b[2Jb"}}};
  const std::string text = OutlookWarnings(outlook);
  EXPECT_TRUE(text.starts_with("warning: too little\nwarning: a")) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace podium::app
