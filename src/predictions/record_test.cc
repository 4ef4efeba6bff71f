// A line of the log must be read by any tool as JSON, must say what was predicted, and must not say
// what was to be kept out.
#include "predictions/record.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/json.h"
#include "testing/sim_clock.h"

namespace podium::predictions {
namespace {

Record FullRecord() {
  Record record;
  PredictionRow& row = record.row;
  row.at = testing::SimClock::kStart + std::chrono::microseconds(7);
  row.id = PredictionId(row.at, "abc");
  row.request_id = "req\"1\n";
  row.route = "tumour";
  row.unit = "alice";
  row.unit_kind = UnitKind::kSession;
  row.assigned = "tumour-v2";
  row.served = "tumour-v1";
  row.arm = "canary";
  row.reason = "primary_fallback";
  row.propensity = 0.05;
  row.keep = 0.5;
  row.bucket = 9'999;
  row.generation = Generation((std::uint64_t{3} << 40U) + 17);
  row.outcome = PredictionOutcome::kTimeout;
  row.status = 504;
  row.latency = std::chrono::microseconds(1'234);
  row.cost = NanoUsd{150};
  row.rows = 3;
  row.scores = {0.1, 1e-300, 0.30000000000000004};
  row.replica = "r1";
  return record;
}

Payload Sent(std::string bytes) {
  const std::size_t size = bytes.size();
  return {std::move(bytes), size};
}

RouteLogging Policy(std::vector<std::string> redact = {}) {
  RouteLogging policy;
  policy.redact = std::move(redact);
  return policy;
}

Json LineJson(const Record& record, const RouteLogging& policy) {
  const std::string line = LineOf(record, policy);
  EXPECT_EQ(line.find('\n'), line.size() - 1) << line;
  Result<Json> json = ParseJson(std::string_view(line).substr(0, line.size() - 1));
  EXPECT_TRUE(json) << line;
  return json ? *std::move(json) : Json();
}

std::string_view WithoutEnd(const std::string& line) {
  return std::string_view(line).substr(0, line.size() - 1);
}

TEST(PredictionLine, WhatTheIndexNeedsComesBackAsItWas) {
  const Record record = FullRecord();
  const Result<PredictionRow> row = RowOfLine(WithoutEnd(LineOf(record, Policy())));
  ASSERT_TRUE(row) << Describe(row.error());
  EXPECT_EQ(*row, record.row);
}

TEST(PredictionLine, WhatIsNotKnownComesBackAsNotKnown) {
  Record record;
  record.row.id = "0123";
  record.row.route = "r";
  record.row.arm = "no_primary";
  record.row.reason = "assigned";
  const Result<PredictionRow> row = RowOfLine(WithoutEnd(LineOf(record, Policy())));
  ASSERT_TRUE(row) << Describe(row.error());
  EXPECT_EQ(*row, record.row);
  EXPECT_FALSE(row->cost);
}

// JSON has no NaN: a score that is none must not cost the line.
TEST(PredictionLine, AScoreThatIsNoNumberIsNull) {
  Record record = FullRecord();
  record.row.scores = {0.5, std::nan(""), INFINITY};
  EXPECT_EQ(LineJson(record, Policy())["scores"], Json::parse("[0.5, null, null]"));
  const Result<PredictionRow> row = RowOfLine(WithoutEnd(LineOf(record, Policy())));
  ASSERT_TRUE(row);
  ASSERT_EQ(row->scores.size(), 3U);
  EXPECT_TRUE(std::isnan(row->scores[1]));
}

// A caller chooses its ids; none may look like another part of the line.
TEST(PredictionLine, TextOfCallersCannotEndTheIndexedPart) {
  Record record = FullRecord();
  record.row.request_id = "x\",\"request\":{\"a\":1},\"id\":\"y";
  record.row.unit = ",\"request\":";
  const Result<PredictionRow> row = RowOfLine(WithoutEnd(LineOf(record, Policy())));
  ASSERT_TRUE(row) << Describe(row.error());
  EXPECT_EQ(row->request_id, record.row.request_id);
  EXPECT_EQ(row->unit, record.row.unit);
}

TEST(PredictionLine, PayloadsStandAsJsonWhereTheyAreAndAsTextElse) {
  struct Case {
    const char* name;
    std::optional<Payload> payload;
    const char* want;
  };
  const Case cases[] = {
      {"none", std::nullopt, "null"},
      {"an object", Sent(R"({"rows":[[1.50,2]]})"), R"({"rows":[[1.50,2]]})"},
      {"in lines", Sent("{\n  \"a\": 1,\r\n  \"b\": \"x\\ny\"\n}"), R"({"a":1,"b":"x\ny"})"},
      {"a stream", Sent("data: {\"a\": 1}\n\n"), R"("data: {\"a\": 1}\n\n")"},
      {"twice the same key", Sent(R"({"a":1,"a":2})"), R"("{\"a\":1,\"a\":2}")"},
      {"too long", Payload{"", limits::kMaxPredictionPayload + 1}, "null"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Record record = FullRecord();
    record.request = c.payload;
    const Json line = LineJson(record, Policy());
    EXPECT_EQ(line["request"], Json::parse(c.want));
    EXPECT_EQ(line["request_bytes"], c.payload ? c.payload->size : 0);
    EXPECT_TRUE(RowOfLine(DumpJson(line)));
  }
}

// Numbers keep their digits: what is asked again must be what was asked.
TEST(PredictionLine, APayloadIsWrittenAsItCame) {
  Record record = FullRecord();
  record.request =
      Sent(R"({"x":0.1000000000000000055511151231257827,"n":12345678901234567890123})");
  EXPECT_NE(LineOf(record, Policy()).find("0.1000000000000000055511151231257827"),
            std::string::npos);
}

TEST(PredictionLine, WhatIsRedactedIsNowhereInTheLine) {
  struct Case {
    const char* name;
    const char* body;
    std::vector<std::string> pointers;
  };
  const Case cases[] = {
      {"a member", R"({"name":"secret","n":1})", {"/name"}},
      {"of each message",
       R"({"messages":[{"content":"secret"},{"content":["secret"]}]})",
       {"/messages/*/content"}},
      {"by index", R"({"rows":[[1,"secret"]]})", {"/rows/0/1"}},
      {"an escaped name", R"({"a/b":{"c~d":"secret"}})", {"/a~1b/c~0d"}},
      {"everything", R"({"a":"secret"})", {""}},
      {"of any name", R"({"a":"secret","b":"secret"})", {"/*"}},
      {"what is no JSON", "secret in plain words", {"/name"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Record record = FullRecord();
    record.request = Sent(c.body);
    record.answer = Sent(c.body);
    record.other_answer = Sent(c.body);
    const std::string line = LineOf(record, Policy(c.pointers));
    EXPECT_EQ(line.find("secret"), std::string::npos) << line;
    EXPECT_NE(line.find(kRedacted), std::string::npos) << line;
    EXPECT_TRUE(RowOfLine(WithoutEnd(line)));
  }
}

TEST(PredictionLine, APointerThatNamesNothingChangesNothing) {
  Json value = Json::parse(R"({"a":[1,2],"b":"x"})");
  const Json before = value;
  EXPECT_EQ(Redact(value, {"/c", "/a/2", "/a/-1", "/b/c", "/a/x"}), 0U);
  EXPECT_EQ(value, before);
}

TEST(PredictionLine, PointersOfSettingsAreChecked) {
  for (const char* good : {"", "/a", "/a~0b", "/messages/*/content", "/"}) {
    EXPECT_TRUE(IsJsonPointer(good)) << good;
  }
  for (const char* bad : {"a", "a/b", "/a~", "/a~2"}) EXPECT_FALSE(IsJsonPointer(bad)) << bad;
}

ChallengerRecord LateRecord() {
  ChallengerRecord record;
  record.choice = ChallengerChoice::kLate;
  record.u = 0.95;
  record.weight = 0.1;
  record.agrees = true;
  record.champion = {"v1", SideOutcome::kAnswered, std::chrono::microseconds(9), {0.7}};
  record.challenger = {"v3", SideOutcome::kUnknown, std::nullopt, {}};
  return record;
}

// D4: one record holds both predictions, both latencies and the choice; the index reads it too.
TEST(PredictionLine, WhatAChallengerSaidGoesAlong) {
  Record record = FullRecord();
  record.row.challenger = LateRecord();
  record.other_answer = Sent("{\"y\":1}");
  const std::string line = LineOf(record, Policy());
  const Json json = LineJson(record, Policy());
  EXPECT_EQ(json["challenger"]["choice"], "late");
  EXPECT_EQ(json["challenger"]["agrees"], true);
  EXPECT_EQ(json["challenger"]["champion"]["latency_us"], 9);
  EXPECT_EQ(json["challenger"]["champion"]["scores"], Json::parse("[0.7]"));
  EXPECT_EQ(json["challenger"]["challenger"]["outcome"], "unknown");
  EXPECT_EQ(json["other_answer"]["y"], 1);
  const Result<PredictionRow> row = RowOfLine(WithoutEnd(line));
  ASSERT_TRUE(row) << Describe(row.error());
  EXPECT_EQ(*row, record.row);
  record.row.challenger.reset();
  EXPECT_TRUE(LineJson(record, Policy())["challenger"].is_null());
}

// A segment of the release before has lines without it.
TEST(PredictionLine, AnEarlierLineHasNoChallenger) {
  std::string line = LineOf(FullRecord(), Policy());
  const std::string own = ",\"challenger\":null";
  line.erase(line.find(own), own.size());
  const Result<PredictionRow> row = RowOfLine(WithoutEnd(line));
  ASSERT_TRUE(row) << Describe(row.error());
  EXPECT_EQ(*row, FullRecord().row);
}

TEST(PredictionLine, OtherLinesAreRefused) {
  const std::string good = LineOf(FullRecord(), Policy());
  for (const std::string& bad :
       {std::string(), std::string("{}"), std::string("null"), good.substr(0, 40), good.substr(1),
        std::string("{\"id\":\"x\",\"request\":null}")}) {
    EXPECT_FALSE(RowOfLine(bad)) << bad;
  }
}

TEST(PredictionLine, AHashedUnitIsTheSameTextForTheSameUnit) {
  const std::string hashed = KeptUnit("alice", Units::kHashed);
  EXPECT_EQ(hashed, KeptUnit("alice", Units::kHashed));
  EXPECT_NE(hashed, KeptUnit("bob", Units::kHashed));
  EXPECT_EQ(hashed.size(), 32U);
  EXPECT_EQ(KeptUnit("alice", Units::kPlain), "alice");
}

TEST(LoggingPolicy, ARouteMayDifferFromTheRest) {
  LoggingPolicy policy;
  EXPECT_FALSE(policy.any());
  policy.routes["chat"].log = true;
  EXPECT_TRUE(policy.any());
  EXPECT_TRUE(policy.Of("chat").log);
  EXPECT_FALSE(policy.Of("tumour").log);
}

}  // namespace
}  // namespace podium::predictions
