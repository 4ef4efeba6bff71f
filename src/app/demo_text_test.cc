#include "app/demo_text.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace podium::app {
namespace {

DemoBanner Banner() {
  DemoBanner banner;
  banner.url = "http://localhost";
  banner.program = "build/release/podium";
  banner.data_dir = "/var/podium-demo-4x7k";
  banner.live = true;
  banner.example_file = "/var/podium-demo-4x7k/digits.json";
  banner.example_label = "6";
  banner.rate = 50;
  banner.first_after = std::chrono::milliseconds(214);
  return banner;
}

std::string Joined(const std::vector<std::string>& lines) {
  return fmt::format("\n{}\n", fmt::join(lines, "\n"));
}

TEST(DemoText, TheFirstLinesSayWhatRunsWhatToTypeAndHowToStop) {
  EXPECT_EQ(Joined(BannerLines(Banner())), R"(
Podium demo on http://localhost, first request routed 0.21 s after start.
Two real models, tumour and digits, get held-back real rows: 50 requests/s.
v1 of each serves. tumour has v2 as its canary with 5% of the sessions; into digits a
rollout leads v2, and proves within a minute or so whether to promote it.
The route assistant is asked like a language model. Both its providers are
fakes in this process: fake-moody fails now and then, fake-steady then answers.
Ask it yourself (this digit is a 6):
  curl -H content-type:application/json -d @/var/podium-demo-4x7k/digits.json http://localhost/predict/digits
  build/release/podium chat assistant 'Who are you?'
  curl -N -H content-type:application/json -d '{"model":"assistant","stream":true,"messages":[{"role":"user","content":"Who are you?"}]}' http://localhost/v1/chat/completions
Move the traffic from a second terminal, and see it move here:
  build/release/podium canary tumour v2 25
  build/release/podium promote tumour
  build/release/podium rollback tumour
  build/release/podium rollout abort digits
  build/release/podium rollout start digits v3 --unit request --steps 20,50
Or from Python, with OpenAI's SDK (pip install openai):
from openai import OpenAI
client = OpenAI(base_url="http://localhost/v1", api_key="none is needed")
for chunk in client.chat.completions.create(model="assistant", stream=True,
        messages=[{"role": "user", "content": "Who are you?"}]):
    print(chunk.choices[0].delta.content or "", end="", flush=True)

Stop with Ctrl-C; its data are removed then (--keep leaves them).

)");
}

// What is printed lands in screenshots and in the history of shells.
TEST(DemoText, ATokenIsAskedOfTheEnvironment) {
  DemoBanner banner = Banner();
  banner.needs_token = true;
  const std::string text = Joined(BannerLines(banner));
  EXPECT_NE(text.find("\nimport os; from openai import OpenAI\n"), std::string::npos);
  EXPECT_NE(text.find("api_key=os.environ[\"PODIUM_TOKEN\"])"), std::string::npos);
  EXPECT_NE(text.find("curl -N -H \"authorization: Bearer $PODIUM_TOKEN\" "), std::string::npos);
}

TEST(DemoText, WhateverIsAskedForItFits26Lines) {
  DemoBanner banner = Banner();
  banner.notice = "Port 8080 is taken; this one was free.";
  banner.server_flag = " --server localhost:1234";  // banned: fixed port (only printed)
  banner.kept = true;
  banner.duration = std::chrono::milliseconds(1'500);
  for (const bool reopened : {false, true}) {
    banner.reopened = reopened;
    const std::vector<std::string> lines = BannerLines(banner);
    EXPECT_LE(lines.size(), 26U);
    const std::string text = Joined(lines);
    EXPECT_NE(text.find("\nPort 8080 is taken"), std::string::npos);
    EXPECT_NE(text.find("podium promote tumour" + banner.server_flag + "\n"), std::string::npos);
    EXPECT_NE(
        text.find("Ends after 1.5 s or with Ctrl-C; the data stay in /var/podium-demo-4x7k\n"),
        std::string::npos);
    EXPECT_EQ(text.find("as they were left") != std::string::npos, reopened);
    EXPECT_EQ(text.find("canary with 5%") != std::string::npos, !reopened);
  }
}

FrameRoute Digits() {
  DemoFigures first;
  first.requests = 1'190;
  first.right = 991;
  first.share_seen = 0.9482;
  first.p50 = std::chrono::microseconds(312);
  first.p95 = std::chrono::microseconds(530);
  first.p99 = std::chrono::microseconds(1'270);
  DemoFigures second;
  second.requests = 1;
  second.errors = 1;
  return {"digits", {{"v1", "primary", 95, first}, {"v2", "canary", 5, second}}};
}

TEST(DemoText, ALineTellsARoutesWholeState) {
  EXPECT_EQ(RouteLine(Digits(), std::chrono::seconds(85)),
            "00:01:25 digits: v1 primary asked 95% seen 94.8%, 1190 requests, accuracy 83.28%, "
            "0 errors, p50/p95/p99 0.31/0.53/1.27 ms | v2 canary asked 5% seen -, 1 request, "
            "accuracy -, 1 error");
}

FrameChat Chat() {
  FrameChat chat;
  chat.rate = 2;
  chat.figures.calls = 41;
  chat.figures.errors = 1;
  chat.figures.providers["fake-moody"] = {31, 9, 5, 4, "open"};
  chat.figures.providers["fake-steady"] = {10, 0, 0, 0, "closed"};
  chat.cost_usd = 0.001234;
  chat.providers = {{"fake-moody", "moody", "primary", 100, chat.figures.providers["fake-moody"]}};
  return chat;
}

TEST(DemoText, ALineTellsHowTheProvidersDo) {
  EXPECT_EQ(ChatLine(Chat(), std::chrono::seconds(85)),
            "00:01:25 assistant: 2.0 calls/s, 41 calls, 1 error, 0.001234 USD | moody primary on "
            "fake-moody: 31 answered, 9 failed, 5 retries, 4 fallbacks, breaker open");
}

TEST(DemoText, TheLastWordsAreAtMostFiveLines) {
  DemoFrame frame;
  frame.elapsed = std::chrono::seconds(30);
  frame.requests = 1'191;
  frame.errors = 1;
  frame.skipped = 3;
  frame.routes = {Digits(), Digits()};
  frame.chat = Chat();
  DemoBanner banner = Banner();
  banner.kept = true;
  banner.data_dir = "/var/my data";
  const std::vector<std::string> lines = SummaryLines(frame, banner);
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(lines[0],
            "1191 requests in 00:00:30, 1 error, 3 skipped; first routed 0.21 s after start.");
  EXPECT_EQ(lines[1], "  digits: v1 (primary) 83.28% of 1190 right, v2 (canary) - of 0 right");
  EXPECT_EQ(lines[3], "  assistant: 41 calls, 1 error, 5 retries, 4 fallbacks, 0.001234 USD");
  EXPECT_EQ(lines[4], "Kept. Open it again: build/release/podium serve --data '/var/my data'");
  banner.kept = false;
  EXPECT_EQ(SummaryLines(frame, banner).size(), 4U);
}

}  // namespace
}  // namespace podium::app
