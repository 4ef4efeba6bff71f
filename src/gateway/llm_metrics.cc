#include "gateway/llm_metrics.h"

#include <functional>
#include <string_view>

namespace podium::gateway {
namespace {

struct TokenClass {
  std::string_view name;
  std::int64_t TokenUsage::* count;
};
constexpr double kNanoPerUsd = 1e9;

constexpr std::array<TokenClass, 7> kClasses{{
    {"input", &TokenUsage::uncached_input},
    {"cache_read", &TokenUsage::cache_read},
    {"cache_write_5m", &TokenUsage::cache_write_5m},
    {"cache_write_1h", &TokenUsage::cache_write_1h},
    {"audio_input", &TokenUsage::audio_input},
    {"output", &TokenUsage::output_text},
    {"reasoning", &TokenUsage::output_reasoning},
}};

}  // namespace

std::string_view NameOf(CallOutcome outcome) {
  switch (outcome) {
    case CallOutcome::kOk:
      return "ok";
    case CallOutcome::kRefused:
      return "refused";
    case CallOutcome::kFailed:
      return "failed";
    case CallOutcome::kCut:
      return "cut";
    case CallOutcome::kLeft:
      return "client_left";
  }
  return "failed";
}

void LlmMetrics::CountCall(llm::Surface surface, CallOutcome outcome) {
  Add(calls_[static_cast<std::size_t>(surface)][static_cast<std::size_t>(outcome)], 1);
}

void LlmMetrics::CountAnswered(std::size_t provider, llm::FinishReason finish) {
  using enum llm::FinishReason;
  Add(providers_[provider].answered, 1);
  const llm::FinishReason told = finish == kStopSequence ? kStop : finish;  // One word for both.
  Add(providers_[provider].finished[static_cast<std::size_t>(told)], 1);
}

void LlmMetrics::CountCost(std::size_t provider, std::optional<NanoUsd> cost) {
  if (!cost) return Add(providers_[provider].unpriced, 1);
  Add(providers_[provider].cost_nano_usd, static_cast<std::uint64_t>(cost->value));
}

void LlmMetrics::CountFailure(std::size_t provider, llm::FailureKind kind) {
  Add(providers_[provider].failures[static_cast<std::size_t>(kind)], 1);
}

void LlmMetrics::CountTokens(std::size_t provider, const TokenUsage& usage) {
  static_assert(kClasses.size() == kTokenClasses);
  for (std::size_t i = 0; i < kClasses.size(); ++i) {
    const std::int64_t tokens = usage.*kClasses[i].count;
    if (tokens > 0) Add(providers_[provider].tokens[i], static_cast<std::uint64_t>(tokens));
  }
}

void LlmMetrics::Write(std::span<const LlmMetrics* const> cores, const ProviderTable& table,
                       Exposition& out) {
  const auto sum = [&](const auto& counter_of) {
    std::uint64_t total = 0;
    for (const LlmMetrics* core : cores) {
      total += counter_of(*core).load(std::memory_order_relaxed);
    }
    return static_cast<double>(total);
  };
  out.Family("podium_llm_calls_total", "counter", "Calls to language models by how they ended.");
  for (std::size_t s = 0; s < llm::kSurfaceCount; ++s) {
    for (std::size_t o = 0; o < kCallOutcomes; ++o) {
      const double calls =
          sum([&](const LlmMetrics& m) -> const Counter& { return m.calls_[s][o]; });
      if (calls == 0) continue;
      out.Sample({{"surface", NameOf(static_cast<llm::Surface>(s))},
                  {"outcome", NameOf(static_cast<CallOutcome>(o))}},
                 calls);
    }
  }
  out.Family("podium_llm_attempts_total", "counter",
             "Attempts at providers: answered, or the kind of failure.");
  for (std::size_t p = 0; p < table.size(); ++p) {
    const std::string& name = table.At(p).name;
    out.Sample(
        {{"provider", name}, {"result", "answered"}},
        sum([&](const LlmMetrics& m) -> const Counter& { return m.providers_[p].answered; }));
    for (std::size_t k = 0; k < llm::kFailureKindCount; ++k) {
      const double failed =
          sum([&](const LlmMetrics& m) -> const Counter& { return m.providers_[p].failures[k]; });
      if (failed == 0) continue;
      out.Sample({{"provider", name}, {"result", NameOf(static_cast<llm::FailureKind>(k))}},
                 failed);
    }
  }
  struct Single {
    std::string_view name;
    std::string_view help;
    Counter PerProvider::* counter;
  };
  const std::array<Single, 4> singles{{
      {"podium_llm_retries_total", "Attempts made at the same model once more.",
       &PerProvider::retries},
      {"podium_llm_fallbacks_total", "Failures after which another of the chain was asked.",
       &PerProvider::fallbacks},
      {"podium_llm_breaker_refusals_total", "Attempts not made because a breaker was open.",
       &PerProvider::short_circuits},
      {"podium_llm_unpriced_attempts_total",
       "Attempts that used tokens for which no price is known.", &PerProvider::unpriced},
  }};
  for (const Single& single : singles) {
    out.Family(single.name, "counter", single.help);
    for (std::size_t p = 0; p < table.size(); ++p) {
      out.Sample({{"provider", table.At(p).name}}, sum([&](const LlmMetrics& m) -> const Counter& {
                   return m.providers_[p].*single.counter;
                 }));
    }
  }
  out.Family("podium_llm_cost_usd_total", "counter",
             "What attempts have cost, estimates included, as far as prices are known.");
  for (std::size_t p = 0; p < table.size(); ++p) {
    const double nano_usd =
        sum([&](const LlmMetrics& m) -> const Counter& { return m.providers_[p].cost_nano_usd; });
    out.Sample({{"provider", table.At(p).name}}, nano_usd / kNanoPerUsd);
  }
  out.Family("podium_llm_answers_total", "counter", "Whole answers by why they ended.");
  for (std::size_t p = 0; p < table.size(); ++p) {
    for (std::size_t f = 0; f < llm::kFinishReasons; ++f) {
      const auto finish = static_cast<llm::FinishReason>(f);
      const double answers =
          sum([&](const LlmMetrics& m) -> const Counter& { return m.providers_[p].finished[f]; });
      if (answers == 0 || finish == llm::FinishReason::kNone) continue;
      out.Sample({{"provider", table.At(p).name}, {"finish_reason", NameOf(finish)}}, answers);
    }
  }
  out.Family("podium_llm_tokens_total", "counter", "Tokens by class, estimates included.");
  for (std::size_t p = 0; p < table.size(); ++p) {
    for (std::size_t c = 0; c < kClasses.size(); ++c) {
      const double tokens =
          sum([&](const LlmMetrics& m) -> const Counter& { return m.providers_[p].tokens[c]; });
      if (tokens == 0) continue;
      out.Sample({{"provider", table.At(p).name}, {"class", kClasses[c].name}}, tokens);
    }
  }
  HistogramSnapshot first_token;
  HistogramSnapshot overhead;
  for (const LlmMetrics* core : cores) {
    first_token.Merge(core->first_token_.Snapshot());
    overhead.Merge(core->overhead_.Snapshot());
  }
  out.Family("podium_llm_first_token_seconds", "histogram",
             "From a streamed call's head to its first token.");
  out.Sample({}, first_token);
  out.Family("podium_llm_overhead_seconds", "histogram",
             "What Podium itself took of a call: all but waiting for providers.");
  out.Sample({}, overhead);
}

}  // namespace podium::gateway
