// `podium rollout`: what is typed becomes what the API takes, and its answers what people read.
#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "app/cli_rollout_text.h"
#include "app/cli_rollout_verb_args.h"
#include "app/cli_rollout_verify.h"
#include "app/cli_run.h"
#include "rollout/evidence.h"
#include "rollout/verdict_json.h"
#include "testing/sim_clock.h"

namespace podium::app {
namespace {

constexpr const char* kRunning = R"({"id": "ro7", "route": "tumour", "candidate": "tumour-v2",
  "candidate_version": "2", "primary": "tumour-v1", "primary_version": "1", "phase": "running",
  "step": 2, "steps": 4, "traffic_pct": 5, "gate": null, "said": "started by local",
  "decision": "hold", "sentence": "Hold 2: nothing is proven yet.",
  "step_entered_at": "2026-03-09T14:31:07.123456Z", "baked_at": "2026-03-09T14:41:07.123456Z",
  "deadline": "2026-03-10T14:31:07.123456Z", "overdue": false, "driver": null, "attempt": 1,
  "alpha": 0.0304, "started_at": "2026-03-09T14:00:00.000000Z", "started_by": "local",
  "ended_at": null, "generation": 9, "changed": true})";

Json Running() { return *ParseJson(kRunning); }

TEST(ParseGuard, ReadsWhatPeopleWrite) {
  const std::map<std::string, std::string> good = {
      {"error_rate", R"({"metric":"error_rate"})"},
      {"error_rate:+10%", R"({"metric":"error_rate","max_increase_pct":10.0})"},
      {"latency:+0.5pp", R"({"metric":"latency","max_increase_points":0.5})"},
      {"error_rate:+10%,<2%",
       R"({"metric":"error_rate","max_increase_pct":10.0,"at_most_pct":2.0})"},
      {"custom.refunded>0:+20%",
       R"({"metric":"custom","name":"refunded","bad_above":0.0,"max_increase_pct":20.0})"},
      {"custom.judge.score<-0.5", R"({"metric":"custom","name":"judge.score","bad_below":-0.5})"},
  };
  for (const auto& [text, want] : good) {
    const auto guard = ParseGuard(text);
    ASSERT_TRUE(guard) << text;
    EXPECT_EQ(DumpJson(*guard), want) << text;
  }
  // A limit that is misread would guard nothing.
  for (const char* text :
       {"", "errors:+1%", "error_rate:", "error_rate:10%", "error_rate:+10", "error_rate:<2pp",
        "error_rate:+x%", "error_rate:-3%", "cost:+5%,", "custom", "custom.", "custom.>1",
        "custom.refunded", "custom.refunded>", "custom.refunded>x", "custom.refunded>1x"}) {
    EXPECT_FALSE(ParseGuard(text)) << text;
  }
}

TEST(ParseSteps, MakesTheStepsOfTheApi) {
  EXPECT_EQ(DumpJson(*ParseSteps("1,2.5", "10m", true)),
            R"([{"share_pct":1.0,"bake":"10m","gate":true},)"
            R"({"share_pct":2.5,"bake":"10m","gate":true}])");
  EXPECT_EQ(DumpJson(*ParseSteps("100", "", false)), R"([{"share_pct":100.0}])");
  for (const char* text : {"", "1,,2", "101", "one"}) EXPECT_FALSE(ParseSteps(text, "", false));
}

TEST(RolloutStage, SaysWhereItIs) {
  Json rollout = Running();
  EXPECT_EQ(RolloutStage(rollout), "step 2 of 4 (5 %)");
  rollout["gate"] = "closed";
  rollout["overdue"] = true;
  EXPECT_EQ(RolloutStage(rollout), "step 2 of 4 (5 %), waits for a person at its gate, overdue");
  rollout["phase"] = "paused";
  rollout["gate"] = "open";
  EXPECT_EQ(RolloutStage(rollout), "paused at step 2 of 4 (5 %), overdue");
  rollout["phase"] = "rolled_back";
  EXPECT_EQ(RolloutStage(rollout), "rolled back");
}

