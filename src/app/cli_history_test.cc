// What a person reads before a promote, and after an incident.
#include "app/cli_history.h"

#include <gtest/gtest.h>

namespace podium::app {
namespace {

TEST(CliDiff, SaysFirstWhetherCallersBreak) {
  const Json diff = *ParseJson(R"({
    "from":{"model_id":"a","route":"iris","version":"1"},
    "to":{"model_id":"b","route":"iris","version":"2"},
    "artifact":{"same":false,"from":"aa","to":"bb"},
    "signature":{"fit":"incompatible","differences":["input \"x\" is FP64 instead of FP32"],
                 "unknown":[]},
    "fields":[{"name":"version","from":"1","to":"2"}],
    "metrics":[{"name":"auc","from":0.5,"to":0.75,"difference":0.25,"ratio":1.5}],
    "tags":[{"name":"team","from":null,"to":"lab"}],
    "lineage":{"relation":"made from it","from":{"parent_id":null,"source_run":null},
               "to":{"parent_id":"a","source_run":null}}})");
  EXPECT_EQ(DescribeDiff(diff),
            "iris@1 (a) → iris@2 (b)\n"
            "signature: NOT compatible, callers of the first break\n"
            "  input \"x\" is FP64 instead of FP32\n"
            "artifact: other bytes\n"
            "lineage: the second is made from it\n"
            "\n"
            "WHAT           FROM  TO    DIFFERENCE\n"
            "field version  1     2              -\n"
            "metric auc     0.5   0.75       +0.25\n"
            "tag team       -     lab            -\n"
            "parent_id      -     a              -\n");
}

TEST(CliAsOf, ShowsWhoHeldWhatAndWhy) {
  const Json standing = *ParseJson(R"({
    "route":"iris","revision":4,"generation":4,"traffic_pct":5,"salt":"r1","canary_salt":"c1",
    "primary":{"model_id":"a","version":"1","deleted_since":true,
      "by":{"kind":"activate","actor":"ann","origin":"cli","at":"T1","revision":3,"reason":null}},
    "canary":{"model_id":"b","version":"2","deleted_since":false,
      "by":{"kind":"ramp","actor":"bob","origin":"api","at":"T2","revision":4,"reason":"try it"}},
    "arms":[],"arms_by":null,"unknown":["something"],
    "newest_change":{"kind":"ramp","actor":"bob","origin":"api","at":"T2","revision":4}})");
  EXPECT_EQ(DescribeStanding(standing, "T3"),
            "Route iris at T3: generation 4\n"
            "\n"
            "ROLE     VERSION               SHARE  SINCE\n"
            "primary  1 (a), deleted since      -  activate by ann (cli) at T1, revision 3\n"
            "canary   2 (b)                   5 %  ramp by bob (api) at T2, revision 4: try it\n"
            "\n"
            "salt r1, canary salt c1\n"
            "newest change: ramp by bob (api) at T2, revision 4\n"
            "not known:\n"
            "  something\n");
}

// Text from a registry is text from outside: nothing in it may steer the terminal.
TEST(CliAsOf, PrintsNothingThatSteersATerminal) {
  const Json standing = *ParseJson(
      R"({"route":"a\u001b[2J","salt":"\u0007","primary":null,"canary":null,"unknown":["\u001b"]})");
  EXPECT_EQ(DescribeStanding(standing, "now").find_first_of("\x1b\x07"), std::string::npos);
}

}  // namespace
}  // namespace podium::app
