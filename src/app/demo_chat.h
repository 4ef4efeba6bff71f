// What the demo shows of its language model route: the server's own counters, put beside the
// registry's word. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/demo_registry.h"
#include "base/clock.h"
#include "base/result.h"

namespace podium::app {

inline constexpr const char* kDemoChatRoute = "assistant";

/// A version of that route: a provider's model, at a price.
struct DemoChatVersion {
  const char* model_id;
  const char* version;
  const char* provider;
  const char* upstream_model;
  const char* input_usd;  ///< Per million tokens.
  const char* output_usd;
};

/// In the order in which they are made primary: the second ends as it, the first is what it had
/// been before, and so what answers when the second fails.
std::vector<DemoChatVersion> DemoChatVersions();

/// What attempts at one provider came to.
struct ProviderFigures {
  std::uint64_t answered = 0;
  std::uint64_t failed = 0;
  std::uint64_t retries = 0;
  std::uint64_t fallbacks = 0;     ///< Away from it.
  std::string breaker = "closed";  ///< "open" or "half open" where any core's is.
};

/// Since the server's start.
struct ChatFigures {
  std::uint64_t calls = 0;
  std::uint64_t errors = 0;  ///< Of the calls: no answer, or one that was cut.
  std::map<std::string, ProviderFigures> providers;

  std::uint64_t retries() const;
  std::uint64_t fallbacks() const;
};

/// From the text of GET /metrics; what is not there is 0.
ChatFigures ReadChatFigures(std::string_view metrics);
/// US dollars, from the body of GET /api/models/costs.
Result<double> ReadCost(std::string_view body);

/// Calls per second over the last ten, or since it began when that is shorter.
class ChatRate {
 public:
  static constexpr std::chrono::seconds kWindow{10};

  void Note(SteadyTime at, std::uint64_t calls);
  double PerSecond() const;

 private:
  struct Sample {
    SteadyTime at;
    std::uint64_t calls;
  };
  std::deque<Sample> samples_;  // At most one that is older than the window, at the front.
};

struct FrameProvider {
  std::string provider;
  std::string version;
  std::string role;  ///< The version's status in the registry.
  double asked_pct = 0;
  ProviderFigures figures;
};

/// The route as the view shows it.
struct FrameChat {
  double rate = 0;
  ChatFigures figures;
  std::chrono::nanoseconds first_token{0};  ///< The median of the demo's own calls; 0: none yet.
  std::optional<double> cost_usd;           ///< nullopt: not known yet.
  std::vector<FrameProvider> providers;     ///< Those of the route's versions, the primary's first.
};

/// The versions with a provider, and what attempts there came to.
std::vector<FrameProvider> ProvidersOf(const std::vector<RegistryVersion>& versions,
                                       const std::vector<RegistryRoute>& routes,
                                       const ChatFigures& figures);

/// "assistant: 2.0 calls/s, 41 calls, 0 errors, first token 65 ms, 0.001234 USD".
std::string ChatHeadline(const FrameChat& chat);

}  // namespace podium::app