TEST(DescribeRollout, HasTheSentenceAndTheDeadline) {
  const std::string text = DescribeRollout(Running());
  EXPECT_NE(text.find("rollout ro7 of tumour: 2 (tumour-v2) against 1 (tumour-v1)\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("verdict    Hold 2: nothing is proven yet.\n"), std::string::npos) << text;
  EXPECT_NE(text.find("deadline   2026-03-10 14:31:07\n"), std::string::npos) << text;
  EXPECT_NE(text.find("attempt    1, with a chance of error of 3.04 %\n"), std::string::npos)
      << text;
  Json ended = Running();
  ended["phase"] = "aborted";
  ended["said"] = "aborted by local:alice: too slow";
  ended["ended_at"] = "2026-03-09T15:00:00.000000Z";
  EXPECT_NE(DescribeRollout(ended).find("verdict    aborted by local:alice: too slow\n"),
            std::string::npos)
      << "what ended it, not the last look";
}

// `podium status` is what is looked at first.
TEST(RolloutLineOf, IsForRoutesWithOne) {
  Json route = {{"route", "tumour"}, {"rollout", nullptr}};
  EXPECT_EQ(RolloutLineOf(route), "");
  EXPECT_EQ(RolloutWarningOf(route), "");
  route["rollout"] = Running();
  EXPECT_EQ(RolloutLineOf(route),
            "tumour leads in 2: step 2 of 4 (5 %): Hold 2: nothing is proven yet.");
  EXPECT_EQ(RolloutWarningOf(route), "");
  route["rollout"]["overdue"] = true;
  EXPECT_NE(RolloutWarningOf(route).find("overdue: decide by"), std::string::npos);
  route["rollout"]["decision"] = "freeze";
  EXPECT_NE(RolloutWarningOf(route).find("frozen"), std::string::npos);
}

/// A verdict as the server keeps it.
Json Kept() {
  constexpr const char* kCounters = R"({"candidate": "2", "declared_steps": 1, "margin": 3,
    "steps": [{"share_pct": 5, "canary_units": 1003, "units": 20000}],
    "metrics": [{"name": "error rate", "series": [{"name": "errors",
      "steps": [{"null_ratio": 1.1, "canary_events": 35, "events": 204}]}]}]})";
  const auto evidence = rollout::ParseEvidence(kCounters);
  const auto verdict = rollout::Judge(*evidence);
  return {{"number", 1},
          {"at", "2026-03-09T14:31:07.123456Z"},
          {"decision", rollout::NameOf(verdict->decision)},
          {"sentence", verdict->sentence},
          {"evidence", *ParseJson(rollout::ToJson(*evidence))},
          {"verdict", *ParseJson(rollout::ToJson(*verdict))}};
}

TEST(DifferenceOf, IsEmptyForWhatFollowsFromItsEvidence) {
  EXPECT_EQ(DifferenceOf(Kept()), "");
  Json forged = Kept();
  forged["evidence"]["metrics"][0]["series"][0]["steps"][0]["canary_events"] = 34;
  EXPECT_NE(DifferenceOf(forged), "") << "one event less is another verdict";
  Json decided = Kept();
  decided["verdict"]["decision"] = "hold";
  EXPECT_TRUE(DifferenceOf(decided).starts_with("/verdict/decision is another one"))
      << DifferenceOf(decided);
  Json other = Kept();
  other["decision"] = "hold";
  EXPECT_NE(DifferenceOf(other), "") << "what was done must be what was judged";
  Json broken = Kept();
  broken["evidence"] = {{"stepz", 1}};
  EXPECT_TRUE(DifferenceOf(broken).starts_with("its evidence cannot be read"));
}

/// The verbs against a server that knows one rollout.
class RolloutVerbs : public ::testing::Test {
 protected:
  RolloutVerbs() {
    answers_["GET /api/v1/rollouts/ro7"] = {200, kRunning};
    answers_["GET /api/v1/routes/tumour/rollouts"] = {
        200, std::string(R"({"items": [)") + kRunning + "]}"};
    answers_["GET /api/v1/routes/tumour/rollouts/ro7"] = {200, kRunning};
    answers_["GET /api/v1/routes/tumour"] = {200, R"({"route": "tumour"})"};
  }
  ExitCode Run(const std::vector<std::string>& arguments) {
    out_.str("");
    err_.str("");
    calls_.clear();
    std::istringstream in;
    Console console{out_, err_, in, false, false, false};
    CliWorld world{{},
                   console,
                   clock_,
                   [this](auto) {
                     answers_["GET /api/v1/routes/tumour/rollouts/ro7"] = {200, later_};
                     return ++pauses_ < 5;
                   },
                   {},
                   "podium",
                   [this](const net::HostPort&) -> Transport {
                     return [this](const net::ClientRequest& request) { return Answer(request); };
                   }};
    return RunCli(arguments, world);
  }
  Result<net::ClientResponse> Answer(const net::ClientRequest& request) {
    const std::string what = std::string(net::NameOf(request.method)) + " " + request.target;
    calls_.push_back(request.body.empty() ? what : what + " " + request.body);
    net::ClientResponse response;
    const auto found = answers_.find(what);
    response.status = found == answers_.end() ? 404 : found->second.first;
    response.body = found == answers_.end() ? R"({"code":"not-found","detail":"there is nothing"})"
                                            : found->second.second;
    return response;
  }

