// `podium import mlflow` between two servers that answer from tables.
#include "app/cli_import.h"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <sstream>

#include "app/cli_args.h"
#include "app/cli_run.h"
#include "base/limits.h"
#include "domain/model_limits.h"
#include "net/upstream.h"
#include "testing/sim_clock.h"

namespace podium::app {
namespace {

constexpr const char* kListAll = "/api/2.0/mlflow/registered-models/search?max_results=100";
constexpr const char* kListPrompts =
    "/api/2.0/mlflow/registered-models/"
    "search?max_results=100&filter=tags.%60mlflow.prompt.is_prompt"
    "%60%20%3D%20%27true%27";

std::string VersionsOf(const std::string& name, const std::string& rest = "") {
  return "/api/2.0/mlflow/model-versions/search?max_results=100&filter=name%20%3D%20%27" + name +
         "%27&order_by=version_number%20ASC" + rest;
}
std::string SourceModel(const std::string& name, const std::string& more = "") {
  return fmt::format(R"({{"name":"{}","creation_timestamp":1700000000000{}}})", name, more);
}
std::string SourceVersion(const std::string& name, int number, const std::string& more = "") {
  return fmt::format(
      R"({{"name":"{}","version":"{}","creation_timestamp":1700000000000,"source":"s3://b"{}}})",
      name, number, more);
}

class CliImport : public ::testing::Test {
 protected:
  CliImport() {
    source_[kListAll] = {200, R"({"registered_models":[)" + SourceModel("a") + "," +
                                  SourceModel("b", R"(,"aliases":[{"alias":"champion",
                                                     "version":"2"}])") +
                                  "]}"};
    source_[kListPrompts] = {200, "{}"};
    source_[VersionsOf("a")] = {200, "{}"};
    source_[VersionsOf("b")] = {
        200, R"({"model_versions":[)" + SourceVersion("b", 1) + R"(],"next_page_token":"t 1"})"};
    source_[VersionsOf("b", "&page_token=t%201")] = {
        200, R"({"model_versions":[)" + SourceVersion("b", 2) + "]}"};
  }

  ExitCode Run(std::vector<std::string> more = {}, const char* url = "http://old.example:5000") {
    std::vector<std::string> arguments = {"import", "mlflow", url};
    arguments.insert(arguments.end(), more.begin(), more.end());
    out_.str("");
    err_.str("");
    asked_.clear();
    sent_.clear();
    std::istringstream in;
    Console console{out_, err_, in, terminal_, terminal_, terminal_};
    CliWorld world{
        environment_,
        console,
        clock_,
        [this](std::chrono::milliseconds pause) {
          pauses_.push_back(pause);
          return !interrupted_;
        },
        {},
        "podium",
        [this](const net::HostPort& to) -> Transport {
          server_ = net::ToString(to);
          return [this](net::ClientRequest request) { return Podium(request); };
        },
        [this](const SourceAddress& address) -> Result<SourceTransport> {
          authorization_ = address.authorization.Reveal();
          ca_file_ = address.ca_file;
          return SourceTransport([this](const std::string& target) { return Source(target); });
        }};
    return RunCli(arguments, world);
  }

  Result<SourceReply> Source(const std::string& target) {
    asked_.push_back(target);
    if (!first_replies_.empty()) {
      Result<SourceReply> reply = first_replies_.front();
      first_replies_.pop_front();
      return reply;
    }
    const auto found = source_.find(target);
    if (found == source_.end()) return SourceReply{404, "<html>", "", ""};
    return found->second;
  }

