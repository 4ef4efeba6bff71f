// The command line against a server that answers what a test tells it to. Nothing is sent.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "app/cli_run.h"
#include "testing/sim_clock.h"

namespace podium::app {

class CliServerTest : public ::testing::Test {
 protected:
  /// `what`: "GET /api/v1/routes/tumour". What no answer is known for is not found (404).
  void Answer(const std::string& what, int status, std::string body) {
    answers_[what] = {status, std::move(body)};
  }

  ExitCode Run(const std::vector<std::string>& arguments) {
    out_.str("");
    err_.str("");
    requests_.clear();
    std::istringstream in;
    Console console{out_, err_, in, false, false, false};
    CliWorld world{{},
                   console,
                   clock_,
                   [](std::chrono::milliseconds) { return true; },
                   clock_.SteadyNow(),
                   "podium",
                   [this](const net::HostPort&) -> Transport {
                     return [this](const net::ClientRequest& request) { return Serve(request); };
                   }};
    return RunCli(arguments, world);
  }

  static std::string NameOfCall(const net::ClientRequest& request) {
    return std::string(net::NameOf(request.method)) + " " + request.target;
  }

  std::vector<net::ClientRequest> requests_;  // Of the last run.
  std::ostringstream out_;
  std::ostringstream err_;

 private:
  Result<net::ClientResponse> Serve(const net::ClientRequest& request) {
    requests_.push_back(request);
    net::ClientResponse response;
    const auto found = answers_.find(NameOfCall(request));
    response.status = found == answers_.end() ? 404 : found->second.first;
    response.body = found == answers_.end() ? R"({"code":"not-found","detail":"there is nothing"})"
                                            : found->second.second;
    return response;
  }

  std::map<std::string, std::pair<int, std::string>> answers_;
  podium::testing::SimClock clock_;
};

}  // namespace podium::app
