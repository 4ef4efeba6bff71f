// The server's MLflow side: the API with what it needs, from settings and the parts of the server.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "app/providers.h"
#include "app/settings.h"
#include "control/admin/pools.h"
#include "control/mlflow/context.h"
#include "control/mlflow/mlflow_api.h"
#include "control/mlflow/upstream.h"
#include "runtime/artifact_tree.h"

namespace podium::app {

/// Where the artifacts are that MLflow's clients have put here.
std::filesystem::path MlflowArtifactFolder(const Settings& settings);

/// Threads: the API on any core.
class Mlflow {
 public:
  /// What is referred to outlives this. `upstreams` has the tracking server's pools last, if the
  /// settings name one.
  Mlflow(const Settings& settings, store::ModelStore& models,
         const auth::Authenticator& authenticator, const Clock& clock, Rng& rng,
         control::ControlPools& pools, const UpstreamPools& upstreams, control::RegistryHook hook);

  net::Handler& api() { return api_; }

 private:
  runtime::ArtifactTree artifacts_;
  const std::unique_ptr<control::MlflowUpstream> upstream_;  // Null: there is none.
  const control::MlflowContext context_;
  control::MlflowApi api_;
};

}  // namespace podium::app
