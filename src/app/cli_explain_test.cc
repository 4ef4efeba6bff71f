// What a person at 3 a.m. reads: the answer first, then the steps, then what would change it.
#include "app/cli_explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace podium::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

Json Replay() {
  return Json::parse(R"({"route":"tumour","generation":7,
    "in_force_since":{"generation":5,"at":"2026-03-09T14:31:07.000000Z"},"changed_by_sql":false,
    "policy":"fixed","sticky_on":"session","unit":{"kind":"session","value":"alice"},
    "assigned":{"model_id":"tumour-v1","version":"1"},"reason":"primary","propensity":0.95,
    "layer":"canary","salt_of":"canary","salt":"r1","hash":"00000000000000ff","bucket":26,
    "fine_bucket":2643,"buckets":[
      {"from":0,"below":500,"reason":"canary","version":{"model_id":"tumour-v2","version":"2"},"here":false},
      {"from":500,"below":10000,"reason":"primary","version":{"model_id":"tumour-v1","version":"1"},"here":true}],
    "traffic_pct":5,"canary":{"model_id":"tumour-v2","version":"2"},"canary_from_pct":26.44,
    "faults":[]})");
}

TEST(CliExplain, TheAnswerThenTheStepsThenWhatElse) {
  EXPECT_EQ(
      DescribeReplay(Replay()),
      R"(At generation 7, session "alice" of tumour gets version 1 (tumour-v1), the primary: its bucket 2643 is not below the canary's 500 (5 %).

STEP    VALUE
table   generation 7, as it stands since 5 (2026-03-09T14:31:07.000000Z)
unit    session "alice" (the route sticks to: session)
salt    "r1", the canary's; layer: canary
hash    00000000000000ff
bucket  26 of 100, fine 2643 of 10,000

BUCKETS   SHARE  REASON   VERSION                HERE
0-499       5 %  canary   version 2 (tumour-v2)
500-9999   95 %  primary  version 1 (tumour-v1)  <- this one

From a canary share of 26.44 % on it gets version 2 (tumour-v2).
)");
}

TEST(CliExplain, EachReasonHasItsSentence) {
  Json canary = Replay();
  canary["reason"] = "canary";
  canary["fine_bucket"] = 243;
  canary["canary_from_pct"] = 2.44;
  EXPECT_THAT(DescribeReplay(canary), HasSubstr("the canary: its bucket 243 is below 500 (5 %)."));
  EXPECT_THAT(DescribeReplay(canary), HasSubstr("It stays with version 2 (tumour-v2) down to a "
                                                "share of 2.44 %; below that it gets the "
                                                "primary."));
  Json arm = Replay();
  arm["policy"] = "ab";
  EXPECT_THAT(DescribeReplay(arm), HasSubstr("the primary: its bucket 2643 is no arm's."));
  EXPECT_THAT(DescribeReplay(arm), HasSubstr("Only other arms"));
  arm["reason"] = "arm";
  EXPECT_THAT(DescribeReplay(arm), HasSubstr("an arm: its bucket 2643 lies in 500 to 9999."));
  Json plain = Replay();
  plain["traffic_pct"] = 0;
  plain["canary_from_pct"] = nullptr;
  EXPECT_THAT(DescribeReplay(plain), HasSubstr("no other version takes traffic."));
  EXPECT_THAT(DescribeReplay(plain), HasSubstr("A canary started now has a new salt"));
  plain["assigned"] = nullptr;
  EXPECT_THAT(DescribeReplay(plain), HasSubstr("gets nothing: the route has no primary."));
}

Json Request() {
  Json answer;
  answer["request"] = Json::parse(R"({"request_id":"r-1","matches":1,"at":"2026-03-09T14:31:07Z",
    "status":200,"route":"tumour","generation":7,"unit":{"kind":"session","value":"alice"},
    "assigned":{"model_id":"tumour-v2","version":"2"},"reason":"canary",
    "served":{"model_id":"tumour-v2","version":"2"},"serve_reason":"assigned"})");
  answer["agrees"] = true;
  answer["why_no_replay"] = nullptr;
  answer["replay"] = Replay();
  return answer;
}

TEST(CliExplain, ARequestIsToldWithItsVerdict) {
  EXPECT_THAT(DescribeRequest(Request()),
              StartsWith("Request r-1 of tumour (session \"alice\", 2026-03-09T14:31:07Z) was "
                         "answered with 200: it went to version 2 (tumour-v2) (reason: canary).\n"
                         "The table of generation 7 says the same.\n\nAt generation 7, "));
  Json differs = Request();
  differs["agrees"] = false;
  EXPECT_THAT(DescribeRequest(differs), HasSubstr("THE TABLE OF GENERATION 7 SAYS OTHERWISE"));
  Json fallback = Request();
  fallback["request"]["served"] = {{"model_id", "tumour-v1"}, {"version", "1"}};
  fallback["request"]["serve_reason"] = "primary_fallback";
  fallback["request"]["matches"] = 3;
  EXPECT_THAT(DescribeRequest(fallback),
              HasSubstr("which was not ready: version 1 (tumour-v1) took it instead "
                        "(primary_fallback)."));
  EXPECT_THAT(DescribeRequest(fallback), HasSubstr("3 of the requests kept have this id"));
  Json nobody = Request();
  nobody["request"]["served"] = nullptr;
  EXPECT_THAT(DescribeRequest(nobody), HasSubstr("neither that nor another version was ready"));
  Json cut = Request();
  cut["why_no_replay"] = "its session was cut";
  cut["replay"] = nullptr;
  EXPECT_THAT(DescribeRequest(cut), HasSubstr("Not replayed: its session was cut."));
  EXPECT_THAT(DescribeRequest(cut), Not(HasSubstr("STEP")));
}

// Keys and names come from anywhere: none of them may steer the terminal.
TEST(CliExplain, ControlCharactersAreNotPrinted) {
  Json answer = Request();
  answer["request"]["unit"]["value"] = "a\x1b[2J";
  answer["replay"]["unit"]["value"] = "a\x1b[2J";
  answer["replay"]["salt"] = "\x1b";
  answer["replay"]["buckets"][0]["version"]["version"] = "\x1b";
  EXPECT_THAT(DescribeRequest(answer), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace podium::app
