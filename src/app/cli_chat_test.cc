// `podium chat` against a server that answers from a script: what it sends, shows and ends with.
#include "app/cli_chat.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <deque>
#include <sstream>

#include "app/chat_conversation.h"
#include "app/cli_run.h"
#include "testing/sim_clock.h"

namespace podium::app {
namespace {

/// One answer of /v1/chat/completions: its pieces come 100 ms apart.
struct Scripted {
  int status = 200;
  std::vector<std::string> pieces;
  std::optional<Error> breaks_with = std::nullopt;  ///< After the pieces.
};

std::string Said(std::string_view text) {
  return fmt::format("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{}\"}}}}]}}\n\n", text);
}

const std::string kUsage =
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1000,\"completion_tokens\":500}}\n\n";
const std::string kDone = "data: [DONE]\n\n";

class CliChat : public ::testing::Test {
 protected:
  ExitCode Run(std::vector<std::string> arguments, const std::string& typed = "") {
    out_.str("");
    err_.str("");
    asked_.clear();
    arguments.insert(arguments.begin(), "chat");
    std::istringstream in(typed);
    Console console{out_, err_, in, terminal_, terminal_, terminal_};
    CliWorld world{environment_,
                   console,
                   clock_,
                   [](auto) { return true; },
                   {},
                   "podium",
                   [this](const net::HostPort&) -> Transport {
                     return
                         [this](net::ClientRequest request) { return Answer(std::move(request)); };
                   }};
    return RunCli(arguments, world);
  }

  Result<net::ClientResponse> Answer(net::ClientRequest request) {
    net::ClientResponse response;
    response.status = 200;
    response.headers = {{"X-Podium-Route", "chat"},
                        {"X-Podium-Version", "v1"},
                        {"X-Podium-Model", "chat-v1"},
                        {"X-Podium-Attempts", "1"},
                        {"X-Request-Id", "r-1"}};
    if (request.method == net::HttpMethod::kGet) {
      ++looked_up_[request.target];
      const auto found = pages_.find(request.target);
      if (found == pages_.end()) response.status = 404;
      response.body = found == pages_.end() ? R"({"detail":"not there"})" : found->second;
      return response;
    }
    asked_.push_back(*ParseJson(request.body));
    headers_ = request.headers;
    if (script_.empty()) return Fail(ErrorCode::kUnavailable, "cannot connect");
    const Scripted answer = script_.front();
    script_.pop_front();
    response.status = answer.status;
    for (const std::string& piece : answer.pieces) {
      clock_.Advance(std::chrono::milliseconds(100));
      if (request.sink && answer.status == 200) {
        request.sink(response, piece);
      } else {
        response.body += piece;
      }
    }
    if (answer.breaks_with) return Fail(*answer.breaks_with);
    return response;
  }

  std::string Out() const { return out_.str(); }
  std::string Err() const { return err_.str(); }

