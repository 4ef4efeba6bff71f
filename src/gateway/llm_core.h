// What each core keeps for calls to language models. But for the breakers nothing here is shared,
// so nothing is locked.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "gateway/attempt_policy.h"
#include "gateway/breaker_board.h"
#include "gateway/llm/json_scratch.h"
#include "gateway/llm/provider.h"
#include "gateway/llm/request_fields.h"
#include "gateway/llm_metrics.h"
#include "gateway/provider_table.h"
#include "journal/journal.h"
#include "ledger/price_book.h"
#include "net/upstream.h"

namespace podium::gateway {

/// A stream whose caller has left may be heard to its end, since its usage stands there: then the
/// bill is exact, and for tokens that nobody reads. Otherwise its provider is told to stop, and the
/// usage is estimated.
struct DrainPolicy {
  std::size_t streams = 0;  ///< At once, per core; 0: none ever.
  std::size_t bytes = 256 * 1024;
  std::chrono::milliseconds time{10'000};
};

/// Shared by all cores; immutable, or of any thread.
struct LlmShared {
  const ProviderTable& providers;
  journal::Journal* journal = nullptr;  ///< Null: nothing that costs money may be called.
  /// By core, then by Provider::trust; each is its core's own.
  std::vector<std::vector<net::Upstream*>> upstreams;
  AttemptPolicy attempts;
  BreakerPolicy breaker;
  std::chrono::nanoseconds timeout = limits::kLlmTimeout;  ///< Of a call with all its attempts.
  std::size_t max_body_bytes = limits::kMaxLlmBodyBytes;
  DrainPolicy drain = {};
};

/// Threads: that core's, but for what metrics, board and `draining` say of themselves.
struct LlmCore {
  /// `breakers_in` is the replica's, and outlives this.
  LlmCore(const LlmShared& shared_in, std::size_t index, BreakerBoard& breakers_in)
      : shared(shared_in),
        upstreams(shared_in.upstreams.at(index)),
        writer(shared_in.journal == nullptr ? nullptr : &shared_in.journal->writer(index)),
        breakers(breakers_in),
        metrics(shared_in.providers.size()) {}

  net::Upstream& UpstreamOf(const Provider& provider) const { return *upstreams[provider.trust]; }
  const llm::ProviderAdapter& AdapterOf(const Provider& provider) const {
    return *adapters[static_cast<std::size_t>(provider.kind)];
  }

  const LlmShared& shared;
  const std::vector<net::Upstream*>& upstreams;
  journal::Writer* writer;  ///< May be null.
  llm::FieldScanner scanner;
  llm::JsonScratch scratch;
  const std::array<std::unique_ptr<llm::ProviderAdapter>, kProviderKinds> adapters{
      llm::MakeOpenAiAdapter(scratch), llm::MakeAnthropicAdapter(scratch)};
  BreakerBoard& breakers;
  std::atomic<std::size_t> draining{0};  ///< Streams without a caller. Written on its core.
  LlmMetrics metrics;
  /// Replaced whole, on this core; never null.
  std::shared_ptr<const ledger::PriceBook> prices = std::make_shared<const ledger::PriceBook>();
};

}  // namespace podium::gateway
