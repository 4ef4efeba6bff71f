// The API as one handler: whose path it is, who calls, what goes on to the tracking server.
#include "control/mlflow/mlflow_api.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "control/mlflow/upstream.h"
#include "net/answer_fixture.h"
#include "net/memory_exchange.h"
#include "store/memory_model_store.h"
#include "testing/sim_clock.h"
#include "testing/temp_dir.h"

namespace podium::control {
namespace {

/// An answer in one piece.
class OneAnswer final : public net::UpstreamResponse {
 public:
  OneAnswer(int status, std::string body, std::vector<net::HeaderField> headers)
      : body_(std::move(body)) {
    status_ = status;
    headers_ = std::move(headers);
  }
  Task<Result<std::string_view>> ReadSome() override {
    if (std::exchange(read_, true)) co_return std::string_view();
    co_return std::string_view(body_);
  }
  void Cancel() override {}
  void SetDeadline(SteadyTime) override {}

 private:
  const std::string body_;
  bool read_ = false;
};

/// A tracking server that always answers the same, or is not there.
class OneServer final : public net::Upstream {
 public:
  Task<Result<std::unique_ptr<net::UpstreamResponse>>> Send(const net::Origin&,
                                                            net::UpstreamRequest request) override {
    sent.push_back(std::move(request));
    if (away) co_return Fail(ErrorCode::kUnavailable, "connection refused");
    co_return std::make_unique<OneAnswer>(status, body, headers);
  }

  int status = 200;
  std::string body = "{}";
  std::vector<net::HeaderField> headers = {{"Content-Type", "application/json"}};
  bool away = false;
  std::vector<net::UpstreamRequest> sent;
};

class Api : public ::testing::Test {
 protected:
  struct Answer {
    int status = 0;
    Json json;
  };
  /// `body` empty: none is sent.
  Answer Ask(const std::string& method, const std::string& path, const std::string& body = "",
             const std::string& headers = "") {
    const std::string typed = body.empty() ? "" : "Content-Type: application/json\r\n";
    net::MemoryExchange exchange(net::MemoryExchange::Text(method, path, body, typed + headers));
    MlflowApi api(context_);
    const net::Response response = net::AnswerOf(api, exchange);
    Result<Json> json = ParseJson(response.body);
    return {response.status, json ? std::move(*json) : Json()};
  }
  Answer Mlflow(const std::string& method, const std::string& path, const std::string& body = "") {
    return Ask(method, "/api/2.0/mlflow/" + path, body);
  }
  std::string CodeOf(const Answer& answer) {
    return std::to_string(answer.status) + " " + answer.json.value("error_code", "");
  }