  std::map<std::string, std::string> pages_ = {
      {"/api/v1/versions/chat-v1", R"({"provider_key":"main","upstream_model":"gpt"})"},
      {"/api/v1/prices?provider=main&model=gpt&limit=500",
       R"({"items":[{"price_id":1,"input":"1","output":"2",)"
       R"("effective_from":"2026-01-01T00:00:00.000000Z"}]})"}};
  std::map<std::string, int> looked_up_;
  std::deque<Scripted> script_;
  std::vector<Json> asked_;
  net::HeaderList headers_;
  podium::testing::SimClock clock_;
  Environment environment_;
  bool terminal_ = false;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(CliChat, TheAnswerGoesOutAndTheRestToErr) {
  script_ = {{200, {Said("Hel"), Said("lo"), kUsage + kDone}}};
  EXPECT_EQ(Run({"chat", "Hi", "there", "--session", "s", "--version", "v1"}), ExitCode::kDone);
  EXPECT_EQ(Out(), "Hello\n");
  EXPECT_EQ(Err(),
            "chat, version v1 (main/gpt), 1 attempt, 1000 + 500 tokens, 0.002000 USD, "
            "first token 0.10 s, total 0.30 s\n");
  ASSERT_EQ(asked_.size(), 1U);
  EXPECT_EQ(asked_[0].at("messages").at(0).at("content"), "Hi there");
  EXPECT_EQ(headers_.at(0), (std::pair<std::string, std::string>{"X-Session-Id", "s"}));
  EXPECT_EQ(headers_.at(1).first, "X-Podium-Model-Version");
}

TEST_F(CliChat, AConversationRemembersAndForgets) {
  terminal_ = true;
  environment_["TERM"] = "xterm";
  script_ = {{200, {Said("one") + kDone}},
             {503, {R"({"error":{"message":"nobody answered"}})"}},
             {200, {Said("three") + kDone}},
             {200, {Said("four") + kDone}}};
  EXPECT_EQ(Run({"chat", "--system", "sys"}, "1?\n2?\n\n3?\n/rest\n/reset\n/etc?\n/exit\nnever\n"),
            ExitCode::kDone);
  EXPECT_EQ(Out(), "one\nthree\nfour\n");
  EXPECT_NE(Err().find("error: nobody answered\n"), std::string::npos) << Err();
  EXPECT_NE(Err().find("\x1b[2mchat, version v1"), std::string::npos);
  ASSERT_EQ(asked_.size(), 4U);
  EXPECT_EQ(asked_[2].at("messages").size(), 4U);  // sys, 1?, one, 3?
  EXPECT_EQ(asked_[3].at("messages").size(), 2U);  // A word with a slash is a question too.
  EXPECT_EQ(looked_up_["/api/v1/versions/chat-v1"], 1);

  environment_["NO_COLOR"] = "1";
  script_ = {{200, {Said("one") + kDone}}};
  EXPECT_EQ(Run({"chat"}, "1?\n"), ExitCode::kDone);  // The end of the input ends it as well.
  EXPECT_EQ(Err().find('\x1b'), std::string::npos);
}

TEST_F(CliChat, OnATerminalTheModelsTextIsHarmless) {
  script_ = {{200, {Said("\\u001b[2J") + kDone}}};
  terminal_ = true;
  EXPECT_EQ(Run({"chat", "Hi"}), ExitCode::kDone);
  EXPECT_EQ(Out(), "^[[2J\n");
  script_ = {{200, {Said("\\u001b[2J") + kDone}}};
  terminal_ = false;
  EXPECT_EQ(Run({"chat", "Hi"}), ExitCode::kDone);
  EXPECT_EQ(Out(), "\x1b[2J\n");
}

// A script that goes on with half an answer is worse off than one that stops.
TEST_F(CliChat, ACutAnswerIsAFailureThatSaysSo) {
  const Error broken{ErrorCode::kInternal, "the connection broke", "", nullptr};
  const Scripted cases[] = {
      {200, {Said("Hel"), "data: {\"error\":{\"message\":\"gone\"}}\n\n"}},
      {200, {Said("Hel")}},
      {200, {Said("Hel")}, broken},
  };
  const char* want[] = {"gone", "before the answer did", "the connection broke"};
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    SCOPED_TRACE(want[i]);
    script_ = {cases[i]};
    EXPECT_EQ(Run({"chat", "Hi"}), ExitCode::kFailed);
    EXPECT_EQ(Out(), "Hel\n");
    EXPECT_NE(Err().find("error: the answer was cut: "), std::string::npos) << Err();
    EXPECT_NE(Err().find(want[i]), std::string::npos) << Err();
    EXPECT_NE(Err().find("request id: r-1"), std::string::npos) << Err();
    script_ = {cases[i]};
    EXPECT_EQ(Run({"chat", "Hi", "--json"}), ExitCode::kFailed);
    const Json told = *ParseJson(Out());
    EXPECT_EQ(told.at("text"), "Hel");
    EXPECT_NE(told.at("error").get<std::string>().find(want[i]), std::string::npos);
  }
  // An answer that was whole before the connection broke is an answer.
  script_ = {{200, {Said("Hello") + kDone}, broken}};
  EXPECT_EQ(Run({"chat", "Hi"}), ExitCode::kDone);
}

TEST_F(CliChat, WithoutAnAnswerTheErrorIsTheServers) {
  EXPECT_EQ(Run({"chat", "Hi"}), ExitCode::kUnreachable);
  script_ = {{404, {R"({"error":{"message":"nothing is called \"chat\""}})"}}};
  EXPECT_EQ(Run({"chat", "Hi", "--json"}), ExitCode::kNotFound);
  EXPECT_EQ(Out(), "");
  script_ = {{404, {R"({"error":{"message":"route chat has no version v9"}})"}}};
  EXPECT_EQ(Run({"chat", "Hi", "--version", "v9"}), ExitCode::kNotFound);
  EXPECT_NE(Err().find("error: route chat has no version v9\n"), std::string::npos) << Err();
  script_ = {{200, {"{}"}}};
  EXPECT_EQ(Run({"chat", "Hi", "--no-stream"}), ExitCode::kFailed);
}

TEST_F(CliChat, TakesAQuestionFromAPipeUpToItsLimit) {
  script_ = {{200, {Said("ok") + kDone}}};
  EXPECT_EQ(Run({"chat"}, std::string(kMaxConversationBytes, 'x')), ExitCode::kDone);
  EXPECT_EQ(Run({"chat"}, std::string(kMaxConversationBytes + 1, 'x')), ExitCode::kUsage);
  EXPECT_NE(Err().find("larger than"), std::string::npos);
  EXPECT_EQ(Run({"chat"}, "\n"), ExitCode::kUsage);
  EXPECT_TRUE(asked_.empty());
}

TEST_F(CliChat, NoPriceIsNoCost) {
  pages_.erase("/api/v1/prices?provider=main&model=gpt&limit=500");
  script_ = {{200, {Said("ok") + kUsage + kDone}}};
  EXPECT_EQ(Run({"chat", "Hi", "--json"}), ExitCode::kDone);
  EXPECT_TRUE(ParseJson(Out())->at("cost_usd").is_null());
  pages_.clear();  // Nor may this caller see the version's row.
  script_ = {{200, {Said("ok") + kUsage + kDone}}};
  EXPECT_EQ(Run({"chat", "Hi", "--json"}), ExitCode::kDone);
  EXPECT_TRUE(ParseJson(Out())->at("provider").is_null());
}

}  // namespace
}  // namespace podium::app
