// The verbs against a server that answers from a table: which calls they make, what they print, how
// they end.

#include <gtest/gtest.h>

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "app/cli_run.h"
#include "app/cli_status.h"
#include "base/json.h"
#include "testing/sim_clock.h"

namespace podium::app {
namespace {

constexpr const char* kVersions = R"({"items":[
  {"model_id":"tumour-v1","route":"tumour","version":"1","status":"primary","load_state":"ready",
   "name":"tumour","traffic_pct":0,"created_at":"2026-03-09T14:31:07.123456Z"},
  {"model_id":"tumour-v2","route":"tumour","version":"2","status":"canary","load_state":"ready",
   "name":"tumour","traffic_pct":5,"created_at":"2026-03-09T14:31:07.123456Z"}],"next_cursor":null})";
constexpr const char* kRoute = R"({"route":"tumour","primary":{"model_id":"tumour-v1","version":"1",
  "load_state":"ready"},"canary":{"model_id":"tumour-v2","version":"2","load_state":"ready"},
  "traffic_pct":5,"arms":[],"can_rollback":false,"faults":[]})";
constexpr const char* kBareRoute = R"({"route":"bare","primary":null,"canary":null,"arms":[],
  "traffic_pct":0,"faults":["two rows claim the primary"]})";
constexpr const char* kChange =
    R"({"model_id":"tumour-v2","route":"tumour","version":"2","change":{"kind":"promote",
  "from":"tumour-v1","to":"tumour-v2","traffic_pct_before":5,"traffic_pct_after":0},"generation":7,
  "replicas":[{"id":"local","applied":true}]})";
constexpr const char* kProblem = R"({"code":"not_found","detail":"there is no such thing",
  "request_id":"r-1"})";

/// Answers by "METHOD target"; what is not in the table is a 404 problem.
struct FakeServer {
  std::map<std::string, std::pair<int, std::string>> answers;
  std::vector<std::string> calls;  ///< "METHOD target" and, for changes, the body.
  std::vector<net::HeaderList> headers;
  std::optional<Error> transport_error;

  Result<net::ClientResponse> Answer(net::ClientRequest request) {
    if (transport_error) return Fail(*transport_error);
    const char* method = request.method == net::HttpMethod::kGet      ? "GET"
                         : request.method == net::HttpMethod::kPost   ? "POST"
                         : request.method == net::HttpMethod::kPut    ? "PUT"
                         : request.method == net::HttpMethod::kDelete ? "DELETE"
                                                                      : "OTHER";
    std::string body = request.body;
    if (request.source) {
      body.resize(request.source->size);
      const auto read = request.source->read(body.data(), body.size());
      EXPECT_TRUE(read && *read == body.size());
      request.source->progress(body.size());
    }
    const std::string key = std::string(method) + " " + request.target;
    calls.push_back(body.empty() ? key : key + " " + body);
    headers.push_back(request.headers);
    const auto found = answers.find(key);
    net::ClientResponse response;
    response.status = found == answers.end() ? 404 : found->second.first;
    response.body = found == answers.end() ? kProblem : found->second.second;
    response.headers = {{"X-Podium-Reason", "canary"},
                        {"X-Podium-Bucket", "123"},
                        {"X-Podium-Canary", "true"},
                        {"X-Request-Id", "r-2"}};
    return response;
  }
};

class CliVerbs : public ::testing::Test {
 protected:
  CliVerbs() {
    server_.answers = {
        {"GET /api/v1/versions?limit=500&route=tumour", {200, kVersions}},
        {"GET /api/v1/versions?route=tumour&limit=500", {200, kVersions}},
        {"GET /api/v1/versions?route=tumour&limit=100", {200, kVersions}},
        {"GET /api/v1/versions?limit=500", {200, kVersions}},
        {"GET /api/v1/versions/tumour-v2",
         {200, R"({"model_id":"tumour-v2","route":"tumour","version":"2","status":"canary"})"}},
        {"GET /api/v1/versions/tumour-v1",
         {200, R"({"model_id":"tumour-v1","route":"tumour","version":"1","status":"primary"})"}},
        {"GET /api/v1/routes/tumour", {200, kRoute}},
        {"GET /api/v1/routes/bare", {200, kBareRoute}},
        {"GET /api/v1/routes?limit=500", {200, Items({kRoute, kBareRoute})}},
        {"GET /api/v1/status", {200, R"({"stale":false,"generation":7})"}},
        {"GET /api/v1/metrics/versions", {200, Metrics(95, 5)}},
        {"POST /api/v1/versions/tumour-v2/promote", {200, kChange}},
        {"POST /api/v1/versions/tumour-v1/activate", {200, kChange}},
        {"DELETE /api/v1/versions/tumour-v2", {200, kChange}},
        {"PUT /api/v1/routes/tumour/canary", {200, kChange}},
        {"DELETE /api/v1/routes/tumour/canary", {200, kChange}},
        {"POST /api/v1/routes/tumour/rollback", {200, kChange}},
        {"POST /predict/tumour",
         {200, R"({"predictions":[1,[0.5,"x"]],"model":"tumour-v2","version":"2"})"}},
    };
  }