  podium::testing::TempDir folder_;
  podium::testing::SimClock clock_;
  SeededRng rng_{1};
  store::MemoryModelStore models_{clock_};
  auth::Authenticator authenticator_ = auth::Authenticator::LocalOnly();
  WorkerPool reads_{"read", 1, 8};
  WorkerPool writer_{"write", 1, 8};
  WorkerPool files_{"file", 1, 8};
  runtime::ArtifactTree artifacts_{folder_ / "artifacts"};
  OneServer server_;
  MlflowUpstream upstream_{{false, "tracking", 5000, {}}, "/base", {&server_}, clock_};
  MlflowContext context_{models_, authenticator_, rng_,       reads_,
                         writer_, files_,         artifacts_, MlflowOptions()};
};

TEST_F(Api, ServesMlflowsPaths) {
  for (const char* path :
       {"/api/2.0/mlflow/registered-models/get", "/api/3.0/mlflow/server-info",
        "/ajax-api/2.0/mlflow/x", "/api/2.0/mlflow-artifacts/artifacts", "/health", "/version"}) {
    EXPECT_TRUE(MlflowApi::Serves(path)) << path;
  }
  for (const char* path :
       {"/api/v1/versions", "/healthz", "/api/2.0/mlflowx", "/", "/api/models"}) {
    EXPECT_FALSE(MlflowApi::Serves(path)) << path;
  }
}

TEST_F(Api, AnswersInMlflowsShape) {
  EXPECT_EQ(Mlflow("POST", "registered-models/create", R"({"name": "m"})").status, 200);
  EXPECT_EQ(CodeOf(Mlflow("POST", "registered-models/create", R"({"name": "m"})")),
            "400 RESOURCE_ALREADY_EXISTS");
  EXPECT_EQ(CodeOf(Mlflow("GET", "registered-models/get?name=x")), "404 RESOURCE_DOES_NOT_EXIST");
  EXPECT_EQ(CodeOf(Mlflow("GET", "registered-models/x")), "404 ENDPOINT_NOT_FOUND");
  EXPECT_EQ(CodeOf(Mlflow("PUT", "registered-models/create", "{}")), "405 ENDPOINT_NOT_FOUND");
  EXPECT_EQ(CodeOf(Mlflow("POST", "registered-models/create")), "400 INVALID_PARAMETER_VALUE")
      << "no content type";
  const Answer got = Ask("GET", "/ajax-api/2.0/mlflow/registered-models/get?name=m");
  EXPECT_EQ(got.json["registered_model"]["name"], "m");
  EXPECT_EQ(got.json["registered_model"]["creation_timestamp"], 1'773'064'800'000);
}

// People search for these sentences, and clients compare some of them: they are MLflow's, whole.
TEST_F(Api, SaysWhatMlflowSays) {
  Mlflow("POST", "registered-models/create", R"({"name": "m"})");
  Mlflow("POST", "model-versions/create", R"({"name": "m", "source": "s3://b"})");
  const std::string docs = " See the API docs for more information about request parameters.";
  struct Case {
    const char* method;
    const char* path;
    const char* body;
    int status;
    std::string message;
  };
  for (const Case& c : {
           Case{"POST", "registered-models/create", R"({"name": "m"})", 400,
                "Registered Model (name=m) already exists."},
           Case{"POST", "registered-models/create", "{}", 400,
                "Missing value for required parameter 'name'." + docs},
           Case{"POST", "registered-models/create", R"({"name": 2})", 400,
                "Invalid value 2 for parameter 'name' supplied: Hint: Value was of type 'int'." +
                    docs},
           Case{"GET", "registered-models/get?name=x", "", 404,
                "Registered Model with name=x not found"},
           Case{"GET", "registered-models/alias?name=m&alias=x", "", 400,
                "Registered model alias x not found."},
           Case{"POST", "registered-models/alias",
                R"({"name": "m", "alias": "Latest", "version": "1"})", 400,
                "'latest' alias name (case insensitive) is reserved."},
           Case{"POST", "registered-models/alias",
                R"({"name": "m", "alias": "v3", "version": "1"})", 400,
                "Version alias name 'v3' is reserved."},
           Case{"GET", "registered-models/search?filter=name+%3D+'a'+OR+name+%3D+'b'", "", 400,
                "Invalid clause(s) in filter string: OR"},
           Case{"GET", "model-versions/get?name=m&version=7", "", 404,
                "Model Version (name=m, version=7) not found"},
           Case{"GET", "model-versions/get?name=m&version=0", "", 404,
                "Model Version (name=m, version=0) not found"},
           Case{"DELETE", "model-versions/delete", R"({"name": "m", "version": "-1"})", 404,
                "Model Version (name=m, version=-1) not found"},
           Case{"GET", "model-versions/get?name=m&version=abc", "", 400,
                "Parameter 'version' must be an integer, got 'abc'."},
           Case{"POST", "model-versions/transition-stage",
                R"({"name": "m", "version": "1", "stage": "Blah"})", 400,
                "Invalid Model Version stage: Blah. Value must be one of None, Staging, "
                "Production, Archived."},
           Case{"POST", "registered-models/create", "", 400,
                "Bad Request. Content-Type must be one of ['application/json']."},
       }) {
    SCOPED_TRACE(c.message);
    const Answer answer = Mlflow(c.method, c.path, c.body);
    EXPECT_EQ(answer.status, c.status);
    EXPECT_EQ(answer.json.value("message", ""), c.message);
  }
}

TEST_F(Api, OnlyTheAdminMay) {
  authenticator_ = auth::Authenticator::WithAdminToken("sixteen-letters!", "k");
  for (const char* path : {"/api/2.0/mlflow/registered-models/search",
                           "/api/2.0/mlflow-artifacts/artifacts", "/api/2.0/mlflow/runs/get"}) {
    EXPECT_EQ(CodeOf(Ask("GET", path)), "401 UNAUTHENTICATED");
    EXPECT_EQ(CodeOf(Ask("GET", path, "", "Authorization: Bearer wrong-wrong-wrong\r\n")),
              "401 UNAUTHENTICATED");
  }
  EXPECT_EQ(Ask("GET", "/api/2.0/mlflow/registered-models/search", "",
                "Authorization: Bearer sixteen-letters!\r\n")
                .status,
            200);
}

TEST_F(Api, ABodyHasALimit) {
  context_.options.max_body_bytes = 64;
  const std::string most = R"({"name": ")" + std::string(64 - 12, 'x') + R"("})";
  ASSERT_EQ(most.size(), 64U);
  EXPECT_EQ(Mlflow("POST", "registered-models/create", most).status, 200);
  EXPECT_EQ(Mlflow("POST", "registered-models/create", most + " ").status, 413);
}

TEST_F(Api, AnArtifactHasALimit) {
  context_.options.max_artifact_bytes = 4;
  const std::string path = "/api/2.0/mlflow-artifacts/artifacts/a";
  EXPECT_EQ(Ask("PUT", path, "1234").status, 200);
  EXPECT_EQ(Ask("PUT", path, "12345").status, 413);
}

TEST_F(Api, WithoutATrackingServerItSaysWhatToDo) {
  const Answer answer = Mlflow("GET", "experiments/get?experiment_id=0");
  EXPECT_EQ(CodeOf(answer), "404 ENDPOINT_NOT_FOUND");
  EXPECT_NE(answer.json.value("message", "").find("mlflow.upstream"), std::string::npos);
}

// INV-15: whoever reads the tracking server's log must not find Podium's token there.
TEST_F(Api, Inv15PassesOnTheCallButNoCredential) {
  authenticator_ = auth::Authenticator::WithAdminToken("sixteen-letters!", "k");
  context_.upstream = &upstream_;
  server_.status = 201;
  const Answer answer = Ask("POST", "/api/2.0/mlflow/runs/create?x=1", R"({"a": 1})",
                            "Authorization: Bearer sixteen-letters!\r\nCookie: c=1\r\n");
  EXPECT_EQ(answer.status, 201);
  ASSERT_EQ(server_.sent.size(), 1U);
  EXPECT_EQ(server_.sent[0].target, "/base/api/2.0/mlflow/runs/create?x=1");
  EXPECT_EQ(server_.sent[0].body, R"({"a": 1})");
  for (const auto& [name, value] : server_.sent[0].headers) {
    EXPECT_EQ(value.find("sixteen"), std::string::npos);
    EXPECT_NE(name, "cookie");
  }
}

// Two registries behind one address would tell two stories.
TEST_F(Api, TheRegistryIsNeverPassedOn) {
  context_.upstream = &upstream_;
  for (const char* path : {"registered-models/unheard-of", "model-versions/x", "webhooks"}) {
    EXPECT_EQ(CodeOf(Mlflow("GET", path)), "404 ENDPOINT_NOT_FOUND");
  }
  for (const char* path : {"%77ebhooks", "%6dodel-versions/x", "registered-model%73/unheard-of"}) {
    EXPECT_EQ(CodeOf(Mlflow("GET", path)), "404 ENDPOINT_NOT_FOUND") << path;
  }
  for (const char* path :
       {"/webhooks", "runs//get", "x/../registered-models", "./webhooks", "x/%2e%2e/webhooks",
        "x%2f..%2fwebhooks", "x%5c..%5cwebhooks", "runs/", "%2577ebhooks", "runs%0aget", ""}) {
    EXPECT_EQ(CodeOf(Mlflow("GET", path)), "400 INVALID_PARAMETER_VALUE") << path;
  }
  EXPECT_TRUE(server_.sent.empty());
  server_.away = true;
  EXPECT_EQ(CodeOf(Mlflow("GET", "runs/get")), "503 TEMPORARILY_UNAVAILABLE");
}

// What goes on is the path that was judged, not the line as it was sent.
TEST_F(Api, ATargetWithAHostIsNotPassedOn) {
  context_.upstream = &upstream_;
  EXPECT_EQ(Ask("GET", "http://localhost/api/2.0/mlflow/runs/get?run_id=1").status, 200);
  ASSERT_EQ(server_.sent.size(), 1U);
  EXPECT_EQ(server_.sent[0].target, "/base/api/2.0/mlflow/runs/get?run_id=1");
}

// A page of the tracking server would run with the rights of whoever is logged in at Podium.
TEST_F(Api, WhatIsPassedBackIsHarmless) {
  context_.upstream = &upstream_;
  struct Case {
    std::vector<net::HeaderField> headers;
    std::string_view disposition;
  };
  for (const Case& c :
       {Case{{{"Content-Type", "application/json"}}, ""},
        Case{{{"Content-Type", "text/html"}}, "attachment"},
        Case{{{"Content-Type", "text/html"}, {"Content-Disposition", "inline"}}, "inline"},
        Case{{{"Content-Type", "image/svg+xml"}, {"Content-Disposition", "attachment; filename=a"}},
             "attachment; filename=a"}}) {
    server_.headers = c.headers;
    server_.headers.push_back({"Retry-After", "7"});
    net::MemoryExchange exchange(net::MemoryExchange::Text("GET", "/api/2.0/mlflow/runs/get"));
    MlflowApi api(context_);
    const net::Response response = net::AnswerOf(api, exchange);
    EXPECT_EQ(response.headers.Find("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(response.headers.Find("Content-Security-Policy"), "sandbox");
    EXPECT_EQ(response.headers.Find("Content-Disposition").value_or(""), c.disposition);
    EXPECT_EQ(response.headers.Find("Retry-After"), "7");
  }
}

// Who says that a version comes from another run than the one it was made by is mistaken.
TEST_F(Api, ACopyIsOfTheRunOfItsOrigin) {
  Mlflow("POST", "registered-models/create", R"({"name": "100%"})");
  const std::string first = R"({"name": "100%", "source": "s3://b/c", "run_id": "r1"})";
  ASSERT_EQ(Mlflow("POST", "model-versions/create", first).status, 200);
  const std::string copy = R"({"name": "100%", "source": "models:/100%/1", "run_id": ")";
  for (const char* run : {"", "r1"}) {
    const Answer made = Mlflow("POST", "model-versions/create", copy + run + R"("})");
    EXPECT_EQ(made.status, 200);
    EXPECT_EQ(made.json["model_version"]["run_id"], "r1");
  }
  EXPECT_EQ(CodeOf(Mlflow("POST", "model-versions/create", copy + R"(r2"})")),
            "400 INVALID_PARAMETER_VALUE");
}

// Prompts have no files: only they may say so.
TEST_F(Api, OnlyAPromptNeedsNoSource) {
  Mlflow("POST", "registered-models/create", R"({"name": "m"})");
  const std::string mark = R"(, "tags": [{"key": "mlflow.prompt.is_prompt", "value": "true"}]})";
  for (const std::string source : {"dummy-source", "prompt-template"}) {
    const std::string create = R"({"name": "m", "source": ")" + source + R"(")";
    EXPECT_EQ(Mlflow("POST", "model-versions/create", create + mark).status, 200);
    EXPECT_EQ(CodeOf(Mlflow("POST", "model-versions/create", create + "}")),
              "400 INVALID_PARAMETER_VALUE");
  }
  EXPECT_EQ(CodeOf(Mlflow("POST", "model-versions/create",
                          R"({"name": "m", "source": "/etc/passwd")" + mark)),
            "400 INVALID_PARAMETER_VALUE");
}

TEST_F(Api, ALoggedModelIsWhereTheTrackingServerSays) {
  context_.upstream = &upstream_;
  server_.body =
      R"({"model": {"info": {"artifact_uri": "mlflow-artifacts:/1/m", "source_run_id": "r"}}})";
  Mlflow("POST", "registered-models/create", R"({"name": "m"})");
  const std::string create = R"({"name": "m", "source": "models:/m-1", "model_id": "m-1"})";
  const Answer made = Mlflow("POST", "model-versions/create", create);
  EXPECT_EQ(made.status, 200);
  EXPECT_EQ(made.json["model_version"]["run_id"], "r");
  EXPECT_EQ(made.json["model_version"]["source"], "models:/m-1");
  EXPECT_EQ(Mlflow("GET", "model-versions/get-download-uri?name=m&version=1").json["artifact_uri"],
            "mlflow-artifacts:/1/m");
  server_.status = 404;
  EXPECT_EQ(CodeOf(Mlflow("POST", "model-versions/create", create)), "400 INVALID_PARAMETER_VALUE");
  server_.status = 200;
  for (const char* body : {"", "[]", "{}", R"({"model": 1})", R"({"model": {"info": {}}})",
                           R"({"model": {"info": {"artifact_uri": 7}}})"}) {
    server_.body = body;
    EXPECT_EQ(CodeOf(Mlflow("POST", "model-versions/create", create)),
              "503 TEMPORARILY_UNAVAILABLE");
  }
  EXPECT_EQ(models_.events().size(), 2U) << "nothing half done";
}

// What would break the callers of a route is refused as MLflow refuses what is wrong in itself, and
// whoever follows is told of what was done, not of what was not.
TEST_F(Api, WhoFollowsHasASay) {
  int changes = 0;
  bool allowed = false;
  context_.hook.judge = [&](const store::ModelMutation& mutation) -> Status {
    if (allowed || !std::holds_alternative<store::SetAlias>(mutation)) return {};
    return Fail(ErrorCode::kInvalidArgument, "Route r follows this model.");
  };
  context_.hook.changed = [&] { ++changes; };
  Mlflow("POST", "registered-models/create", R"({"name": "m"})");
  Mlflow("POST", "model-versions/create", R"({"name": "m", "source": "s3://b"})");
  EXPECT_EQ(changes, 2);
  const std::string alias = R"({"name": "m", "alias": "champion", "version": "1"})";
  const Answer refused = Mlflow("POST", "registered-models/alias", alias);
  EXPECT_EQ(CodeOf(refused), "400 INVALID_PARAMETER_VALUE");
  EXPECT_EQ(refused.json.value("message", ""), "Route r follows this model.");
  EXPECT_TRUE(models_.ReadModel("m")->model.aliases.empty());
  EXPECT_EQ(changes, 2);
  allowed = true;
  EXPECT_EQ(Mlflow("POST", "registered-models/alias", alias).status, 200);
  EXPECT_EQ(changes, 3);
  EXPECT_EQ(Mlflow("POST", "registered-models/alias", alias).status, 200);
  EXPECT_EQ(changes, 3) << "it was so already";
}

}  // namespace
}  // namespace podium::control
