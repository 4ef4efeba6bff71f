#include "app/demo_chat.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <tuple>
#include <utility>

#include "app/cli_api.h"
#include "app/demo_format.h"
#include "app/demo_providers.h"

namespace podium::app {
namespace {

/// One line of the exposition format, as this server writes it.
struct Sample {
  std::string_view name;
  std::map<std::string, std::string, std::less<>> labels;
  double value = 0;

  std::string_view Label(std::string_view key) const {
    const auto found = labels.find(key);
    return found == labels.end() ? std::string_view() : std::string_view(found->second);
  }
};

// `text` begins behind a "{"; what follows the "}" is left. False when it is not as it should be.
bool ReadLabels(std::string_view& text, Sample& sample) {
  while (!text.starts_with('}')) {
    const std::size_t equals = text.find("=\"");
    if (equals == std::string_view::npos) return false;
    std::string& value = sample.labels[std::string(text.substr(0, equals))];
    text.remove_prefix(equals + 2);
    while (!text.empty() && text.front() != '"') {
      if (text.front() == '\\') text.remove_prefix(1);
      if (text.empty()) return false;
      value += text.front();
      text.remove_prefix(1);
    }
    if (text.empty()) return false;
    text.remove_prefix(1);
    if (text.starts_with(',')) text.remove_prefix(1);
  }
  text.remove_prefix(1);
  return true;
}

std::optional<Sample> ReadSample(std::string_view line) {
  Sample sample;
  const std::size_t name = line.find_first_of("{ ");
  if (line.starts_with('#') || name == std::string_view::npos) return std::nullopt;
  sample.name = line.substr(0, name);
  line.remove_prefix(name);
  if (line.starts_with('{')) {
    line.remove_prefix(1);
    if (!ReadLabels(line, sample)) return std::nullopt;
  }
  if (!line.starts_with(' ')) return std::nullopt;
  line.remove_prefix(1);
  const auto [stop, error] = std::from_chars(line.data(), line.data() + line.size(), sample.value);
  (void)stop;
  if (error != std::errc{} || !(sample.value >= 0)) return std::nullopt;
  return sample;
}

void Count(const Sample& sample, ChatFigures& figures) {
  const auto value = static_cast<std::uint64_t>(sample.value);
  if (sample.name == "podium_llm_calls_total") {
    figures.calls += value;
    const std::string_view outcome = sample.Label("outcome");
    if (outcome == "failed" || outcome == "cut") figures.errors += value;
    return;
  }
  const std::string_view provider = sample.Label("provider");
  if (provider.empty()) return;
  ProviderFigures& of = figures.providers[std::string(provider)];
  if (sample.name == "podium_llm_attempts_total") {
    (sample.Label("result") == "answered" ? of.answered : of.failed) += value;
  } else if (sample.name == "podium_llm_retries_total") {
    of.retries += value;
  } else if (sample.name == "podium_llm_fallbacks_total") {
    of.fallbacks += value;
  } else if (sample.name == "podium_llm_breaker_state" && value > 0) {
    const std::string_view state = sample.Label("state");
    if (state == "open") of.breaker = "open";
    if (state == "half_open" && of.breaker == "closed") of.breaker = "half open";
  }
}

std::uint64_t Sum(const std::map<std::string, ProviderFigures>& providers,
                  std::uint64_t ProviderFigures::* figure) {
  std::uint64_t sum = 0;
  for (const auto& [name, figures] : providers) sum += figures.*figure;
  return sum;
}

}  // namespace

std::vector<DemoChatVersion> DemoChatVersions() {
  return {{"assistant-steady", "steady", kSteadyProvider, "steady-1", "0.50", "1.50"},
          {"assistant-moody", "moody", kMoodyProvider, "moody-1", "0.25", "0.75"}};
}

std::uint64_t ChatFigures::retries() const { return Sum(providers, &ProviderFigures::retries); }
std::uint64_t ChatFigures::fallbacks() const { return Sum(providers, &ProviderFigures::fallbacks); }

ChatFigures ReadChatFigures(std::string_view metrics) {
  ChatFigures figures;
  while (!metrics.empty()) {
    const std::size_t end = std::min(metrics.find('\n'), metrics.size());
    const std::string_view line = metrics.substr(0, end);
    metrics.remove_prefix(std::min(end + 1, metrics.size()));
    if (!line.starts_with("podium_llm_")) continue;
    if (const auto sample = ReadSample(line)) Count(*sample, figures);
  }
  return figures;
}

Result<double> ReadCost(std::string_view body) {
  PODIUM_TRY_ASSIGN(const Json json, ParseJson(body));
  const Json& total = MemberOf(json, "total_cost_usd");
  if (!total.is_number()) return Fail(ErrorCode::kInternal, "the answer has no total_cost_usd");
  return total.get<double>();
}

void ChatRate::Note(SteadyTime at, std::uint64_t calls) {
  samples_.push_back({at, calls});
  while (samples_.size() > 2 && samples_[1].at <= at - kWindow) samples_.pop_front();
}

double ChatRate::PerSecond() const {
  if (samples_.size() < 2 || samples_.back().at == samples_.front().at) return 0;
  const std::chrono::duration<double> passed = samples_.back().at - samples_.front().at;
  return static_cast<double>(samples_.back().calls - samples_.front().calls) / passed.count();
}

std::vector<FrameProvider> ProvidersOf(const std::vector<RegistryVersion>& versions,
                                       const std::vector<RegistryRoute>& routes,
                                       const ChatFigures& figures) {
  const auto table = std::find_if(routes.begin(), routes.end(),
                                  [](const auto& each) { return each.route == kDemoChatRoute; });
  std::vector<FrameProvider> providers;
  for (const RegistryVersion& version : versions) {
    if (version.route != kDemoChatRoute || version.provider.empty()) continue;
    FrameProvider shown{version.provider, version.version, version.status, 0, {}};
    if (table != routes.end()) shown.asked_pct = ShareAsked(*table, version);
    if (const auto found = figures.providers.find(version.provider);
        found != figures.providers.end()) {
      shown.figures = found->second;
    }
    providers.push_back(std::move(shown));
  }
  std::sort(providers.begin(), providers.end(), [](const FrameProvider& a, const FrameProvider& b) {
    return std::tie(b.asked_pct, a.version) < std::tie(a.asked_pct, b.version);
  });
  return providers;
}

std::string ChatHeadline(const FrameChat& chat) {
  std::string line =
      fmt::format("{}: {:.1f} calls/s, {}, {}", kDemoChatRoute, chat.rate,
                  ShowCount(chat.figures.calls, "call"), ShowCount(chat.figures.errors, "error"));
  if (chat.first_token.count() > 0) {
    line += fmt::format(", first token {} ms",
                        std::chrono::round<std::chrono::milliseconds>(chat.first_token).count());
  }
  if (chat.cost_usd) line += fmt::format(", {:.6f} USD", *chat.cost_usd);
  return line;
}

}  // namespace podium::app