  static std::string Items(const std::vector<std::string>& items) {
    std::string text = "{\"items\":[";
    for (const std::string& item : items) text += (text.back() == '[' ? "" : ",") + item;
    return text + "],\"next_cursor\":null}";
  }
  static std::string Metrics(int primary, int canary) {
    const auto entry = [](const char* id, int requests) {
      return fmt::format(R"({{"model_id":"{}","request_count":{},"error_rate":0.02,
          "latency":{{"p50":0.121,"p95":1.5,"p99":22.2}}}})",
                         id, requests);
    };
    return Items({entry("tumour-v1", primary), entry("tumour-v2", canary)});
  }

  ExitCode Run(std::vector<std::string> arguments, const std::string& typed = "") {
    out_.str("");
    err_.str("");
    server_.calls.clear();
    server_.headers.clear();
    std::istringstream in(typed);
    Console console{out_, err_, in, terminal_, terminal_, terminal_};
    CliWorld world{environment_,
                   console,
                   clock_,
                   [this](auto d) { return PauseFor(d); },
                   {},
                   "podium",
                   [this](const net::HostPort& to) -> Transport {
                     connected_ = net::ToString(to);
                     return [this](net::ClientRequest r) { return server_.Answer(std::move(r)); };
                   }};
    return RunCli(arguments, world);
  }
  bool PauseFor(std::chrono::milliseconds duration) {
    clock_.Advance(duration);
    return pauses_-- > 0;
  }
  bool Called(const std::string& call) const {
    return std::find(server_.calls.begin(), server_.calls.end(), call) != server_.calls.end();
  }
  std::string Err() const { return err_.str(); }
  std::string Out() const { return out_.str(); }

  FakeServer server_;
  podium::testing::SimClock clock_;
  Environment environment_;
  bool terminal_ = false;
  int pauses_ = 0;
  std::string connected_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(CliVerbs, FindTheServerByFlagThenEnvironmentThenDefault) {
  Run({"status"});
  EXPECT_EQ(connected_, "127.0.0.1:8080");  // banned: fixed port (only parsed)
  environment_["PODIUM_ADDR"] = "one:1";
  Run({"status"});
  EXPECT_EQ(connected_, "one:1");
  Run({"status", "--server", "http://two:2"});
  EXPECT_EQ(connected_, "two:2");
}

TEST_F(CliVerbs, PricesAreSetAsTyped) {
  server_.answers["PUT /api/v1/prices"] = {
      201, R"({"provider":"openai","model":"mini","input":"0.15","output":"0.6",
               "effective_from":"2026-04-01T00:00:00.000000Z"})"};
  EXPECT_EQ(Run({"price", "set", "openai", "mini", "--input", "0.15", "--output", "0.60",
                 "--cache-read", "0.0000001", "--from", "2026-04-01", "--reason", "list"}),
            ExitCode::kDone);
  EXPECT_TRUE(
      Called(R"(PUT /api/v1/prices {"provider":"openai","model":"mini","cache_read":"0.0000001",)"
             R"("input":"0.15","output":"0.60","effective_from":"2026-04-01","reason":"list"})"));
  EXPECT_EQ(Out(),
            "openai mini costs 0.15 USD per million input tokens and 0.6 per million output tokens "
            "from 2026-04-01 00:00:00 on\n");
  EXPECT_EQ(Run({"price", "set", "openai", "mini", "--input", "0.15"}), ExitCode::kUsage);
  EXPECT_EQ(Run({"price"}), ExitCode::kUsage);
  EXPECT_EQ(Run({"price", "sett"}), ExitCode::kUsage);
  EXPECT_NE(Err().find("did you mean `podium price set`?"), std::string::npos);
}

