// `podium compare`: what is typed becomes the API's question. What is shown: cli_log_test.cc.
#include "app/cli_compare.h"

#include <gtest/gtest.h>

#include <string>

#include "app/cli_server_fixture.h"

namespace podium::app {
namespace {

constexpr const char* kReport = R"({"route": "tumour", "since": "2026-03-09T14:00:00.000000Z",
    "until": "2026-03-10T14:00:00.000000Z", "complete": true,
    "versions": [{"model_id": "t1", "version": "1", "status": "primary", "n": 1200}]})";

class CompareVerb : public CliServerTest {};

TEST_F(CompareVerb, AsksForTheTimeAndTheThreshold) {
  Answer("GET /api/v1/routes/tumour/compare?since=24h", 200, kReport);
  EXPECT_EQ(Run({"compare", "tumour"}), ExitCode::kDone) << err_.str();
  EXPECT_NE(out_.str().find("1 (primary)"), std::string::npos) << out_.str();
  Answer("GET /api/v1/routes/tumour/compare?since=7d&until=1h&threshold=0.25", 200, kReport);
  EXPECT_EQ(Run({"compare", "tumour", "--since", "7d", "--until", "1h", "--threshold", "0.25"}),
            ExitCode::kDone)
      << err_.str();
  EXPECT_EQ(Run({"compare", "tumour", "-o", "json"}), ExitCode::kDone);
  EXPECT_EQ(*ParseJson(out_.str()), *ParseJson(kReport));
}

// An empty table would look like a route without traffic.
TEST_F(CompareVerb, SaysWhyThereIsNothing) {
  Answer("GET /api/v1/routes/tumour/compare?since=24h", 200,
         R"({"route": "tumour", "versions": []})");
  EXPECT_EQ(Run({"compare", "tumour"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(), "");
  EXPECT_NE(err_.str().find("is the route logged"), std::string::npos) << err_.str();
}

TEST_F(CompareVerb, NamesTheRouteThatWasMeant) {
  Answer("GET /api/v1/routes?limit=500", 200,
         R"({"items": [{"route": "tumour"}], "next_cursor": null})");
  EXPECT_EQ(Run({"compare", "tumor"}), ExitCode::kNotFound);
  EXPECT_NE(err_.str().find("tumour"), std::string::npos) << err_.str();
  EXPECT_EQ(Run({"compare"}), ExitCode::kUsage);
  EXPECT_EQ(Run({"compare", "tumour", "--threshold", "half"}), ExitCode::kUsage);
}

}  // namespace
}  // namespace podium::app