  // Answers as an empty registry does that takes everything.
  Result<net::ClientResponse> Podium(const net::ClientRequest& request) {
    EXPECT_EQ(request.target, "/api/v1/import/mlflow/models");
    if (podium_error_) return Fail(*podium_error_);
    net::ClientResponse response;
    const Json body = *ParseJson(request.body);
    sent_.push_back(body);
    if (!podium_answers_.empty()) {
      response.status = podium_answers_.front().first;
      response.body = podium_answers_.front().second;
      podium_answers_.pop_front();
      return response;
    }
    response.status = 200;
    Json answer = {{"changed", true}, {"dry_run", false}};
    answer["model"] = {{"name", body["name"]}, {"outcome", "created"}};
    answer["versions"] = Json::array();
    for (const Json& version : body["versions"]) {
      answer["versions"].push_back({{"version", version["version"]}, {"outcome", "created"}});
    }
    answer["aliases"] = Json::array();
    for (const auto& [alias, number] : body["aliases"].items()) {
      answer["aliases"].push_back({{"alias", alias}, {"version", number}, {"outcome", "created"}});
    }
    answer["conflicts"] = Json::array();
    response.body = DumpJson(answer);
    return response;
  }
  std::string Out() const { return out_.str(); }
  std::string Err() const { return err_.str(); }
  bool Says(const std::string& words) const { return Err().find(words) != std::string::npos; }
  bool Tells(const std::string& words) const { return Out().find(words) != std::string::npos; }

