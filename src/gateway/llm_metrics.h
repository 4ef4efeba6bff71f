// What calls to language models did on one core, to be added up when somebody looks.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/exposition.h"
#include "base/histogram.h"
#include "base/money.h"
#include "domain/token_usage.h"
#include "gateway/llm/conversation.h"
#include "gateway/llm/surface.h"
#include "gateway/llm/upstream_failure.h"
#include "gateway/provider_table.h"

namespace podium::gateway {

/// How a call ended, for its caller.
enum class CallOutcome : std::uint8_t {
  kOk,
  kRefused,  ///< 4xx: the caller's affair.
  kFailed,   ///< 5xx: nobody answered.
  kCut,      ///< A stream that ended in an error frame.
  kLeft,     ///< The caller left.
};
inline constexpr std::size_t kCallOutcomes = 5;
std::string_view NameOf(CallOutcome outcome);

/// Threads: counts on its core; WriteMetrics anywhere.
class LlmMetrics {
 public:
  explicit LlmMetrics(std::size_t providers) : providers_(providers) {}

  void CountCall(llm::Surface surface, CallOutcome outcome);
  void CountAnswered(std::size_t provider, llm::FinishReason finish);
  void CountFailure(std::size_t provider, llm::FailureKind kind);
  void CountRetry(std::size_t provider) { Add(providers_[provider].retries, 1); }
  /// Away from that provider.
  void CountFallback(std::size_t provider) { Add(providers_[provider].fallbacks, 1); }
  void CountShortCircuit(std::size_t provider) { Add(providers_[provider].short_circuits, 1); }
  /// nullopt: no price is known.
  void CountCost(std::size_t provider, std::optional<NanoUsd> cost);
  void CountTokens(std::size_t provider, const TokenUsage& usage);
  void RecordFirstToken(std::chrono::nanoseconds after) { first_token_.Record(after); }
  void RecordOverhead(std::chrono::nanoseconds time) { overhead_.Record(time); }

  /// Appends the families, summed over the cores. REQUIRES: all have the providers of `table`.
  static void Write(std::span<const LlmMetrics* const> cores, const ProviderTable& table,
                    Exposition& out);

 private:
  using Counter = std::atomic<std::uint64_t>;
  static constexpr std::size_t kTokenClasses = 7;
  struct PerProvider {
    Counter answered{0};
    std::array<Counter, llm::kFinishReasons> finished{};
    Counter cost_nano_usd{0};
    Counter unpriced{0};
    std::array<Counter, llm::kFailureKindCount> failures{};
    Counter retries{0};
    Counter fallbacks{0};
    Counter short_circuits{0};
    std::array<Counter, kTokenClasses> tokens{};
  };
  static void Add(Counter& counter, std::uint64_t n) {  // One writer.
    counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }

  std::array<std::array<Counter, kCallOutcomes>, llm::kSurfaceCount> calls_{};
  std::vector<PerProvider> providers_;
  Histogram first_token_;
  Histogram overhead_;
};

}  // namespace podium::gateway
