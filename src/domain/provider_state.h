// Which providers of remote models are configured here, and whether they can be called.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace podium {

/// By name: why that provider cannot be called (its credential is not there); empty when it can.
/// READY of a remote version means an empty text here, never a call of the model.
using ProviderStates = std::map<std::string, std::string, std::less<>>;

inline std::vector<std::string> NamesOf(const ProviderStates& providers) {
  std::vector<std::string> names;
  for (const auto& [name, trouble] : providers) names.push_back(name);
  return names;
}

/// Why a version of that provider is not READY here; empty when it is.
inline std::string WhyNotCallable(const ProviderStates& providers, std::string_view provider) {
  const auto found = providers.find(provider);
  if (found != providers.end()) return found->second;
  return "no provider " + std::string(provider) + " is configured here";
}

}  // namespace podium