TEST_F(CliVerbs, CostsShowWhatHasNoPrice) {
  server_.answers["GET /api/models/costs?hours=48"] = {
      200, R"({"total_cost_usd":1.5,"hours":48,"cost_by_model":{"mini":1.5},"top_models":[
        {"model_id":"mini","total_cost_usd":1.5,"total_calls":1204,"total_tokens":99,
         "unpriced_calls":3}],"efficiency_metrics":{"total_calls":1204,"unpriced_calls":3}})"};
  EXPECT_EQ(Run({"costs", "--hours", "48"}), ExitCode::kDone);
  EXPECT_NE(Out().find("mini   1.500000  1,204"), std::string::npos) << Out();
  EXPECT_NE(Out().find("1.500000 USD in 48 h, 1,204 calls"), std::string::npos);
  EXPECT_NE(Err().find("3 calls have no known price"), std::string::npos);
  EXPECT_EQ(Out().find("most expensive"), std::string::npos) << "these are all";
  EXPECT_EQ(Run({"costs", "--hours", "8761"}), ExitCode::kUsage);
}

TEST_F(CliVerbs, CostsSayThatTheyShowSomeModelsOnly) {
  server_.answers["GET /api/models/costs"] = {
      200, R"({"total_cost_usd":3.5,"hours":24,"cost_by_model":{"mini":1.5,"maxi":2},"top_models":[
        {"model_id":"maxi","total_cost_usd":2,"total_calls":1,"total_tokens":9,
         "unpriced_calls":0}],"efficiency_metrics":{"total_calls":2,"unpriced_calls":0}})"};
  EXPECT_EQ(Run({"costs"}), ExitCode::kDone);
  EXPECT_NE(Out().find("the 1 most expensive of 2 models: podium costs -o json has all\n"),
            std::string::npos)
      << Out();
}

TEST_F(CliVerbs, SendTokenAndOrigin) {
  const net::HeaderList anonymous = {{"X-Podium-Origin", "cli"}};
  Run({"status"});
  EXPECT_EQ(server_.headers.at(0), anonymous);
  environment_["PODIUM_ADMIN_TOKEN"] = "admin";
  Run({"status"});
  EXPECT_EQ(server_.headers.at(0).at(0),
            (std::pair<std::string, std::string>{"Authorization", "Bearer admin"}));
  environment_["PODIUM_TOKEN"] = "mine";
  Run({"status"});
  EXPECT_EQ(server_.headers.at(0).at(0).second, "Bearer mine");
}

TEST_F(CliVerbs, PromoteByIdByVersionAndByRoute) {
  for (const char* target : {"tumour-v2", "tumour@2", "tumour"}) {
    SCOPED_TRACE(target);
    EXPECT_EQ(Run({"promote", target, "--reason", "why"}), ExitCode::kDone) << Err();
    EXPECT_TRUE(Called("POST /api/v1/versions/tumour-v2/promote {\"reason\":\"why\"}"));
    EXPECT_EQ(Out(),
              "tumour@1 → tumour@2 is the primary of tumour (generation 7). Undo: podium rollback "
              "tumour\n");
  }
  EXPECT_NE(Err().find("tumour is a route: promoting its canary, tumour-v2"), std::string::npos);
}

TEST_F(CliVerbs, JsonPrintsTheObjectOfTheApi) {
  EXPECT_EQ(Run({"promote", "tumour-v2", "-o", "json"}), ExitCode::kDone);
  EXPECT_EQ(*ParseJson(Out()), *ParseJson(kChange));
  environment_["PODIUM_OUTPUT"] = "json";
  EXPECT_EQ(Run({"rollback", "tumour"}), ExitCode::kDone);
  EXPECT_EQ(*ParseJson(Out()), *ParseJson(kChange));
  environment_["PODIUM_OUTPUT"] = "xml";
  EXPECT_EQ(Run({"rollback", "tumour"}), ExitCode::kUsage);
}

