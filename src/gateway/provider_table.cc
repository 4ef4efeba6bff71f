#include "gateway/provider_table.h"

#include <algorithm>
#include <utility>

namespace podium::gateway {

std::string_view NameOf(ProviderKind kind) {
  switch (kind) {
    case ProviderKind::kOpenAi:
      return "openai";
    case ProviderKind::kAnthropic:
      return "anthropic";
  }
  return "openai";
}

bool SpeakAlike(const Provider& a, const Provider& b) {
  return a.kind == b.kind && a.options.native_responses == b.options.native_responses;
}

ProviderTable::ProviderTable(std::vector<Provider> providers, routing::ChainConfig chain)
    : providers_(std::move(providers)), chain_(std::move(chain)) {
  std::ranges::sort(providers_, {}, &Provider::name);
  for (const Provider& provider : providers_) {
    if (provider.trouble.empty()) chain_.providers.insert(provider.name);
  }
}

std::size_t ProviderTable::IndexOf(std::string_view name) const {
  const auto found = std::ranges::lower_bound(providers_, name, {}, [](const Provider& provider) {
    return std::string_view(provider.name);
  });
  if (found == providers_.end() || found->name != name) return kNone;
  return static_cast<std::size_t>(found - providers_.begin());
}

}  // namespace podium::gateway
