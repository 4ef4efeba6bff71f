#include "app/demo_text.h"

#include <fmt/format.h>

#include "app/demo_format.h"
#include "app/demo_providers.h"
#include "base/json.h"

namespace podium::app {
namespace {

std::string HowItEnds(const DemoBanner& banner) {
  std::string line = "Stop with Ctrl-C";
  if (banner.duration) {
    const double seconds = static_cast<double>(banner.duration->count()) / 1000;
    line = fmt::format("Ends after {:g} s or with Ctrl-C", seconds);
  }
  if (banner.kept) return fmt::format("{}; the data stay in {}", line, banner.data_dir);
  return line + "; its data are removed then (--keep leaves them).";
}

void AddStory(const DemoBanner& banner, std::vector<std::string>& lines) {
  lines.push_back(
      fmt::format("Two real models, tumour and digits, get held-back real rows: {:g} requests/s.",
                  banner.rate));
  if (banner.reopened) {
    lines.emplace_back("The registry was there before: versions and shares are as they were left.");
  } else {
    lines.emplace_back(
        "v1 of each serves. tumour has v2 as its canary with 5% of the sessions; into digits a");
    lines.push_back(fmt::format(
        "rollout leads {}, and proves within a minute or so whether to promote it.",
        banner.candidate == DemoCandidate::kBetter ? "v2" : "v3, which fails on some rows"));
  }
  lines.push_back(fmt::format("The route {} is asked like a language model. Both its providers are",
                              kDemoChatRoute));
  lines.push_back(fmt::format("fakes in this process: {} fails now and then, {} then answers.",
                              kMoodyProvider, kSteadyProvider));
}

constexpr std::string_view kQuestion = "Who are you?";

std::string ChatCurl(const DemoBanner& banner) {
  const Json body = {{"model", kDemoChatRoute},
                     {"stream", true},
                     {"messages", Json::array({{{"role", "user"}, {"content", kQuestion}}})}};
  return fmt::format("  curl -N{} -H content-type:application/json -d {} {}/v1/chat/completions",
                     banner.needs_token ? " -H \"authorization: Bearer $PODIUM_TOKEN\"" : "",
                     ShellWord(DumpJson(body)), banner.url);
}

// Python minds the margin; the empty line ends the loop where it is pasted into an interpreter.
void AddSnippet(const DemoBanner& banner, std::vector<std::string>& lines) {
  lines.emplace_back("Or from Python, with OpenAI's SDK (pip install openai):");
  lines.emplace_back(banner.needs_token ? "import os; from openai import OpenAI"
                                        : "from openai import OpenAI");
  lines.push_back(
      fmt::format("client = OpenAI(base_url=\"{}/v1\", api_key={})", banner.url,
                  banner.needs_token ? "os.environ[\"PODIUM_TOKEN\"]" : "\"none is needed\""));
  lines.push_back(fmt::format(
      "for chunk in client.chat.completions.create(model=\"{}\", stream=True,", kDemoChatRoute));
  lines.push_back(
      fmt::format("        messages=[{{\"role\": \"user\", \"content\": \"{}\"}}]):", kQuestion));
  lines.emplace_back("    print(chunk.choices[0].delta.content or \"\", end=\"\", flush=True)");
  lines.emplace_back();
}

}  // namespace

std::vector<std::string> BannerLines(const DemoBanner& banner) {
  std::vector<std::string> lines;
  lines.push_back(fmt::format("Podium demo on {}, first request routed {} after start.", banner.url,
                              ShowSeconds(banner.first_after)));
  if (!banner.notice.empty()) lines.push_back(banner.notice);
  AddStory(banner, lines);
  lines.push_back(fmt::format("Ask it yourself (this digit is a {}):", banner.example_label));
  lines.push_back(fmt::format("  curl -H content-type:application/json -d @{} {}/predict/digits",
                              ShellWord(banner.example_file), banner.url));
  lines.push_back(fmt::format("  {} chat {} {}{}", ShellWord(banner.program), kDemoChatRoute,
                              ShellWord(kQuestion), banner.server_flag));
  lines.push_back(ChatCurl(banner));
  lines.emplace_back("Move the traffic from a second terminal, and see it move here:");
  for (const char* verb :
       {"canary tumour v2 25", "promote tumour", "rollback tumour", "rollout abort digits",
        "rollout start digits v3 --unit request --steps 20,50"}) {
    lines.push_back(fmt::format("  {} {}{}", ShellWord(banner.program), verb, banner.server_flag));
  }
  AddSnippet(banner, lines);
  lines.push_back(HowItEnds(banner));
  if (banner.live) lines.emplace_back();
  return lines;
}

std::string RouteLine(const FrameRoute& route, std::chrono::seconds elapsed) {
  std::string line = fmt::format("{} {}", ShowElapsed(elapsed), route.route);
  const char* between = ": ";
  for (const FrameVersion& version : route.versions) {
    const DemoFigures& figures = version.figures;
    line += fmt::format("{}{} {} asked {}% seen {}, {}, accuracy {}, {}", between, version.version,
                        version.role, ShortPercent(version.asked_pct),
                        ShowRatio(figures.share_seen, 1), ShowCount(figures.requests, "request"),
                        ShowRatio(figures.accuracy(), 2), ShowCount(figures.errors, "error"));
    if (figures.answered() > 0) {
      line += fmt::format(", p50/p95/p99 {}/{}/{} ms", ShowMilliseconds(figures.p50),
                          ShowMilliseconds(figures.p95), ShowMilliseconds(figures.p99));
    }
    between = " | ";
  }
  return Fit(line, line.size());
}

std::string ChatLine(const FrameChat& chat, std::chrono::seconds elapsed) {
  std::string line = fmt::format("{} {}", ShowElapsed(elapsed), ChatHeadline(chat));
  for (const FrameProvider& at : chat.providers) {
    line +=
        fmt::format(" | {} {} on {}: {} answered, {} failed, {} retries, {} fallbacks, breaker {}",
                    at.version, at.role, at.provider, at.figures.answered, at.figures.failed,
                    at.figures.retries, at.figures.fallbacks, at.figures.breaker);
  }
  return Fit(line, line.size());
}

std::vector<std::string> SummaryLines(const DemoFrame& frame, const DemoBanner& banner) {
  std::vector<std::string> lines;
  std::string total = fmt::format("{} in {}, {}", ShowCount(frame.requests, "request"),
                                  ShowElapsed(frame.elapsed), ShowCount(frame.errors, "error"));
  if (frame.skipped > 0) total += fmt::format(", {} skipped", frame.skipped);
  lines.push_back(
      fmt::format("{}; first routed {} after start.", total, ShowSeconds(banner.first_after)));
  for (const FrameRoute& route : frame.routes) {
    std::string line = fmt::format("  {}", route.route);
    const char* between = ": ";
    for (const FrameVersion& version : route.versions) {
      line += fmt::format("{}{} ({}) {} of {} right", between, version.version, version.role,
                          ShowRatio(version.figures.accuracy(), 2), version.figures.answered());
      between = ", ";
    }
    lines.push_back(Fit(line, line.size()));
  }
  if (frame.rollout) {
    const std::string line =
        "  " + RolloutHeadline(*frame.rollout) + ": " + frame.rollout->sentence;
    lines.push_back(Fit(line, line.size()));
  }
  const ChatFigures& chat = frame.chat.figures;
  std::string asked = fmt::format("  {}: {}, {}, {} retries, {} fallbacks", kDemoChatRoute,
                                  ShowCount(chat.calls, "call"), ShowCount(chat.errors, "error"),
                                  chat.retries(), chat.fallbacks());
  if (frame.chat.cost_usd) asked += fmt::format(", {:.6f} USD", *frame.chat.cost_usd);
  lines.push_back(std::move(asked));
  if (banner.kept) {
    lines.push_back(fmt::format("Kept. Open it again: {} serve --data {}",
                                ShellWord(banner.program), ShellWord(banner.data_dir)));
  }
  return lines;
}

}  // namespace podium::app