  std::map<std::string, SourceReply> source_;
  std::deque<Result<SourceReply>> first_replies_;  ///< Before those of the table.
  std::deque<std::pair<int, std::string>> podium_answers_;
  std::optional<Error> podium_error_;
  std::vector<std::string> asked_;
  std::vector<Json> sent_;
  std::vector<std::chrono::milliseconds> pauses_;
  bool interrupted_ = false;
  bool terminal_ = false;
  std::string server_;
  std::string authorization_;
  std::string ca_file_;
  Environment environment_;
  podium::testing::SimClock clock_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(CliImport, BringsEachPageAsItComes) {
  EXPECT_EQ(Run(), ExitCode::kDone) << Err();
  EXPECT_EQ(Out(),
            "imported from http://old.example:5000 into 127.0.0.1:8080\n"
            "          CREATED  UPDATED  UNCHANGED  CONFLICTS  FAILED\n"
            "models          2        0          0          0       0\n"
            "versions        2        0          0          0       0\n"
            "aliases         1        0          0          0       0\n");
  EXPECT_EQ(Err(), "2 models at the source\na: 0 versions\nb: 2 versions\n");
  ASSERT_EQ(sent_.size(), 3U);
  EXPECT_EQ(sent_[0]["name"], "a");
  EXPECT_EQ(sent_[1]["versions"][0]["version"], "1");
  EXPECT_TRUE(sent_[1]["aliases"].empty()) << "it goes with its version";
  EXPECT_EQ(sent_[2]["aliases"], (Json{{"champion", "2"}}));
  EXPECT_EQ(sent_[2]["versions"][0]["created_at"], "2023-11-14T22:13:20.000000Z");
  EXPECT_EQ(sent_[2]["dry_run"], false);
}

TEST_F(CliImport, OnATerminalThereIsABar) {
  terminal_ = true;
  EXPECT_EQ(Run(), ExitCode::kDone);
  EXPECT_TRUE(Says("\r[                              ]   0 %  0 of 2 models, 0 versions"));
  EXPECT_TRUE(Says("\r[==============================] 100 %  2 of 2 models, 2 versions\n"));
}

TEST_F(CliImport, FlagsReachWhoTheyAreFor) {
  environment_["MLFLOW_TRACKING_TOKEN"] = "from-env";
  environment_["MLFLOW_TRACKING_SERVER_CERT_PATH"] = "ca.pem";
  EXPECT_EQ(Run({"--dry-run", "--overwrite", "--url", "http://new.example:80", "--json"}),
            ExitCode::kDone)
      << Err();
  EXPECT_EQ(server_, "new.example:80");
  EXPECT_EQ(authorization_, "Bearer from-env");
  EXPECT_EQ(ca_file_, "ca.pem");
  EXPECT_TRUE(Says("unencrypted"));
  EXPECT_EQ(sent_.at(0)["dry_run"], true);
  EXPECT_EQ(sent_.at(0)["overwrite"], true);
  const Json report = *ParseJson(Out());
  EXPECT_EQ(report["complete"], true);
  EXPECT_EQ(report["dry_run"], true);
  EXPECT_EQ(report["versions"]["created"], 2);
  EXPECT_EQ(report["source"], "http://old.example:5000");
  EXPECT_EQ(Run({"--username", "ann", "--password", "x", "--ca-file", "other.pem"},
                "https://old.example"),
            ExitCode::kDone);
  EXPECT_EQ(authorization_, "Basic YW5uOng=");
  EXPECT_EQ(ca_file_, "other.pem");
  EXPECT_FALSE(Says("unencrypted"));
  EXPECT_EQ(Out().find("from-env"), std::string::npos);
}

TEST_F(CliImport, WhatCannotBeMeantIsUsage) {
  for (const char* url : {"old.example:5000", "ftp://x", "http://", "http://x:0", "http://a b",
                          "http://ann:secret@x:1", "http://x/?a=1"}) {
    EXPECT_EQ(Run({}, url), ExitCode::kUsage) << url;
    EXPECT_FALSE(Says("secret")) << Err();
  }
  EXPECT_EQ(Run({"--token", "t", "--username", "u"}), ExitCode::kUsage);
  EXPECT_EQ(Run({"--url", "a:1", "--server", "b:1"}), ExitCode::kUsage);
  EXPECT_TRUE(asked_.empty());
}

TEST_F(CliImport, OnlyTheModelsThatAreNamed) {
  source_["/mlflow/api/2.0/mlflow/registered-models/get?name=b"] = {
      200, R"({"registered_model":)" + SourceModel("b") + "}"};
  source_["/mlflow" + VersionsOf("b")] = {200, "{}"};
  source_["/mlflow/api/2.0/mlflow/registered-models/get?name=z"] = {
      404, R"({"error_code":"RESOURCE_DOES_NOT_EXIST","message":"no z"})"};
  EXPECT_EQ(Run({"--model", "b"}, "http://old.example:5000/mlflow/"), ExitCode::kDone) << Err();
  EXPECT_EQ(sent_.size(), 1U);
  EXPECT_EQ(Run({"--model", "b", "--model", "z"}, "http://old.example:5000/mlflow"),
            ExitCode::kNotFound);
  EXPECT_TRUE(Says("no z")) << Err();
  EXPECT_TRUE(sent_.empty()) << "a mistyped name stops it before it begins";
}

TEST_F(CliImport, PromptsComeToo) {
  source_[kListAll] = {200, "{}"};
  source_[kListPrompts] = {
      200, R"({"registered_models":[)" +
               SourceModel("p", R"(,"tags":[{"key":"mlflow.prompt.is_prompt","value":"true"}])") +
               "]}"};
  const std::string versions =
      "/api/2.0/mlflow/model-versions/search?max_results=100&filter=name%20%3D%20%27p%27%20AND%20"
      "tags.%60mlflow.prompt.is_prompt%60%20%3D%20%27true%27&order_by=version_number%20ASC";
  source_[versions] = {200, R"({"model_versions":[)" + SourceVersion("p", 1) + "]}"};
  EXPECT_EQ(Run(), ExitCode::kDone) << Err();
  EXPECT_EQ(sent_.at(0)["versions"].size(), 1U);
  // An older server does not know such a search.
  source_[kListPrompts] = {400, R"({"error_code":"INVALID_PARAMETER_VALUE","message":"tags"})"};
  EXPECT_EQ(Run(), ExitCode::kDone) << Err();
}

TEST_F(CliImport, BadRowsAreNamedAndTheRestComesOver) {
  source_[VersionsOf("b")] = {200, R"({"model_versions":[)" + SourceVersion("b", 1) + "," +
                                       SourceVersion("b", 2, R"(,"status":"FAILED_REGISTRATION")") +
                                       "," + SourceVersion("x", 3) + "," +
                                       SourceVersion("b", 4, R"(,"run_id":7)") + ",[]]}"};
  EXPECT_EQ(Run(), ExitCode::kFailed);
  EXPECT_TRUE(Tells("versions        1        0          0          0       4")) << Out();
  EXPECT_TRUE(Tells("failed: b version 2: its status there is FAILED_REGISTRATION")) << Out();
  EXPECT_TRUE(Tells("failed: b version 4: run_id is number, not text"));
  EXPECT_TRUE(Tells("failed: b alias champion (version 2): the source has no such version"));
  EXPECT_TRUE(Says("5 could not be brought over")) << Err();
}

TEST_F(CliImport, ConflictsHaveAnExitCodeOfTheirOwn) {
  podium_answers_.emplace_back(200, R"({"changed":false,"model":{"outcome":"conflict"},
      "versions":[],"aliases":[],"conflicts":[{"version":null,"alias":null,
      "detail":"description is \"x\" here"}]})");
  EXPECT_EQ(Run(), ExitCode::kConflict);
  EXPECT_TRUE(Tells("conflict: a: description is \"x\" here\n")) << Out();
  EXPECT_TRUE(Says("--overwrite")) << Err();
}