  std::map<std::string, std::pair<int, std::string>> answers_;
  std::vector<std::string> calls_;
  std::string later_ = kRunning;
  int pauses_ = 0;
  std::ostringstream out_;
  std::ostringstream err_;
  podium::testing::SimClock clock_;
};

TEST_F(RolloutVerbs, StartSendsThePlanThatWasTyped) {
  Json begun = Running();
  begun["outlook"] = {{"warnings", {"step 1 needs 9 requests"}}, {"steps", Json::array()}};
  answers_["POST /api/v1/routes/tumour/rollouts"] = {201, DumpJson(begun)};
  EXPECT_EQ(Run({"rollout",
                 "start",
                 "tumour",
                 "2",
                 "--steps",
                 "5,50",
                 "--bake",
                 "10m",
                 "--guard",
                 "error_rate:+10%",
                 "--guard",
                 "latency",
                 "--unit",
                 "request",
                 "--profile",
                 "strict",
                 "--promote-at-end",
                 "--on-deadline",
                 "rollback",
                 "--reason",
                 "why"}),
            ExitCode::kDone)
      << err_.str();
  EXPECT_EQ(calls_.back(),
            R"(POST /api/v1/routes/tumour/rollouts {"steps":[{"share_pct":5.0,"bake":"10m"},)"
            R"({"share_pct":50.0,"bake":"10m"}],"guards":[{"metric":"error_rate",)"
            R"("max_increase_pct":10.0},{"metric":"latency"}],"on_deadline":"rollback",)"
            R"("unit":"request","profile":"strict","promote_at_end":true,"candidate":"2",)"
            R"("reason":"why"})");
  EXPECT_EQ(err_.str(), "warning: step 1 needs 9 requests\n");
  EXPECT_NE(out_.str().find("Undo: podium rollout abort tumour"), std::string::npos) << out_.str();
  EXPECT_EQ(Run({"rollout", "start", "tumour", "2"}), ExitCode::kDone);
  EXPECT_EQ(calls_.back(), R"(POST /api/v1/routes/tumour/rollouts {"candidate":"2"})");
  EXPECT_EQ(Run({"rollout", "start", "tumour", "2", "--rule", "thompson", "--unit", "request"}),
            ExitCode::kDone);
  EXPECT_EQ(calls_.back(),
            R"(POST /api/v1/routes/tumour/rollouts {"unit":"request","rule":"thompson",)"
            R"("candidate":"2"})");
}

TEST_F(RolloutVerbs, WhatIsTypedWrongIsNotSent) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"start", "tumour"},
           {"start", "tumour", "2", "--steps", "1,x"},
           {"start", "tumour", "2", "--guard", "errors:+1%"},
           {"start", "tumour", "2", "--plan", "p.json", "--bake", "1m"},
           {"share", "tumour"},
           {"share", "tumour", "101"},
           {"pause"},
           {"pauze", "tumour"}}) {
    std::vector<std::string> line = {"rollout"};
    line.insert(line.end(), words.begin(), words.end());
    EXPECT_EQ(Run(line), ExitCode::kUsage) << words.front();
    EXPECT_TRUE(calls_.empty());
  }
}

TEST_F(RolloutVerbs, DryRunSaysWhatWouldHappen) {
  answers_["POST /api/v1/routes/tumour/rollouts?dry_run=true"] = {
      200, R"({"dry_run": true, "route": "tumour", "candidate_version": "2",
               "primary_version": "1", "would_start": false, "attempt": 2, "alpha": 0.0076,
               "objections": [{"code": "conflict", "detail": "a rollout runs"}],
               "outlook": {"warnings": ["too little"], "steps": [{"traffic_pct": 1,
                 "requests_to_pass": 120400, "waits_for": "error_rate",
                 "requests_to_catch_double_errors": null}]}})"};
  EXPECT_EQ(Run({"rollout", "start", "tumour", "2", "--dry-run"}), ExitCode::kConflict);
  EXPECT_EQ(err_.str(), "refused: a rollout runs\nwarning: too little\n");
  EXPECT_NE(out_.str().find("120,400"), std::string::npos) << out_.str();
  EXPECT_NE(out_.str().find("never"), std::string::npos) << out_.str();
}

