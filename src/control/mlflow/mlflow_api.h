// MLflow's model registry as its own clients speak to it, unchanged: REST API 2.0, and the artifact
// proxy. What is not the registry's goes to the tracking server, if there is one.
#pragma once

#include <string>
#include <string_view>

#include "control/mlflow/context.h"
#include "net/handler.h"

namespace podium::control {

/// Threads: Handle on any core; immutable after construction.
class MlflowApi final : public net::Handler {
 public:
  explicit MlflowApi(const MlflowContext& context);

  /// Whether a path is MLflow's.
  static bool Serves(std::string_view path);
  Task<net::Response> Handle(net::Exchange& exchange) override;

 private:
  MlflowReply Serve(net::Exchange& exchange, std::string request_id);
  MlflowReply ServeArtifacts(MlflowCall call, std::string_view path);
  MlflowReply ServeTracking(net::Exchange& exchange);

  const MlflowContext& context_;
  MlflowRoutes routes_;
};

}  // namespace podium::control