TEST_F(CliImport, ABusySourceIsAskedAgain) {
  first_replies_ = {SourceReply{503, "busy", "", ""}, SourceReply{429, "", "", "7"},
                    Fail(ErrorCode::kUnavailable, "reset"), SourceReply{500, "<html>", "", ""}};
  EXPECT_EQ(Run(), ExitCode::kDone) << Err();
  using std::chrono::milliseconds;
  EXPECT_EQ(pauses_, (std::vector<milliseconds>{milliseconds(500), milliseconds(7000),
                                                milliseconds(2000), milliseconds(4000)}));
}

TEST_F(CliImport, AModelThatTheSourceCannotShowCostsOnlyItself) {
  source_[VersionsOf("a")] = {500, R"({"error_code":"INTERNAL_ERROR","message":"disk"})"};
  EXPECT_EQ(Run(), ExitCode::kFailed);
  EXPECT_EQ(pauses_.size(), 4U);
  EXPECT_TRUE(Tells("failed: a: http://old.example:5000 answered 500: disk")) << Out();
  EXPECT_TRUE(Tells("models          1        0          0          0       1")) << Out();
}

TEST_F(CliImport, ASourceThatBreaksOffEndsItWithWhatIsDone) {
  const Error reset{ErrorCode::kUnavailable, "the connection was reset",
                    std::string(NameOf(net::UpstreamPhase::kSent)), nullptr};
  first_replies_ = {source_[kListAll],
                    source_[kListPrompts],
                    source_[VersionsOf("a")],
                    Fail(reset),
                    Fail(reset),
                    Fail(reset),
                    Fail(reset),
                    Fail(reset)};
  EXPECT_EQ(Run(), ExitCode::kUnreachable);
  EXPECT_TRUE(Tells("as far as it went")) << Out();
  EXPECT_TRUE(Says("run the same command again")) << Err();
}

