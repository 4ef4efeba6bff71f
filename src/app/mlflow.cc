#include "app/mlflow.h"

#include <filesystem>
#include <utility>
#include <vector>

namespace podium::app {
namespace {

std::unique_ptr<control::MlflowUpstream> UpstreamOf(const Settings& settings, const Clock& clock,
                                                    const UpstreamPools& upstreams) {
  if (!settings.mlflow_upstream) return nullptr;
  const BaseUrl& url = *settings.mlflow_upstream;
  std::vector<net::Upstream*> by_core;
  for (const auto& of_core : upstreams.ByCore()) by_core.push_back(of_core.back());
  // Whoever configures it allows its address, and most are in the same network.
  return std::make_unique<control::MlflowUpstream>(
      net::Origin{url.tls, url.host, url.port, {.allow_private = true}}, url.path,
      std::move(by_core), clock);
}

control::MlflowOptions OptionsOf(const Settings& settings) {
  control::MlflowOptions options;
  options.build = PODIUM_BUILD;
  options.max_artifact_bytes = settings.max_artifact_bytes;
  return options;
}

}  // namespace

std::filesystem::path MlflowArtifactFolder(const Settings& settings) {
  return std::filesystem::absolute(settings.data_dir / "mlflow-artifacts");
}

Mlflow::Mlflow(const Settings& settings, store::ModelStore& models,
               const auth::Authenticator& authenticator, const Clock& clock, Rng& rng,
               control::ControlPools& pools, const UpstreamPools& upstreams,
               control::RegistryHook hook)
    : artifacts_(MlflowArtifactFolder(settings)),
      upstream_(UpstreamOf(settings, clock, upstreams)),
      context_{models,          authenticator,  rng,        pools.reads,
               pools.writer,    pools.files,    artifacts_, OptionsOf(settings),
               upstream_.get(), std::move(hook)},
      api_(context_) {
  artifacts_.Sweep();
}

}  // namespace podium::app
