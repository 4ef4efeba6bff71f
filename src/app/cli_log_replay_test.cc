// `podium log replay`: who decides on a version by it must know that the right requests were sent,
// to that version, and which answers could not be compared.
#include "app/cli_log_replay.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "app/cli_server_fixture.h"

namespace podium::app {
namespace {

class LogReplayVerb : public CliServerTest {
 protected:
  LogReplayVerb() {
    Answer("GET /api/v1/versions?route=tumour&limit=500", 200, kVersions);
    Answer("GET /api/v1/versions/tumour-v2", 200, R"({"model_id": "tumour-v2", "version": "2",
                                                     "route": "tumour"})");
    Answer("GET /api/v1/predictions?route=tumour&limit=9", 200,
           R"({"items": [{"id": "p1"}, {"id": "p2"}, {"id": "p3"}], "next_cursor": null})");
    Answer("GET /api/v1/predictions/p1", 200,
           R"({"id": "p1", "route": "tumour", "path": "/v2/models/tumour/versions/1/infer",
               "request": {"x": 1, "stream": true}, "answer": {"model": "1", "y": 0.25}})");
    Answer("GET /api/v1/predictions/p2", 200,
           R"({"id": "p2", "route": "tumour", "path": "/predict", "request": {"x": 2},
               "answer": {"model": "1", "y": 0.25}})");
    Answer("GET /api/v1/predictions/p3", 200, R"({"id": "p3", "route": "tumour"})");
    Answer("POST /v2/models/tumour/infer", 200, R"({"model": "2", "y": 0.25})");
    Answer("POST /predict", 200, R"({"model": "2", "y": 0.75})");
  }

  std::vector<net::ClientRequest> Sent() const {
    std::vector<net::ClientRequest> sent;
    std::ranges::copy_if(requests_, std::back_inserter(sent), [](const auto& request) {
      return request.method == net::HttpMethod::kPost;
    });
    return sent;
  }

  static constexpr const char* kVersions =
      R"({"items": [{"model_id": "tumour-v1", "version": "1", "route": "tumour"},
                    {"model_id": "tumour-v2", "version": "2", "route": "tumour"}],
          "next_cursor": null})";
};

std::string HeaderOf(const net::ClientRequest& request, const std::string& name) {
  for (const auto& [key, value] : request.headers) {
    if (key == name) return value;
  }
  return "";
}

TEST_F(LogReplayVerb, SendsWhatWasAskedToTheNamedVersion) {
  ASSERT_EQ(Run({"log", "replay", "tumour", "--version", "2", "--limit", "9"}), ExitCode::kDone)
      << err_.str();
  const std::vector<net::ClientRequest> sent = Sent();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0].target, "/v2/models/tumour/infer") << "without the version it has named";
  EXPECT_EQ(sent[0].body, R"({"x":1})") << "whole, not as a stream";
  EXPECT_EQ(sent[1].target, "/predict");
  for (const net::ClientRequest& request : sent) {
    EXPECT_EQ(HeaderOf(request, "X-Podium-Route"), "tumour");
    EXPECT_EQ(HeaderOf(request, "X-Podium-Model-Version"), "tumour-v2");
  }
  EXPECT_EQ(HeaderOf(sent[1], "X-Request-Id"), "replay-p2") << "not as the first request";
}

TEST_F(LogReplayVerb, CountsOnlyAnswersThatAreTheSame) {
  ASSERT_EQ(Run({"log", "replay", "tumour", "--version", "2", "--limit", "9"}), ExitCode::kDone);
  EXPECT_EQ(err_.str(), "1 of 3 answers are the same\n");
  for (const char* part : {"not kept", "differs", "/y"}) {
    EXPECT_NE(out_.str().find(part), std::string::npos) << part << "\n" << out_.str();
  }
  ASSERT_EQ(Run({"log", "replay", "tumour", "--version", "2", "--limit", "9", "-o", "json"}),
            ExitCode::kDone);
  const Result<Json> json = ParseJson(out_.str());
  ASSERT_TRUE(json) << out_.str();
  ASSERT_EQ(json->size(), 3U);
  EXPECT_EQ((*json)[0]["result"], "same");
  EXPECT_EQ((*json)[1]["largest_difference"], 0.5);
  EXPECT_EQ((*json)[1]["first_difference"], "/y");
  EXPECT_TRUE((*json)[2]["largest_difference"].is_null()) << "nothing was compared";
}

// A refusal is a result of its own: the others are still asked.
TEST_F(LogReplayVerb, GoesOnAfterARefusal) {
  Answer("POST /v2/models/tumour/infer", 503, R"({"code": "unavailable", "detail": "is loading"})");
  ASSERT_EQ(Run({"log", "replay", "--version", "tumour-v2", "--limit", "9"}), ExitCode::kDone)
      << "the version names the route: " << err_.str();
  EXPECT_EQ(Sent().size(), 2U);
  EXPECT_NE(out_.str().find("is loading"), std::string::npos) << out_.str();
  EXPECT_EQ(err_.str(), "0 of 3 answers are the same\n");
}

TEST_F(LogReplayVerb, NeedsAVersionThatThereIs) {
  EXPECT_EQ(Run({"log", "replay", "tumour"}), ExitCode::kUsage);
  EXPECT_TRUE(requests_.empty());
  EXPECT_EQ(Run({"log", "replay", "tumour", "--version", "3"}), ExitCode::kNotFound);
  EXPECT_TRUE(Sent().empty());
}

}  // namespace
}  // namespace podium::app
