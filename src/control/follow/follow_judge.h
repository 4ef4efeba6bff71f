// Judges a change of a registered model before it is committed: whether what it would put in front
// of a following route's traffic can be served there, by what can be known at once.
//
// What is not known yet is let through: the follower meets it again when the model is loaded, and
// the store's own gates stand behind both.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "control/follow/follow_reading.h"
#include "control/follow/source_finder.h"
#include "runtime/model_runtime.h"
#include "store/model_mutation.h"
#include "view/publish_port.h"

namespace podium::control {

/// What became of a version on this replica.
using StatusOfVersion = std::function<std::optional<runtime::ModelStatus>(const ModelId&)>;
/// Why a version of the model, by its TroubleKeyOf, could not be brought further on a route lately.
using TroubleOfVersion =
    std::function<std::optional<FollowTrouble>(const RouteName&, const std::string& key)>;

/// In whose name a version may be served although its signature does not fit: the person whom its
/// tag kForceTag names. nullopt without one, or when it is no name (domain/names.h) of up to
/// kMostForceNameBytes.
std::optional<std::string> ForcedBy(const RegisteredVersion& version);
inline constexpr std::size_t kMostForceNameBytes = 64;

/// By what the trouble with a version is remembered: to be forced is a new beginning for it.
std::string TroubleKeyOf(const RegisteredVersion& version);

/// Threads: any; blocks on the store and the disk.
class FollowJudge {
 public:
  /// `trust`: the registry's word counts as a named person's. All outlive this.
  FollowJudge(store::RegistryStore& store, store::ModelStore& models, view::PublishPort& publisher,
              const SourceFinder& finder, StatusOfVersion status_of, TroubleOfVersion trouble_of,
              bool trust)
      : store_(store),
        models_(models),
        publisher_(publisher),
        finder_(finder),
        status_of_(std::move(status_of)),
        trouble_of_(std::move(trouble_of)),
        trust_(trust) {}

  /// kInvalidArgument, in the words for a caller of MLflow's API. What the store itself will refuse
  /// passes, and so does everything while the registry does not tell: the commit will.
  Status Judge(const store::ModelMutation& mutation) const;

 private:
  Result<FollowedModel> ReadModel(const std::string& name, const Follow& follow,
                                  const store::ModelMutation& mutation) const;
  Status ReadNextIn(const std::string& name, ModelStage stage, FollowedModel& model) const;
  Status JudgeRoute(const RouteName& route, const Follow& follow,
                    const store::ModelMutation& mutation) const;
  Status JudgeVersion(const store::RouteState& state, const RegisteredVersion& version) const;
  Status JudgeSignature(const store::RouteState& state, const RegisteredVersion& version,
                        const ModelVersion* row, const std::string& declared) const;
  DeclaredSignature SignatureOf(const ModelVersion& row) const;

  store::RegistryStore& store_;
  store::ModelStore& models_;
  view::PublishPort& publisher_;
  const SourceFinder& finder_;
  const StatusOfVersion status_of_;
  const TroubleOfVersion trouble_of_;
  const bool trust_;
};

}  // namespace podium::control
