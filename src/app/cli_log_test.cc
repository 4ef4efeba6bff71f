// What the log's verbs print and ask for.
#include "app/cli_log.h"

#include <gtest/gtest.h>

#include "app/cli_compare.h"
#include "app/cli_log_replay.h"
#include "app/settings.h"

namespace podium::app {
namespace {

Json Parsed(const char* text) {
  Result<Json> json = ParseJson(text);
  EXPECT_TRUE(json) << text;
  return json ? *std::move(json) : Json();
}

TEST(LogCsv, HasTheColumnsOfItsHeadAndQuotesWhatNeedsIt) {
  const Json row = Parsed(
      R"({"id":"1","route":"a,b","request_id":"say \"hi\"","scores":[0.25,0.5],"status":200,
          "cost_usd":null,"feedback":[{"row":1,"label":0,"score":7},{"row":0,"label":1,"score":null}]})");
  const std::string line = CsvLine(row);
  EXPECT_NE(line.find("\"a,b\""), std::string::npos) << line;
  EXPECT_NE(line.find("\"say \"\"hi\"\"\""), std::string::npos) << line;
  EXPECT_NE(line.find(",0.25,1,,"), std::string::npos) << line;  // Score, label, no score of it.
  const std::string head = CsvHead();
  EXPECT_TRUE(head.ends_with("\r\n"));
  EXPECT_EQ(std::count(head.begin(), head.end(), ','), 26);
  const std::string plain = CsvLine(Parsed("{}"));
  EXPECT_EQ(std::count(plain.begin(), plain.end(), ','), 26);
}

// D4: both predictions, both latencies and the choice.
TEST(LogCsv, ACallWithAChallengerHasBothSides) {
  const Json row = Parsed(
      R"({"id":"1","replica":"r1","challenger":{"choice":"late",
          "champion":{"version":"v1","latency_us":9,"scores":[0.5,0.6]},
          "challenger":{"version":"v2","latency_us":null,"scores":[]}}})");
  EXPECT_TRUE(CsvLine(row).ends_with(",r1,late,0.5,9,,\r\n")) << CsvLine(row);
}

TEST(LogReplay, AnswersAreComparedWithoutWhoGaveThem) {
  struct Case {
    const char* name;
    const char* before;
    const char* after;
    bool same;
    double largest;
    const char* first;
  };
  const Case cases[] = {
      {"the same", R"({"predictions":[1,2],"model":"a","version":"1"})",
       R"({"predictions":[1,2],"model":"b","version":"2"})", true, 0, ""},
      {"rounding", R"({"p":[0.1]})", R"({"p":[0.10000000000000002]})", true, 1.3877787807814457e-17,
       ""},
      {"a number", R"({"p":[1,2]})", R"({"p":[1,2.5]})", false, 0.5, "/p/1"},
      {"the largest of all", R"({"p":[1,2]})", R"({"p":[1.25,1]})", false, 1, "/p/0"},
      {"text", R"({"a":"x"})", R"({"a":"y"})", false, 0, "/a"},
      {"another shape", R"({"p":[1]})", R"({"p":[1,1]})", false, 0, "/p"},
      {"missing", R"({"p":1})", R"({"q":1})", false, 0, "/p"},
      {"another type", R"({"p":1})", R"({"p":"1"})", false, 0, "/p"},
      {"a model inside is content", R"({"p":{"model":"a"}})", R"({"p":{"model":"b"}})", false, 0,
       "/p/model"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const AnswerDifference found = CompareAnswers(Parsed(c.before), Parsed(c.after));
    EXPECT_EQ(found.same, c.same);
    EXPECT_DOUBLE_EQ(found.largest, c.largest);
    EXPECT_EQ(found.first, c.first);
  }
}

TEST(CompareTable, ShowsWhatIsKnownAndWhatMustBeKnownToReadIt) {
  const Json report = Parsed(
      R"({"route":"tumour","since":"2026-03-09T14:00:00.000000Z","until":"2026-03-10T14:00:00.000000Z",
          "complete":false,"versions":[
          {"model_id":"t1","version":"1","status":"primary","n":1200,"labelled":10,"unscored":2,
           "not_served":0,"least_keep":1,"error_rate":{"value":0.01,"low":0.005,"high":0.02,"n":1200},
           "auc":{"value":0.975,"low":0.95,"high":0.99,"n":8},"cost_usd":null},
          {"model_id":"t2","version":null,"status":null,"n":5,"labelled":0,"unscored":0,
           "not_served":7,"least_keep":0.25,"error_rate":null,"auc":null,"cost_usd":null}]})");
  const std::string text = DescribeComparison(report);
  for (const char* part : {"1 (primary)", "t2", "1,200", "1 % [0.5, 2]", "0.975 [0.95, 0.99]",
                           "2 labels have no number", "7 calls were answered by another",
                           "25 % of the units", "newest are left out"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  EXPECT_EQ(text.find("cost"), std::string::npos) << text;
}

// A route that says nothing is logged as all are; what is redacted adds up.
TEST(PredictionSettings, ARouteDiffersInWhatItSays) {
  PredictionSettings settings;
  EXPECT_FALSE(settings.Policy().any());
  settings.all.payloads = predictions::Payloads::kRequest;
  settings.all.redact = {"/a"};
  settings.routes["chat"].log = true;
  settings.routes["chat"].redact = {"/b"};
  settings.routes["chat"].share = 0.5;
  const predictions::LoggingPolicy policy = settings.Policy();
  EXPECT_TRUE(policy.any());
  EXPECT_FALSE(policy.Of("tumour").log);
  const predictions::RouteLogging& chat = policy.Of("chat");
  EXPECT_TRUE(chat.log);
  EXPECT_EQ(chat.payloads, predictions::Payloads::kRequest);
  EXPECT_EQ(chat.share, 0.5);
  EXPECT_EQ(chat.redact, (std::vector<std::string>{"/a", "/b"}));
}

}  // namespace
}  // namespace podium::app
