// What people read of routes that follow a registered model.
#include "app/cli_follow.h"

#include <gtest/gtest.h>

#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "app/cli_run.h"
#include "testing/sim_clock.h"

namespace podium::app {
namespace {

Json RouteThat(const std::string& follow) {
  return *ParseJson(R"({"route": "ads", "follow": )" + follow + "}");
}

constexpr const char* kWell =
    R"({"model": "ranker", "champion": "@champion", "challenger": null, "challenger_share": 5,
        "held": false, "standing": {"state": "following", "text": "all is well", "champion": 3,
                                    "challenger": 4}})";

TEST(FollowLine, NamesWhoDrivesTheRoute) {
  EXPECT_EQ(FollowLine(*ParseJson(R"({"route": "ads", "follow": null})")), "");
  EXPECT_EQ(FollowLine(RouteThat(kWell)),
            "ads follows ranker (@champion v3; challenger v4 at 5 %)");
  EXPECT_EQ(FollowLine(RouteThat(R"({"model": "ranker", "champion": null, "challenger": "none",
      "challenger_share": 5, "held": false, "standing": {"state": "waiting", "champion": null,
      "challenger": null, "text": "no version has alias champion"}})")),
            "ads follows ranker (champion unset; no challenger): no version has alias champion");
}

// Who reads nothing else must see this.
TEST(FollowWarning, SaysWhatAPersonHasToDo) {
  EXPECT_EQ(FollowWarning(*ParseJson(R"({"route": "ads"})")), "");
  EXPECT_EQ(FollowWarning(RouteThat(kWell)), "");
  EXPECT_EQ(
      FollowWarning(RouteThat(R"({"model": "ranker", "held": true, "held_because":
      "local:alice rolled back", "held_at": "2026-03-09T14:31:07.123456Z",
      "standing": {"state": "held", "text": "held"}})")),
      "warning: route ads does not follow ranker, held since 2026-03-09 14:31:07: local:alice "
      "rolled back; podium route follow ads --resume\n");
  EXPECT_EQ(FollowWarning(RouteThat(R"({"model": "ranker", "held": false,
      "standing": {"state": "blocked", "text": "version 4 cannot be served: no such file"}})")),
            "warning: route ads: version 4 cannot be served: no such file\n");
}

TEST(HeldNote, IsForTheRollbackThatHeldIt) {
  const auto answer = [](const char* kind, const char* held) {
    return *ParseJson(std::string(R"({"route": "ads", "change": {"kind": ")") + kind +
                      R"("}, "follow": {"model": "ranker", "held": )" + held + "}}");
  };
  EXPECT_EQ(HeldNote(answer("rollback", "true")),
            "ads is held and does not follow ranker until: podium route follow ads --resume\n");
  EXPECT_EQ(HeldNote(answer("rollback", "false")), "");
  EXPECT_EQ(HeldNote(answer("activate", "true")), "");
  EXPECT_EQ(HeldNote(*ParseJson(R"({"route": "ads", "change": {"kind": "rollback"}})")), "");
}

/// The verbs against a server that gives one answer.
class FollowVerbs : public ::testing::Test {
 protected:
  ExitCode Run(const std::vector<std::string>& arguments) {
    out_.str("");
    err_.str("");
    std::istringstream in;
    Console console{out_, err_, in, false, false, false};
    CliWorld world{{},
                   console,
                   clock_,
                   [](auto) { return true; },
                   {},
                   "podium",
                   [this](const net::HostPort&) -> Transport {
                     return [this](const net::ClientRequest& request) { return Answer(request); };
                   }};
    return RunCli(arguments, world);
  }
  Result<net::ClientResponse> Answer(const net::ClientRequest& request) {
    call_ = std::string(net::NameOf(request.method)) + " " + request.target + " " + request.body;
    net::ClientResponse response;
    response.status = status_;
    response.body = body_;
    return response;
  }

  int status_ = 200;
  std::string body_ = R"({"route": "ads", "changed": true, "follow": {"model": "ranker"}})";
  std::string call_;
  std::ostringstream out_;
  std::ostringstream err_;
  podium::testing::SimClock clock_;
};

TEST_F(FollowVerbs, AskForWhatWasTyped) {
  EXPECT_EQ(Run({"route", "follow", "ads", "ranker", "--champion", "@best", "--challenger-share",
                 "2.5", "--reason", "why"}),
            ExitCode::kDone)
      << err_.str();
  EXPECT_EQ(call_, R"(PUT /api/v1/routes/ads/follow {"model":"ranker","champion":"@best",)"
                   R"("challenger_share":2.5,"reason":"why"})");
  EXPECT_NE(out_.str().find("ads follows ranker"), std::string::npos);
  EXPECT_NE(out_.str().find("Undo: podium route unfollow ads"), std::string::npos);
  EXPECT_EQ(Run({"route", "follow", "ads", "--resume"}), ExitCode::kDone);
  EXPECT_EQ(call_, "POST /api/v1/routes/ads/follow/resume {}");
  EXPECT_EQ(Run({"route", "unfollow", "ads"}), ExitCode::kDone);
  EXPECT_EQ(call_, "DELETE /api/v1/routes/ads/follow {}");
  body_ = R"({"route": "ads", "changed": false, "follow": null})";
  EXPECT_EQ(Run({"route", "unfollow", "ads"}), ExitCode::kDone);
  EXPECT_TRUE(out_.str().starts_with("it was so already: ")) << out_.str();
}

TEST_F(FollowVerbs, ReloadSaysHowItStands) {
  body_ = R"({"standing": {"state": "following", "text": "version 3 is the champion"}})";
  EXPECT_EQ(Run({"reload", "ads", "--force"}), ExitCode::kDone);
  EXPECT_EQ(call_, R"(POST /api/v1/routes/ads/reload {"force":true})");
  EXPECT_EQ(out_.str(), "ads: version 3 is the champion\n");
  body_ = R"({"standing": {"state": "blocked", "text": "version 4 cannot be served: bad"}})";
  EXPECT_EQ(Run({"reload", "ads"}), ExitCode::kFailed);
  EXPECT_NE(err_.str().find("ads: version 4 cannot be served: bad"), std::string::npos);
  status_ = 409;
  body_ = R"({"code": "conflict", "detail": "route ads does not follow"})";
  EXPECT_EQ(Run({"reload", "ads"}), ExitCode::kConflict);
}

}  // namespace
}  // namespace podium::app