// Moving live traffic asks where somebody can answer, and says what would happen.
TEST_F(CliVerbs, AskBeforeLiveTrafficMoves) {
  terminal_ = true;
  EXPECT_EQ(Run({"promote", "tumour-v2"}, "n\n"), ExitCode::kDeclined);
  EXPECT_FALSE(Called("POST /api/v1/versions/tumour-v2/promote {}"));
  EXPECT_NE(Err().find("now version 1 (tumour-v1) serves 95 %, canary 2 (tumour-v2) 5 %"),
            std::string::npos)
      << Err();
  EXPECT_EQ(Run({"promote", "tumour-v2"}, "y\n"), ExitCode::kDone);
  EXPECT_EQ(Run({"canary", "tumour", "2", "50"}, "n\n"), ExitCode::kDeclined);
  EXPECT_EQ(Run({"canary", "tumour", "1"}, ""), ExitCode::kDone);  // Less is always safe.
  EXPECT_EQ(Run({"version", "delete", "tumour-v2"}, "n\n"), ExitCode::kDeclined);
  EXPECT_EQ(Run({"rollback", "tumour"}, ""), ExitCode::kDone);  // Never asks.
}

TEST_F(CliVerbs, DeleteNeedsYesWithoutATerminal) {
  EXPECT_EQ(Run({"version", "delete", "tumour-v2"}), ExitCode::kUsage);
  EXPECT_NE(Err().find("--yes"), std::string::npos);
  EXPECT_EQ(Run({"version", "delete", "tumour-v2", "--yes"}), ExitCode::kDone);
}

TEST_F(CliVerbs, CanarySetsItsShare) {
  EXPECT_EQ(Run({"canary", "tumour", "25"}), ExitCode::kDone) << Err();
  EXPECT_TRUE(
      Called("PUT /api/v1/routes/tumour/canary {\"model_id\":\"tumour-v2\",\"traffic_pct\":25.0}"));
  EXPECT_EQ(Run({"canary", "tumour", "tumour-v2", "0.25"}), ExitCode::kDone);
  EXPECT_TRUE(
      Called("PUT /api/v1/routes/tumour/canary {\"model_id\":\"tumour-v2\",\"traffic_pct\":0.25}"));
  EXPECT_EQ(Run({"canary", "tumour", "--end"}), ExitCode::kDone);
  EXPECT_TRUE(Called("DELETE /api/v1/routes/tumour/canary {}"));
  EXPECT_EQ(Run({"canary", "bare", "5"}), ExitCode::kNotFound);
  EXPECT_NE(Err().find("podium canary bare VERSION 5"), std::string::npos) << Err();
}

TEST_F(CliVerbs, WhatIsNotThereNamesWhatIsNear) {
  EXPECT_EQ(Run({"version", "get", "tumor-v2"}), ExitCode::kNotFound);
  EXPECT_NE(Err().find("did you mean \"tumour-v2\"?"), std::string::npos) << Err();
  EXPECT_NE(Err().find("request id: r-1"), std::string::npos);
  EXPECT_EQ(Run({"rollback", "tumor"}), ExitCode::kNotFound);
  EXPECT_NE(Err().find("did you mean \"tumour\"?"), std::string::npos) << Err();
  EXPECT_EQ(Run({"promote", "tumour@3"}), ExitCode::kNotFound);
  EXPECT_NE(Err().find("route tumour has no version 3"), std::string::npos) << Err();
  EXPECT_EQ(Run({"promote", "bare"}), ExitCode::kNotFound);
  EXPECT_NE(Err().find("no canary to promote"), std::string::npos) << Err();
}

TEST_F(CliVerbs, ErrorsOfTheServerBecomeExitCodes) {
  const auto answer = [this](int status, const std::string& body) {
    server_.answers["POST /api/v1/routes/tumour/rollback"] = {status, body};
    return Run({"rollback", "tumour"});
  };
  EXPECT_EQ(answer(409, R"({"code":"conflict","detail":"nothing to invert"})"),
            ExitCode::kConflict);
  EXPECT_EQ(Err(), "error: nothing to invert\nrequest id: r-2\n");
  EXPECT_EQ(answer(401, R"({"code":"unauthenticated","detail":"no"})"), ExitCode::kNotAllowed);
  EXPECT_NE(Err().find("fix: set PODIUM_TOKEN"), std::string::npos);
  EXPECT_EQ(answer(500, "<html>oops</html>"), ExitCode::kFailed);
  EXPECT_NE(Err().find("status 500: <html>oops"), std::string::npos) << Err();
  EXPECT_EQ(answer(200, "no json"), ExitCode::kFailed);
  EXPECT_EQ(answer(504, "{}"), ExitCode::kTimedOut);

  server_.transport_error = Error{ErrorCode::kUnavailable, "refused", "", nullptr};
  EXPECT_EQ(Run({"rollback", "tumour"}), ExitCode::kUnreachable);
  EXPECT_NE(Err().find("podium serve"), std::string::npos);
  server_.transport_error = Error{ErrorCode::kDeadline, "too slow", "", nullptr};
  EXPECT_EQ(Run({"rollback", "tumour"}), ExitCode::kTimedOut);
  server_.transport_error = Error{ErrorCode::kInternal, "not HTTP", "", nullptr};
  EXPECT_EQ(Run({"rollback", "tumour"}), ExitCode::kUnreachable);
}

