// The MLflow tracking server behind Podium (`mlflow.upstream`): gets what is not the registry's.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "net/handler.h"
#include "net/upstream.h"

namespace podium::control {

/// What a version needs to know of the logged model that it is made from.
struct LoggedModel {
  std::string artifact_uri;
  std::string source_run_id;
};

/// Threads: a call's own core.
class MlflowUpstream {
 public:
  /// `path` stands before those of the API. By core: the connections. All outlive this.
  MlflowUpstream(net::Origin origin, std::string path, std::vector<net::Upstream*> by_core,
                 const Clock& clock);

  /// Sends the request on, with its body, and the answer back as it comes, so that no browser runs
  /// it. No credential of the caller goes along: it is Podium's. REQUIRES: a path without steps
  /// that lead elsewhere.
  Task<Result<net::Response>> Pass(net::Exchange& exchange);
  /// kInvalidArgument when there is no such model, kUnavailable when the server does not say.
  Task<Result<LoggedModel>> FindLoggedModel(std::size_t core, std::string model_id);

 private:
  Task<Result<std::unique_ptr<net::UpstreamResponse>>> Send(std::size_t core,
                                                            net::UpstreamRequest request);

  const net::Origin origin_;
  const std::string path_;
  const std::vector<net::Upstream*> by_core_;
  const Clock& clock_;
};

}  // namespace podium::control
