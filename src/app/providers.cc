#include "app/providers.h"

#include <algorithm>
#include <filesystem>
#include <latch>
#include <string>
#include <utility>

namespace podium::app {
namespace {

using gateway::ProviderKind;

// The files that providers name, each once; the first is none: whom the system trusts.
std::vector<std::filesystem::path> CaFiles(const Settings& settings) {
  std::vector<std::filesystem::path> files = {{}};
  for (const auto& [name, provider] : settings.providers) {
    if (std::ranges::find(files, provider.ca_file) == files.end()) {
      files.push_back(provider.ca_file);
    }
  }
  return files;
}

gateway::llm::ProviderOptions OptionsOf(const ProviderSettings& settings) {
  gateway::llm::ProviderOptions options;
  options.base_path = settings.base_url->path;
  // Anthropic's own base URL goes without the version that its paths begin with.
  if (settings.kind == ProviderKind::kAnthropic && options.base_path.empty()) {
    options.base_path = "/v1";
  }
  options.azure_paths = settings.azure;
  options.bearer = !settings.azure;
  options.api_version = settings.api_version;
  options.native_responses = settings.native_responses;
  options.legacy_max_tokens = settings.legacy_max_tokens;
  options.default_max_tokens = settings.default_max_tokens;
  return options;
}

}  // namespace

gateway::ProviderTable ProviderTableOf(const Settings& settings) {
  const std::vector<std::filesystem::path> files = CaFiles(settings);
  std::vector<gateway::Provider> providers;
  for (const auto& [name, from] : settings.providers) {
    gateway::Provider provider;
    provider.name = name;
    provider.kind = *from.kind;
    provider.origin = {
        from.base_url->tls, from.base_url->host, from.base_url->port, {from.allow_private}};
    provider.options = OptionsOf(from);
    provider.credential = from.credential;
    provider.trouble = from.trouble;
    provider.trust =
        static_cast<std::size_t>(std::ranges::find(files, from.ca_file) - files.begin());
    provider.timeouts = from.timeouts;
    providers.push_back(std::move(provider));
  }
  routing::ChainConfig chain;
  chain.route_config.insert(settings.routes.begin(), settings.routes.end());
  chain.default_provider = settings.default_provider;
  chain.unknown_routes = settings.unknown_routes;
  return {std::move(providers), std::move(chain)};
}

ProviderStates ProviderStatesOf(const Settings& settings) {
  ProviderStates states;
  for (const auto& [name, provider] : settings.providers) states[name] = provider.trouble;
  return states;
}

Result<Trusts> LoadTrusts(const Settings& settings) {
  Trusts trusts;
  for (const std::filesystem::path& file : CaFiles(settings)) {
    const bool used = std::ranges::any_of(settings.providers, [&](const auto& each) {
      return each.second.base_url->tls && each.second.ca_file == file &&
             each.second.trouble.empty();
    });
    if (!used) {
      trusts.push_back(nullptr);
      continue;
    }
    PODIUM_TRY_ASSIGN(std::shared_ptr<const net::TlsTrust> trust,
                      net::TlsTrust::Load(file.string()));
    trusts.push_back(std::move(trust));
  }
  if (settings.mlflow_upstream) {
    std::shared_ptr<const net::TlsTrust> trust;
    if (settings.mlflow_upstream->tls) {
      PODIUM_TRY_ASSIGN(trust, net::TlsTrust::Load(settings.mlflow_ca_file.string()));
    }
    trusts.push_back(std::move(trust));
  }
  return trusts;
}

UpstreamPools::UpstreamPools(net::CorePool& cores, const Clock& clock, const Trusts& trusts)
    : cores_(cores), pools_(cores.size()) {
  const auto lookups = std::make_shared<net::NameLookups>(clock);
  for (std::size_t core = 0; core < cores.size(); ++core) {
    for (const std::shared_ptr<const net::TlsTrust>& trust : trusts) {
      net::UpstreamPoolOptions options;
      options.trust = trust;
      options.lookups = lookups;
      pools_[core].push_back(
          std::make_unique<net::UpstreamPool>(cores.executor(core), clock, std::move(options)));
    }
  }
}

std::vector<std::vector<net::Upstream*>> UpstreamPools::ByCore() const {
  std::vector<std::vector<net::Upstream*>> all;
  for (const auto& core : pools_) {
    std::vector<net::Upstream*>& of_core = all.emplace_back();
    for (const auto& pool : core) of_core.push_back(pool.get());
  }
  return all;
}

Task<void> UpstreamPools::StopCore(std::size_t core, std::latch& ended) {
  for (const auto& pool : pools_[core]) {
    auto stop = pool->Stop();
    co_await std::move(stop);
  }
  ended.count_down();
}

void UpstreamPools::Stop() {
  for (std::size_t core = 0; core < pools_.size(); ++core) {
    std::latch ended(1);
    cores_.Run(core, [&] {
      stopping_.push_back(std::make_unique<TaskGroup>(cores_.executor(core)));
      stopping_.back()->Spawn(StopCore(core, ended));
    });
    ended.wait();
  }
}

}  // namespace podium::app
