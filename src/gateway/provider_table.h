// The providers that calls may go to, as configuration gives them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "gateway/llm/provider.h"
#include "net/upstream.h"
#include "routing/fallback_chain.h"

namespace podium::gateway {

/// Which adapter speaks with it.
enum class ProviderKind : std::uint8_t { kOpenAi, kAnthropic };
inline constexpr std::size_t kProviderKinds = 2;
std::string_view NameOf(ProviderKind kind);  ///< "openai"

/// Of one attempt at a provider.
struct ProviderTimeouts {
  std::chrono::milliseconds connect{10'000};      ///< From the name to the end of TLS.
  std::chrono::milliseconds first_token{60'000};  ///< Of a stream: to what the caller can see.
  std::chrono::milliseconds idle{60'000};         ///< Between two pieces of an answer.
  std::chrono::milliseconds total{600'000};       ///< For all of it.
};

struct Provider {
  std::string name;  ///< `provider_key` of a version.
  ProviderKind kind = ProviderKind::kOpenAi;
  net::Origin origin;
  llm::ProviderOptions options;
  Secret credential;      ///< Empty: none is sent.
  std::string trouble;    ///< Why it cannot be called; empty when it can. Names no credential.
  std::size_t trust = 0;  ///< Which of the core's pools: each believes other certificates.
  ProviderTimeouts timeouts;
};

/// Whether what one of them can be asked the other can be asked too, on every surface. Pure.
bool SpeakAlike(const Provider& a, const Provider& b);

/// Threads: immutable after construction.
class ProviderTable {
 public:
  ProviderTable() = default;
  /// `chain.providers` is filled from the providers that can be called.
  ProviderTable(std::vector<Provider> providers, routing::ChainConfig chain);

  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  std::size_t IndexOf(std::string_view name) const;  ///< kNone for a name that is not configured.
  const Provider& At(std::size_t index) const { return providers_[index]; }
  std::size_t size() const { return providers_.size(); }
  const routing::ChainConfig& chain() const { return chain_; }

 private:
  std::vector<Provider> providers_;  // By name.
  routing::ChainConfig chain_;
};

}  // namespace podium::gateway
