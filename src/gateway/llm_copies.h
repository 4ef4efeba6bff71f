// The copies of one call to a language model: sent to the route's shadows beside it, measured,
// thrown away.
//
// A copy goes out as the caller's call did, streamed or not, and is read to its end for its usage.
// What it takes is compared as far as the caller waited too: to the whole answer, or to the first
// token of a stream.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/money.h"
#include "base/task.h"
#include "domain/attempt.h"
#include "domain/token_usage.h"
#include "gateway/gateway_core.h"
#include "gateway/llm/surface.h"
#include "gateway/routed_call.h"
#include "gateway/shadow_pair.h"
#include "view/route_shadows.h"

namespace podium::gateway {

/// Where champion and shadow of one call meet. Threads: one core's.
struct LlmPair {
  explicit LlmPair(std::shared_ptr<view::ShadowTally> tally_in) : tally(std::move(tally_in)) {}

  /// Each once; the second of them counts the pair.
  void EndChampion(ChampionEnd end, std::optional<std::chrono::nanoseconds> time);
  void EndChallenger(bool failed, std::optional<std::chrono::nanoseconds> time);

  std::shared_ptr<view::ShadowTally> tally;

 private:
  void Meet();

  std::optional<ChampionEnd> champion_;
  std::optional<std::chrono::nanoseconds> champion_time_;
  bool challenger_ended_ = false;
  bool challenger_failed_ = false;
  std::optional<std::chrono::nanoseconds> challenger_time_;
};

/// What a copy has come to.
struct CopyEnd {
  std::optional<Error> error;
  bool sent = true;  ///< False: it was never asked; `error` says nothing then.
  bool timed_out = false;
  bool cancelled = false;  ///< The server stops: that says nothing.
  bool billed = true;      ///< Of one that failed: the provider may have worked for it.
  TokenUsage usage{.estimated = true};
  std::uint64_t output_bytes = 0;
  /// From sending it to what the caller would have had first: a token, or all.
  std::optional<std::chrono::nanoseconds> time;
  /// The whole one in the caller's dialect, of a copy that keeps it; of a stream what went out, or
  /// nothing above limits::kMaxShadowBodyBytes.
  std::string answer;
};

/// All that a copy needs when its call is long over.
struct LlmCopy {
  std::shared_ptr<view::ShadowTally> tally;
  std::function<void(CopyEnd end)> ended;  ///< Told once, on the core.
  AttemptKind kind = AttemptKind::kShadow;
  bool keeps_answer = false;
  bool counts_errors = true;  ///< In the tally; false for a champion that is asked beside.
  llm::Surface surface = llm::Surface::kChat;
  std::string body;  ///< With net::kBodyPadding behind `size`.
  std::size_t size = 0;
  std::size_t provider = 0;
  std::string upstream_model;
  std::string model;  ///< What costs are added up by.
  std::string version;
  std::string route;
  std::string request_id;
  std::string user_id;  ///< Who is charged; empty for a shadow's copy.
  NanoUsd daily_cap;
  std::shared_ptr<view::ShadowBudget> budget;  ///< Null: without a cap.
};

/// INV-9: nothing here waits, fails, or changes what the caller gets.
/// Threads: its core's. A call that ends without an End has withdrawn.
class LlmCopies {
 public:
  LlmCopies() = default;
  ~LlmCopies() { End(ChampionEnd::kWithdrawn, std::nullopt); }
  LlmCopies(const LlmCopies&) = delete;
  LlmCopies& operator=(const LlmCopies&) = delete;

  /// Counts the call for the route's shadows, and sends each of them a copy if it is in the sample.
  /// REQUIRES: once; the route has shadows, and the core's tasks can be spawned.
  void Make(GatewayCore& core, const RoutedCall& call, llm::Surface surface, std::string_view body);
  /// How the primary's own attempt ended, once: later ends are not heard.
  void End(ChampionEnd end, std::optional<std::chrono::nanoseconds> time);

 private:
  std::vector<std::shared_ptr<LlmPair>> pairs_;
};

/// A copy of `body` for that version of the call's route; the caller fills in the rest.
std::unique_ptr<LlmCopy> CopyFor(const GatewayCore& core, const RoutedCall& call,
                                 routing::VersionIndex version, llm::Surface surface,
                                 std::string_view body);

/// Sends one copy and reads its answer. The core outlives it.
Task<void> CarryCopy(GatewayCore& core, std::unique_ptr<LlmCopy> copy);

}  // namespace podium::gateway