TEST_F(CliVerbs, CommittedButNotAppliedIsAWarning) {
  server_.answers["POST /api/v1/routes/tumour/rollback"] = {
      202, R"({"route":"tumour","change":null,"replicas":[{"id":"r2","applied":false}]})"};
  EXPECT_EQ(Run({"rollback", "tumour"}), ExitCode::kDone);
  EXPECT_EQ(Out(), "tumour: nothing to change, it was so already\n");
  EXPECT_NE(Err().find("replica r2 does not route by it yet"), std::string::npos);
}

// Every change says what it was and how to undo it; what is printed can be typed.
TEST(CliChange, IsDescribedWithItsWayBack) {
  struct Case {
    const char* change;
    const char* want;
  };
  const Case cases[] = {
      {R"({"kind":"activate","from":null,"to":"b"})",
       "r@1 → r@2 is the primary of r (generation 7)."},
      {R"({"kind":"ramp","to":"b","traffic_pct_before":0,"traffic_pct_after":0.25})",
       "canary r@2 of r: 0 % → 0.25 % of the traffic (generation 7). Undo: podium canary r --end"},
      {R"({"kind":"ramp","to":"b","traffic_pct_before":5,"traffic_pct_after":50})",
       "canary r@2 of r: 5 % → 50 % of the traffic (generation 7). Undo: podium canary r 5"},
      {R"({"kind":"abort","from":"a","traffic_pct_before":2.5,"traffic_pct_after":0})",
       "canary r@1 of r: 2.5 % → 0 % of the traffic, ended (generation 7). Undo: podium canary r 1 "
       "2.5"},
      {R"({"kind":"rollback","from":"a","to":"b"})",
       "r@1 → r@2 is the primary of r again (generation 7). Undo: podium promote r@1"},
      {R"({"kind":"rollback","from":"a","to":"b","traffic_pct_before":5})",
       "canary r@1 of r: 5 % → 0 % of the traffic (generation 7). Undo: podium canary r 1 5"},
      {R"({"kind":"retire","from":"a","to":null})", "r@1 is retired (generation 7)"},
      {R"({"kind":"delete","from":"a","to":null})", "r@1 is deleted (generation 7)"},
      {"null", "r: nothing to change, it was so already"},
  };
  for (const Case& c : cases) {
    Json answer = {{"route", "r"}, {"generation", 7}};
    answer["change"] = *ParseJson(c.change);
    EXPECT_EQ(DescribeChange(answer, {"r@1", "r@2"}), c.want);
  }
}

