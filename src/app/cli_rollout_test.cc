// `podium rollout`: the verbs that anybody can check a decision by, without a server.
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "app/cli_run.h"
#include "testing/sim_clock.h"

namespace podium::app {
namespace {

// The candidate at 5 % has 35 of 204 errors: far more than its share.
constexpr const char* kWorse = R"({"candidate": "canary-7", "declared_steps": 1, "margin": 3,
  "next_share_pct": 25, "steps": [{"share_pct": 5, "canary_units": 1003, "units": 20000}],
  "metrics": [{"name": "error rate", "series": [{"name": "errors",
    "steps": [{"null_ratio": 1.1, "canary_events": 35, "events": 204}]}]}],
  "paired": [{"name": "judge", "challenger_worse": 40, "champion_worse": 31, "ties": 500}]})";

class CliRollout : public ::testing::Test {
 protected:
  ~CliRollout() override { std::filesystem::remove(file_); }

  std::string FileWith(const std::string& text) {
    std::ofstream(file_) << text;
    return file_;
  }
  ExitCode Run(const std::vector<std::string>& arguments) {
    out_.str("");
    err_.str("");
    CliWorld world{{},
                   console_,
                   clock_,
                   [](std::chrono::milliseconds) { return true; },
                   clock_.SteadyNow(),
                   "podium",
                   [](const net::HostPort&) -> Transport {
                     ADD_FAILURE() << "these verbs need no server";
                     return nullptr;
                   }};
    return RunCli(arguments, world);
  }

  std::ostringstream out_;
  std::ostringstream err_;
  std::istringstream in_;
  Console console_{out_, err_, in_};
  testing::SimClock clock_;

 private:
  std::string file_ = (std::filesystem::temp_directory_path() /
                       ("podium-counters-" + std::to_string(::getpid()) + ".json"))
                          .string();
};

TEST_F(CliRollout, EvidenceGivesTheVerdictToPeople) {
  ASSERT_EQ(Run({"rollout", "evidence", "-f", FileWith(kWorse)}), ExitCode::kDone) << err_.str();
  EXPECT_TRUE(out_.str().starts_with("Roll back canary-7: it is worse than the primary."))
      << out_.str();
  EXPECT_NE(out_.str().find("\nerror rate     1"), std::string::npos) << out_.str();
  EXPECT_NE(out_.str().find("judge: open."), std::string::npos);
}

TEST_F(CliRollout, EvidenceGivesEveryNumberToScripts) {
  ASSERT_EQ(Run({"rollout", "evidence", "-f", FileWith(kWorse), "-o", "json"}), ExitCode::kDone);
  const Result<Json> json = ParseJson(out_.str());
  ASSERT_TRUE(json);
  EXPECT_EQ((*json)["decision"], "roll_back");
  EXPECT_GT((*json)["findings"][0]["log_e_alarm"].get<double>(),
            (*json)["findings"][0]["alarm_needs"].get<double>());
  EXPECT_EQ((*json)["paired"].size(), 1U);
}

TEST_F(CliRollout, EvidenceNamesThePlaceOfAMistake) {
  const std::string misspelt = R"({"steps": [{"share_pct": 5, "unitss": 7}]})";
  EXPECT_EQ(Run({"rollout", "evidence", "-f", FileWith(misspelt)}), ExitCode::kFailed);
  EXPECT_NE(err_.str().find("steps[0].unitss"), std::string::npos) << err_.str();
  EXPECT_EQ(out_.str(), "");
  EXPECT_EQ(Run({"rollout", "evidence", "-f", "/nonexistent/counters"}), ExitCode::kFailed);
  EXPECT_EQ(Run({"rollout", "evidence"}), ExitCode::kUsage);
  EXPECT_EQ(Run({"rollout"}), ExitCode::kUsage);
  EXPECT_EQ(Run({"rollout", "evidense"}), ExitCode::kUsage);
  EXPECT_NE(err_.str().find("podium rollout evidence"), std::string::npos) << err_.str();
}

TEST_F(CliRollout, SimulateShowsPodiumBesideOtherRules) {
  const std::vector<std::string> words = {"rollout",    "simulate", "--scenario", "fivefold",
                                          "--rollouts", "2",        "--seed",     "7"};
  ASSERT_EQ(Run(words), ExitCode::kDone) << err_.str();
  EXPECT_TRUE(out_.str().starts_with("unit = request; 2 rollouts in each cell, seed 7."));
  EXPECT_NE(out_.str().find("fivefold  1 -> 5 %"), std::string::npos) << out_.str();
  EXPECT_NE(out_.str().find("100 % ("), std::string::npos) << out_.str();
  EXPECT_EQ(err_.str(), "");  // No terminal, no progress.
  const std::string first = out_.str();
  ASSERT_EQ(Run(words), ExitCode::kDone);
  EXPECT_EQ(out_.str(), first);
}

TEST_F(CliRollout, SimulateGivesFiguresToScripts) {
  ASSERT_EQ(Run({"rollout", "simulate", "--keys", "500", "--errors", "concentrated", "--scenario",
                 "equal-margin-2", "--rollouts", "1", "-o", "json"}),
            ExitCode::kDone)
      << err_.str();
  const Result<Json> json = ParseJson(out_.str());
  ASSERT_TRUE(json);
  EXPECT_EQ((*json)["unit"], "sticky");
  EXPECT_EQ((*json)["keys"], 500);
  EXPECT_EQ((*json)["errors"], "concentrated");
  const Json& scenario = (*json)["scenarios"].at(0);
  EXPECT_EQ(scenario["share_of"], "promoted");
  EXPECT_EQ(scenario["rules"].size(), 1U);  // Other rules have no word on promotion.
  EXPECT_TRUE(scenario["rules"]["podium"]["share"].is_number());
}

TEST_F(CliRollout, SimulateShowsItsProgressOnATerminal) {
  console_.err_is_terminal = true;
  ASSERT_EQ(Run({"rollout", "simulate", "--scenario", "fivefold", "--rollouts", "1"}),
            ExitCode::kDone);
  EXPECT_NE(err_.str().find("100 %: fivefold, MANN-WHITNEY"), std::string::npos) << err_.str();
}

TEST_F(CliRollout, SimulateRefusesWhatItHasNot) {
  EXPECT_EQ(Run({"rollout", "simulate", "--scenario", "fivefol"}), ExitCode::kUsage);
  EXPECT_NE(err_.str().find("did you mean \"fivefold\""), std::string::npos) << err_.str();
  EXPECT_EQ(Run({"rollout", "simulate", "--keys", "501"}), ExitCode::kUsage);
  EXPECT_EQ(Run({"rollout", "simulate", "--rollouts", "0"}), ExitCode::kUsage);
  EXPECT_EQ(Run({"rollout", "simulate", "--unit", "request", "--keys", "500"}), ExitCode::kUsage);
  EXPECT_EQ(Run({"rollout", "simulate", "--unit", "user"}), ExitCode::kUsage);
}

}  // namespace
}  // namespace podium::app
