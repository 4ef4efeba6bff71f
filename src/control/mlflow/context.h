// What every endpoint of the MLflow API works with: its parts of the control plane, and the call in
// hand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/principal.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/result.h"
#include "base/rng.h"
#include "base/task.h"
#include "base/worker_pool.h"
#include "control/mlflow/params.h"
#include "net/handler.h"
#include "net/path_pattern.h"
#include "runtime/artifact_tree.h"
#include "store/model_store.h"

namespace podium::control {

class MlflowUpstream;

struct MlflowOptions {
  std::string build = "dev";
  std::size_t max_body_bytes = limits::kMaxAdminBodyBytes;
  std::uint64_t max_artifact_bytes = limits::kMaxArtifactBytes;
};

/// Who has a say in changes of the registry, since traffic follows them. Threads: any.
struct RegistryHook {
  /// Asked before the commit. May block. kInvalidArgument for a change that must not be, with the
  /// sentence that a caller of MLflow's API is to read.
  std::function<Status(const store::ModelMutation&)> judge;
  std::function<void()> changed;  ///< Told behind the commit. Does not block.
};

/// Threads: the references are to things that any thread may use.
struct MlflowContext {
  store::ModelStore& models;
  const auth::Authenticator& authenticator;
  Rng& rng;
  WorkerPool& reads;
  WorkerPool& writer;  ///< One thread: the registry's.
  WorkerPool& files;   ///< One thread: uploads and deletions of artifacts.
  runtime::ArtifactTree& artifacts;
  MlflowOptions options;
  /// nullptr: no tracking server is configured.
  MlflowUpstream* upstream = nullptr;
  /// Empty: nobody has a say.
  RegistryHook hook = {};
};

/// One request to one endpoint, authenticated, its parameters read.
struct MlflowCall {
  const MlflowContext& context;
  net::Exchange& exchange;
  auth::Principal principal;
  std::string request_id;
  Params params;
  std::string path;  ///< Of an artifact, decoded once; without the slash in front.
};

using MlflowReply = Task<Result<net::Response>>;

struct MlflowEndpoint {
  MlflowReply (*serve)(MlflowCall& call) = nullptr;
  bool reads_body = false;  ///< As JSON. Else the parameters are those of the query.
};
using MlflowRoutes = net::PathRouter<MlflowEndpoint>;

/// Adds what stands below "/api/2.0/mlflow/" and, for the UI, below "/ajax-api/2.0/mlflow/".
void AddMlflow(MlflowRoutes& routes, net::HttpMethod method, std::string_view path,
               MlflowEndpoint endpoint);

/// A 200 with a JSON object.
net::Response MlflowResponse(const Json& object = Json::object());
/// The same with an object that is text already.
net::Response MlflowText(std::string object);
/// Carries out one mutation on the registry's writer.
Task<Result<store::ModelCommitted>> CarryOut(MlflowCall& call, store::ModelMutation mutation);

/// The same once all parameters were understood; the answer is an empty object.
MlflowReply AnswerNothing(MlflowCall& call, store::ModelMutation mutation);

/// What a search of one kind of row takes.
struct SearchGrammar {
  int standard;  ///< Rows of a page when none are asked for.
  int most;
  Result<store::Filter> (*filter)(std::string_view text);
  Result<store::ListOrder> (*order)(const std::vector<std::string>& terms);
};
Result<store::ModelSearch> ReadSearch(Params& params, const SearchGrammar& grammar);

// One file per resource adds its paths.
void AddRegisteredModelEndpoints(MlflowRoutes& routes);
void AddModelVersionEndpoints(MlflowRoutes& routes);
void AddModelAliasEndpoints(MlflowRoutes& routes);

// The artifact proxy; its paths are too deep for a table.
MlflowReply ListArtifacts(MlflowCall& call);
MlflowReply GetArtifact(MlflowCall& call);
MlflowReply PutArtifact(MlflowCall& call);
MlflowReply DeleteArtifact(MlflowCall& call);

}  // namespace podium::control