// At 3 a.m. nobody looks an id up.
TEST_F(RolloutVerbs, ARouteStandsForItsRunningRollout) {
  for (const char* verb : {"pause", "resume", "step", "promote", "abort", "rollback"}) {
    const std::string path = std::string("POST /api/v1/routes/tumour/rollouts/ro7/") + verb;
    answers_[path] = {200, kRunning};
    for (const char* target : {"tumour", "ro7"}) {
      EXPECT_EQ(Run({"rollout", verb, target, "--reason", "r"}), ExitCode::kDone) << err_.str();
      EXPECT_EQ(calls_.back(), path + R"( {"reason":"r"})");
    }
  }
  answers_["POST /api/v1/routes/tumour/rollouts/ro7/share"] = {200, kRunning};
  EXPECT_EQ(Run({"rollout", "share", "tumour", "2.5"}), ExitCode::kDone);
  EXPECT_EQ(calls_.back(), R"(POST /api/v1/routes/tumour/rollouts/ro7/share {"traffic_pct":2.5})");
  answers_["GET /api/v1/routes/tumour/rollouts"] = {200, R"({"items": []})"};
  EXPECT_EQ(Run({"rollout", "abort", "tumour"}), ExitCode::kNotFound);
  EXPECT_NE(err_.str().find("no rollout runs on route tumour"), std::string::npos);
  EXPECT_EQ(Run({"rollout", "abort", "nothing"}), ExitCode::kNotFound);
}

TEST_F(RolloutVerbs, ListShowsThoseThatRun) {
  Json ended = Running();
  ended["id"] = "ro6";
  ended["phase"] = "rolled_back";
  answers_["GET /api/v1/rollouts?limit=100"] = {
      200, DumpJson(Json{{"items", {Running(), ended}}, {"next_cursor", nullptr}})};
  EXPECT_EQ(Run({"rollout", "list"}), ExitCode::kDone) << err_.str();
  EXPECT_NE(out_.str().find("ro7"), std::string::npos);
  EXPECT_EQ(out_.str().find("ro6"), std::string::npos);
}

TEST_F(RolloutVerbs, WatchEndsWithTheRollout) {
  Json promoted = Running();
  promoted["phase"] = "promoted";
  later_ = DumpJson(promoted);
  EXPECT_EQ(Run({"rollout", "show", "tumour", "--watch"}), ExitCode::kDone);
  answers_["GET /api/v1/routes/tumour/rollouts/ro7"] = {200, kRunning};
  promoted["phase"] = "rolled_back";
  later_ = DumpJson(promoted);
  EXPECT_EQ(Run({"rollout", "show", "tumour", "--watch"}), ExitCode::kFailed);
  answers_["GET /api/v1/routes/tumour/rollouts/ro7"] = {200, kRunning};
  later_ = kRunning;
  EXPECT_EQ(Run({"rollout", "show", "tumour", "--watch"}), ExitCode::kInterrupted);
}

TEST_F(RolloutVerbs, VerifyFailsForOneThatDoesNotFollow) {
  const auto verdicts = [&](const Json& items) {
    answers_["GET /api/v1/routes/tumour/rollouts/ro7/verdicts"] = {
        200, DumpJson(Json{{"items", items}, {"next_cursor", nullptr}})};
  };
  verdicts(Json::array({Kept(), Kept()}));
  EXPECT_EQ(Run({"rollout", "verify", "tumour"}), ExitCode::kDone) << err_.str();
  EXPECT_NE(out_.str().find("the same"), std::string::npos);
  Json forged = Kept();
  forged["verdict"]["log_e_rollback"] = 0.5;
  verdicts(Json::array({Kept(), forged}));
  EXPECT_EQ(Run({"rollout", "verify", "ro7"}), ExitCode::kFailed);
  EXPECT_NE(err_.str().find("1 of 2 verdicts"), std::string::npos) << err_.str();
  answers_["GET /api/v1/routes/tumour/rollouts/ro7/verdicts"] = {
      200, DumpJson(Json{{"items", {Kept()}}, {"next_cursor", "c 1"}})};
  answers_["GET /api/v1/routes/tumour/rollouts/ro7/verdicts?cursor=c%201"] = {
      200, DumpJson(Json{{"items", {Kept(), forged}}, {"next_cursor", nullptr}})};
  EXPECT_EQ(Run({"rollout", "verify", "ro7"}), ExitCode::kFailed) << "it is on the second page";
  EXPECT_NE(err_.str().find("1 of 3 verdicts"), std::string::npos) << err_.str();
  verdicts(Json::array());
  EXPECT_EQ(Run({"rollout", "verify", "tumour"}), ExitCode::kDone);
  EXPECT_NE(err_.str().find("no verdict"), std::string::npos);
}

}  // namespace
}  // namespace podium::app