TEST_F(CliImport, WhatIsNoMlflowIsSaid) {
  struct Case {
    SourceReply reply;
    ExitCode exit;
    const char* words;
  };
  const std::string deep(static_cast<std::size_t>(limits::kMaxJsonDepth) + 10, '[');
  const Case cases[] = {
      {{200, "<html>hello", "", ""}, ExitCode::kFailed, "is no MLflow server"},
      {{200, "", "", ""}, ExitCode::kFailed, "is no MLflow server"},
      {{200, "[]", "", ""}, ExitCode::kFailed, "is no MLflow server"},
      {{200, deep, "", ""}, ExitCode::kFailed, "is no MLflow server"},
      {{200, R"({"registered_models":"x"})", "", ""}, ExitCode::kFailed, "is no MLflow server"},
      {{200, R"({"a":1,"a":2})", "", ""}, ExitCode::kFailed, "is no MLflow server"},
      {{204, "", "", ""}, ExitCode::kFailed, "is no MLflow server"},
      {{404, "<html>", "", ""}, ExitCode::kFailed, "it answers 404 where MLflow's registry is"},
      {{302, "", "https://sso.example/\x1b[2J", ""},
       ExitCode::kFailed,
       "it names https://sso.example/?[2J"},
      {{401, "", "", ""}, ExitCode::kNotAllowed, "MLFLOW_TRACKING_TOKEN"},
      {{403, R"({"message":"go away"})", "", ""}, ExitCode::kNotAllowed, "cause: go away"},
      {{400, R"({"message":"odd\u001b"})", "", ""}, ExitCode::kFailed, "cause: odd?"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(fmt::format("{} {}", c.reply.status, c.reply.body.substr(0, 40)));
    source_[kListAll] = c.reply;
    pauses_.clear();
    EXPECT_EQ(Run(), c.exit);
    EXPECT_TRUE(Says(c.words)) << Err();
    EXPECT_TRUE(pauses_.empty());
    EXPECT_TRUE(sent_.empty());
    EXPECT_EQ(Out(), "");
  }
}

TEST_F(CliImport, AnAddressThatNobodyAnswersAtIsSaidAtOnce) {
  const Error refused{ErrorCode::kUnavailable, "connection refused",
                      std::string(NameOf(net::UpstreamPhase::kConnect)), nullptr};
  first_replies_ = {Fail(refused)};
  EXPECT_EQ(Run(), ExitCode::kUnreachable);
  EXPECT_TRUE(Says("look whether the address is right")) << Err();
  EXPECT_TRUE(pauses_.empty());
  first_replies_ = {Fail(ErrorCode::kTooLarge, "more than 64 MiB")};
  EXPECT_EQ(Run(), ExitCode::kFailed);
  EXPECT_TRUE(Says("too large"));
}

TEST_F(CliImport, PagesWithoutAnEndAreLeft) {
  source_[kListAll].body = R"({"next_page_token":"again"})";
  source_[std::string(kListAll) + "&page_token=again"] = source_[kListAll];
  EXPECT_EQ(Run(), ExitCode::kFailed);
  EXPECT_TRUE(Says("pages of models without an end")) << Err();
  EXPECT_EQ(asked_.size(), 2U);
}

TEST_F(CliImport, CtrlCWhileItWaits) {
  first_replies_ = {SourceReply{503, "", "", ""}};
  interrupted_ = true;
  EXPECT_EQ(Run(), ExitCode::kInterrupted);
}

TEST_F(CliImport, ABusyPodiumIsAskedAgainAndOneThatIsGoneEndsIt) {
  podium_answers_ = {{503, R"({"code":"unavailable","detail":"busy"})"},
                     {429, R"({"code":"limited","detail":"busy"})"}};
  EXPECT_EQ(Run(), ExitCode::kDone) << Err();
  EXPECT_EQ(pauses_.size(), 2U);
  pauses_.clear();
  podium_error_ = Error{ErrorCode::kUnavailable, "refused", "", nullptr};
  EXPECT_EQ(Run(), ExitCode::kUnreachable);
  EXPECT_TRUE(pauses_.empty());
  EXPECT_TRUE(Says("no Podium server answers")) << Err();
  podium_error_.reset();
  podium_answers_ = {{401, R"({"code":"unauthenticated","detail":"who"})"}};
  EXPECT_EQ(Run(), ExitCode::kNotAllowed);
  podium_answers_ = {{404, R"({"code":"not_found","detail":"there is nothing"})"}};
  EXPECT_EQ(Run(), ExitCode::kNotFound);
  EXPECT_TRUE(Says("older than this command")) << Err();
  EXPECT_EQ(sent_.size(), 1U);
  podium_answers_ = {{200, R"({"nonsense":true})"}};
  EXPECT_EQ(Run(), ExitCode::kFailed);
  EXPECT_TRUE(Says("did not answer as Podium does")) << Err();
}

TEST_F(CliImport, WhatPodiumRefusesCostsOnlyThatCall) {
  podium_answers_ = {{413, R"({"code":"too_large","detail":"too large"})"}};
  EXPECT_EQ(Run(), ExitCode::kFailed);
  EXPECT_TRUE(Tells("failed: a: too large")) << Out();
  EXPECT_TRUE(Tells("models          1        0          0          0       1")) << Out();
  EXPECT_EQ(sent_.size(), 3U);
}

// A call has so many versions, and so many bytes, however large the source's pages are.
TEST_F(CliImport, LargePagesGoInSeveralCalls) {
  std::string rows;
  for (int i = 1; i <= 150; ++i) rows += (i > 1 ? "," : "") + SourceVersion("a", i);
  source_[VersionsOf("a")] = {200, R"({"model_versions":[)" + rows + "]}"};
  EXPECT_EQ(Run(), ExitCode::kDone) << Err();
  EXPECT_EQ(sent_.at(0)["versions"].size(), limits::kMaxImportVersions);
  EXPECT_EQ(sent_.at(1)["versions"].size(), 50U);
  rows.clear();
  for (int i = 1; i <= 12; ++i) {
    rows += (i > 1 ? "," : "") +
            SourceVersion("a", i,
                          R"(,"tags":[{"key":"k","value":")" + std::string(99'000, 'x') +
                              R"("},{"key":"l","value":")" + std::string(99'000, 'x') + "\"}]");
  }
  source_[VersionsOf("a")] = {200, R"({"model_versions":[)" + rows + "]}"};
  EXPECT_EQ(Run(), ExitCode::kDone) << Err();
  EXPECT_EQ(sent_.at(0)["versions"].size(), 5U);
  EXPECT_EQ(sent_.at(1)["versions"].size(), 5U);
  EXPECT_EQ(sent_.at(2)["versions"].size(), 2U);
}

TEST_F(CliImport, FilesOfLoggedModelsAreLookedUp) {
  const auto place = [](int number) {
    return fmt::format("/api/2.0/mlflow/model-versions/get-download-uri?name=a&version={}", number);
  };
  std::string rows;
  for (int i = 1; i <= 4; ++i) {
    std::string row = SourceVersion("a", i);
    row.replace(row.find("s3://b"), 6, i == 4 ? "s3://b" : "models:/m-1");
    rows += (i > 1 ? "," : "") + row;
  }
  source_[VersionsOf("a")] = {200, R"({"model_versions":[)" + rows + "]}"};
  source_[place(1)] = {200, R"({"artifact_uri":"mlflow-artifacts:/1/m-1"})"};
  source_[place(2)] = {404, "{}"};
  source_[place(3)] = {200, R"({"artifact_uri":"models:/m-1"})"};
  EXPECT_EQ(Run(), ExitCode::kDone) << Err();
  const Json& versions = sent_.at(0)["versions"];
  EXPECT_EQ(versions[0]["source"], "models:/m-1");
  EXPECT_EQ(versions[0]["storage_location"], "mlflow-artifacts:/1/m-1");
  for (const std::size_t i : {1U, 2U, 3U}) EXPECT_FALSE(versions[i].contains("storage_location"));
  EXPECT_TRUE(Tells("note: the files of 1 version are behind the source's")) << Out();
}

TEST(MlflowSourceNames, AreAskedForInQuotes) {
  EXPECT_EQ(*NameFilter("a b"), "name = 'a b'");
  EXPECT_EQ(*NameFilter("it's"), "name = \"it's\"");
  EXPECT_EQ(*NameFilter("a\"b"), "name = 'a\"b'");
  EXPECT_FALSE(NameFilter("it's \"odd\""));
}

TEST(CliImportArguments, AreReadAsTyped) {
  const auto line = ParseArguments({"import", "mlflow", "http://x", "--model", "a b", "--model",
                                    "c", "--token", "t", "--overwrite", "--server", "h:1"});
  ASSERT_TRUE(line) << Render(line.error());
  const auto& args = std::get<ImportArgs>(line->verb);
  EXPECT_EQ(args.url, "http://x");
  EXPECT_EQ(args.models, (std::vector<std::string>{"a b", "c"}));
  EXPECT_EQ(args.token, "t");
  EXPECT_TRUE(args.overwrite);
  EXPECT_FALSE(args.dry_run);
  EXPECT_EQ(line->client.server, "h:1");
  for (const auto& wrong :
       std::vector<std::vector<std::string>>{{"import"},
                                             {"import", "mlflow"},
                                             {"import", "mlfow", "http://x"},
                                             {"import", "mlflow", "http://x", "more"}}) {
    const auto refused = ParseArguments(wrong);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().exit, ExitCode::kUsage);
  }
  const auto near = ParseArguments({"import", "mlfow", "http://x"});
  EXPECT_NE(near.error().fix.find("podium import mlflow"), std::string::npos) << near.error().fix;
}

}  // namespace
}  // namespace podium::app