TEST_F(CliVerbs, AuditNamesVersions) {
  server_.answers["GET /api/v1/audit?limit=100"] = {200, Items({R"({"revision":4,"route":"tumour",
      "kind":"promote","from":"tumour-v1","to":"gone","traffic_pct_before":5,"traffic_pct_after":0,
      "actor":"local","origin":"cli","reason":"why","at":"2026-03-09T14:31:07.123456Z"})"})};
  EXPECT_EQ(Run({"audit"}), ExitCode::kDone) << Err();
  EXPECT_EQ(Out(),
            "AT (UTC)             REVISION  ROUTE   CHANGE   FROM  TO    SHARE      BY           "
            "REASON\n"
            "2026-03-09 14:31:07         4  tumour  promote  1     gone  5 % → 0 %  local (cli)  "
            "why\n");
}

TEST_F(CliVerbs, ListAndGet) {
  EXPECT_EQ(Run({"version", "list", "tumour"}), ExitCode::kDone) << Err();
  EXPECT_EQ(Out(),
            "ROUTE   VERSION  ID         STATUS   SHARE  LOADED  NAME    CREATED (UTC)\n"
            "tumour  1        tumour-v1  primary      -  ready   tumour  2026-03-09 14:31:07\n"
            "tumour  2        tumour-v2  canary     5 %  ready   tumour  2026-03-09 14:31:07\n");
  EXPECT_EQ(Run({"version", "get", "tumour@2"}), ExitCode::kDone);
  EXPECT_NE(Out().find("model_id         tumour-v2\n"), std::string::npos) << Out();
}

TEST_F(CliVerbs, ListsFollowTheirPages) {
  server_.answers["GET /api/v1/versions?limit=100"] = {
      200, R"({"items":[{"model_id":"a"}],"next_cursor":"c 1"})"};
  server_.answers["GET /api/v1/versions?limit=99&cursor=c%201"] = {
      200, R"({"items":[{"model_id":"b"}],"next_cursor":null})"};
  EXPECT_EQ(Run({"version", "list", "-o", "json"}), ExitCode::kDone) << Err();
  EXPECT_EQ(ParseJson(Out())->size(), 2U) << Out();
}

TEST_F(CliVerbs, StatusShowsWhatServes) {
  EXPECT_EQ(Run({"status"}), ExitCode::kDone) << Err();
  EXPECT_EQ(
      Out(),
      "ROUTE   VERSION  ROLE        STATE  ASKED  SEEN  REQUESTS  ERRORS  P50 ms  P95 ms  P99 ms\n"
      "tumour  1        primary     ready   95 %  95 %        95     2 %   0.121    1.50    22.2\n"
      "tumour  2        canary      ready    5 %   5 %         5     2 %   0.121    1.50    22.2\n"
      "bare    -        no primary  -          -     -         -       -       -       -       "
      "-\n");
  EXPECT_NE(Err().find("warning: route bare: two rows claim the primary"), std::string::npos);
}

// Counts since the start would hide for hours that the share has changed.
TEST_F(CliVerbs, WatchShowsTheShareOfTheLastSeconds) {
  pauses_ = 1;
  EXPECT_EQ(Run({"status", "tumour", "-w"}), ExitCode::kInterrupted);
  EXPECT_EQ(std::count(server_.calls.begin(), server_.calls.end(), "GET /api/v1/status"), 2);
  EXPECT_EQ(Err(), "");
  SeenShares seen;
  seen.Look(MemberOf(*ParseJson(Metrics(950, 50)), "items"));
  EXPECT_DOUBLE_EQ(seen.ShareOf("tumour-v2", {"tumour-v1", "tumour-v2"}), 0.05);
  seen.Look(MemberOf(*ParseJson(Metrics(1000, 100)), "items"));
  EXPECT_DOUBLE_EQ(seen.ShareOf("tumour-v2", {"tumour-v1", "tumour-v2"}), 0.5);
  seen.Look(MemberOf(*ParseJson(Metrics(950, 50)), "items"));  // Reset: never below zero.
  EXPECT_LT(seen.ShareOf("nobody", {"nobody"}), 0);
}

TEST_F(CliVerbs, PredictPrintsPredictionsAndWhoMadeThem) {
  EXPECT_EQ(Run({"predict", "tumour", "-d", "[1,2]", "--session", "s"}), ExitCode::kDone) << Err();
  EXPECT_EQ(server_.calls.back(), "POST /predict/tumour {\"rows\":[[1,2]]}");
  EXPECT_EQ(Out(), "1\n[0.5,\"x\"]\n");
  EXPECT_NE(Err().find("answered by tumour-v2, version 2 (canary; reason canary, bucket 123"),
            std::string::npos)
      << Err();
  EXPECT_EQ(Run({"predict", "tumour", "-d", "[1,2]", "-o", "json"}), ExitCode::kDone);
  EXPECT_EQ((*ParseJson(Out()))["routing"]["request_id"], "r-2");
  EXPECT_EQ(Run({"predict", "tumour", "-f", "/nowhere/rows.json"}), ExitCode::kFailed);
  EXPECT_EQ(Run({"predict", "tumour", "-d", "{"}), ExitCode::kUsage);
}

class CliRegister : public CliVerbs {
 protected:
  CliRegister() {
    std::ofstream(model_) << "model bytes";
    server_.answers["POST /api/v1/artifacts?sha256=" + std::string(kSha)] = {
        201, fmt::format(R"({{"artifact_uri":"file:{0}.onnx","sha256":"{0}","bytes":11}})", kSha)};
    server_.answers["POST /api/v1/versions"] = {
        201, R"({"model_id":"m1","route":"bare","version":"1","status":"standby"})"};
  }
  ~CliRegister() override { std::filesystem::remove_all(folder_); }

  static std::filesystem::path MakeFolder() {
    std::string name = std::filesystem::temp_directory_path() / "podium-cli-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    return name;
  }

  static constexpr std::string_view kSha =
      "9cb7487000bc86ac36ce83c4acfabe8878552be99572a6770f65ab1d048a5c48";
  const std::filesystem::path folder_ = MakeFolder();
  const std::string model_ = folder_ / "m.onnx";
};

TEST_F(CliRegister, UploadsThenRegistersThenSaysWhatIsNext) {
  EXPECT_EQ(Run({"version", "register", "bare", model_, "--version", "1", "--metric", "auc=0.5",
                 "--tag", "a=b=c"}),
            ExitCode::kDone)
      << Err();
  ASSERT_GE(server_.calls.size(), 2U);
  EXPECT_TRUE(server_.calls[0].ends_with(" model bytes")) << server_.calls[0];
  const auto body = ParseJson(server_.calls[1].substr(server_.calls[1].find('{')));
  EXPECT_EQ((*body)["name"], "bare");
  EXPECT_EQ((*body)["metrics"]["auc"], 0.5);
  EXPECT_EQ((*body)["tags"]["a"], "b=c");
  EXPECT_FALSE(body->contains("signature"));
  EXPECT_EQ(Out(), "registered bare@1 (m1) as standby\n");
  EXPECT_NE(Err().find("next: podium version activate bare@1"), std::string::npos) << Err();
}

TEST_F(CliRegister, TakesTheSignatureBesideTheModel) {
  std::ofstream(folder_ / "m.signature.json") << R"({"inputs":[]})";
  const std::vector<std::string> command = {"version", "register",  "bare",
                                            model_,    "--version", "1"};
  EXPECT_EQ(Run(command), ExitCode::kDone) << Err();
  EXPECT_NE(server_.calls[1].find(R"("signature":{"inputs":[]})"), std::string::npos);
  auto without = command;
  without.emplace_back("--no-signature");
  EXPECT_EQ(Run(without), ExitCode::kDone);
  EXPECT_EQ(server_.calls[1].find("signature"), std::string::npos);
  std::ofstream(folder_ / "m.signature.json") << "broken";
  EXPECT_EQ(Run(command), ExitCode::kUsage);
  EXPECT_TRUE(server_.calls.empty());
}

TEST_F(CliRegister, MistakesAreFoundBeforeAnythingIsSent) {
  const std::vector<std::vector<std::string>> mistakes = {
      {"--metric", "auc"},     {"--metric", "auc=high"}, {"--metric", "=1"},
      {"--metric", "auc=nan"}, {"--tag", "a"},           {"--signature", "/nowhere"}};
  for (const auto& mistake : mistakes) {
    std::vector<std::string> command = {"version", "register", "bare", model_, "--version", "1"};
    command.insert(command.end(), mistake.begin(), mistake.end());
    EXPECT_NE(Run(command), ExitCode::kDone) << mistake.back();
    EXPECT_TRUE(server_.calls.empty()) << mistake.back();
  }
  // A provider's model is its own version; a file needs one.
  EXPECT_EQ(Run({"version", "register", "bare", model_}), ExitCode::kUsage);
  EXPECT_NE(Err().find("--version is required"), std::string::npos) << Err();
  EXPECT_EQ(Run({"version", "register", "bare", "/nowhere.onnx", "--version", "1"}),
            ExitCode::kFailed);
  EXPECT_NE(Err().find("cannot read /nowhere.onnx"), std::string::npos) << Err();
}

TEST_F(CliRegister, AUriIsNotUploaded) {
  EXPECT_EQ(Run({"version", "register", "bare", "file:there.onnx", "--version", "1"}),
            ExitCode::kDone);
  EXPECT_TRUE(server_.calls.at(0).starts_with("POST /api/v1/versions "));
  EXPECT_NE(server_.calls.at(0).find(R"("artifact_uri":"file:there.onnx")"), std::string::npos);
}

TEST_F(CliRegister, WaitEndsWithTheLoad) {
  const std::vector<std::string> command = {
      "version", "register", "bare", "file:x", "--version", "1", "--wait", "--timeout", "1s"};
  const auto run = [&](const char* row) {
    server_.answers["GET /api/v1/versions/m1"] = {200, row};
    pauses_ = 1000;
    return Run(command);
  };
  EXPECT_EQ(run(R"({"model_id":"m1","route":"bare","version":"1","load_state":"ready"})"),
            ExitCode::kDone)
      << Err();
  EXPECT_EQ(run(R"({"load_state":"failed","load_error":"no opset 99"})"), ExitCode::kFailed);
  EXPECT_NE(Err().find("cause: no opset 99"), std::string::npos);
  EXPECT_EQ(run(R"({"load_state":"loading"})"), ExitCode::kTimedOut);
  EXPECT_GE(1000 - pauses_, 10);  // It did wait.
  pauses_ = 0;
  EXPECT_EQ(Run(command), ExitCode::kInterrupted);
}

TEST_F(CliVerbs, CheckPrintsEveryMistake) {
  std::string name = std::filesystem::temp_directory_path() / "podium-check-XXXXXX";
  const int file = ::mkstemp(name.data());
  ASSERT_GE(file, 0);
  ::close(file);
  std::ofstream(name) << "log: { level: loud }\nserver: { cores: 9999 }\n";
  EXPECT_EQ(Run({"check", name}), ExitCode::kFailed);
  EXPECT_NE(Out().find(name + ":1:15: error: log.level"), std::string::npos) << Out();
  EXPECT_NE(Out().find(name + ":2:18: error: server.cores"), std::string::npos) << Out();
  EXPECT_EQ(Run({"check", name, "-o", "json"}), ExitCode::kFailed);
  EXPECT_EQ((*ParseJson(Out()))[1]["column"], 18);
  std::ofstream(name) << "log: { level: info }\n";
  EXPECT_EQ(Run({"check", name}), ExitCode::kDone);
  environment_["PODIUM_LOG_LEVEL"] = "loud";
  EXPECT_EQ(Run({"check", name}), ExitCode::kFailed);
  std::filesystem::remove(name);
  EXPECT_EQ(Run({"check", name}), ExitCode::kUsage);
  EXPECT_NE(Err().find("cannot read"), std::string::npos);
}

TEST_F(CliVerbs, ExplainAsksForAKeyOrARequest) {
  server_.answers["GET /api/v1/routes/tumour/explain?key=a%20b"] = {
      200, R"({"route":"tumour","reason":"primary","generation":7,"faults":["b is not usable"]})"};
  server_.answers["GET /api/v1/routes/tumour/explain?key=a&kind=request&generation=5"] = {
      200, R"({"route":"tumour"})"};
  server_.answers["GET /api/v1/explain?request_id=r-1"] = {
      200, R"({"request":{"request_id":"r-1"},"agrees":true,"replay":null})"};
  EXPECT_EQ(Run({"explain", "tumour", "--key", "a b"}), ExitCode::kDone) << Err();
  EXPECT_NE(Out().find("At generation 7, "), std::string::npos) << Out();
  EXPECT_NE(Err().find("warning: a row was set aside: b is not usable"), std::string::npos);
  EXPECT_EQ(Run({"explain", "tumour", "--key", "a", "--kind", "request", "--generation", "5", "-o",
                 "json"}),
            ExitCode::kDone)
      << Err();
  EXPECT_EQ((*ParseJson(Out()))["route"], "tumour");
  EXPECT_EQ(Run({"explain", "--request", "r-1"}), ExitCode::kDone) << Err();
  EXPECT_NE(Out().find("Request r-1"), std::string::npos) << Out();
}

TEST_F(CliVerbs, ExplainOfAMistypedRouteNamesTheNearOne) {
  EXPECT_EQ(Run({"explain", "tumor", "--key", "a"}), ExitCode::kNotFound);
  EXPECT_NE(Err().find("did you mean \"tumour\"?"), std::string::npos) << Err();
  // The route is there; what is not is told by the server.
  EXPECT_EQ(Run({"explain", "tumour", "--key", "a"}), ExitCode::kNotFound);
  EXPECT_NE(Err().find("there is no such thing"), std::string::npos) << Err();
}

}  // namespace
}  // namespace podium::app
