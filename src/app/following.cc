#include "app/following.h"

#include <filesystem>
#include <utility>

#include "app/mlflow.h"
#include "control/admin/rollout_epoch.h"
#include "control/admin/verbs.h"

namespace podium::app {
namespace {

control::FollowerOptions FollowerOptionsOf(const Settings& settings, const std::string& server) {
  control::FollowerOptions options;
  options.server = server;
  options.trust = settings.follow_trust;
  options.poll_interval = settings.follow_poll;
  options.artifact_folder = std::filesystem::absolute(settings.data_dir / "artifacts");
  options.max_artifact_bytes = settings.max_artifact_bytes;
  return options;
}

}  // namespace

Following::Following(const Settings& settings, const std::string& server, const Parts& parts,
                     const control::AdminContext& admin, Post post)
    : admin_(admin),
      post_(std::move(post)),
      artifacts_(MlflowArtifactFolder(settings)),
      follower_(
          {parts.store, parts.models, parts.rollouts, artifacts_, parts.publisher, parts.clock,
           parts.rng, parts.pools.reads, parts.pools.files},
          [&runtime = parts.runtime](const ModelId& id) { return runtime.StatusOf(id); }, Ports(),
          FollowerOptionsOf(settings, server)) {}

control::FollowerPorts Following::Ports() {
  control::FollowerPorts ports;
  ports.carry_out = [this](store::Mutation mutation, store::MutationContext context) {
    return CarryOut(std::move(mutation), std::move(context));
  };
  ports.load = [this](ModelVersion version) {
    return control::MakeReadyEverywhere(admin_, std::move(version));
  };
  ports.spawn = [this](Task<void> task) {
    if (group_ != nullptr) group_->Spawn(std::move(task));
  };
  ports.baseline = [this](const ModelId& primary) {
    return control::BaselineHere(admin_.stats, primary);
  };
  return ports;
}

Task<Result<store::Committed>> Following::CarryOut(store::Mutation mutation,
                                                   store::MutationContext context) {
  auto verb = control::CarryOutAs(admin_, std::move(mutation), std::move(context));
  Result<control::VerbOutcome> outcome = co_await std::move(verb);
  if (!outcome) co_return Fail(std::move(outcome).error());
  co_return std::move(outcome->committed);
}

control::RegistryHook Following::hook() {
  return {[this](const store::ModelMutation& mutation) { return follower_.Judge(mutation); },
          [this] { Wake(); }};
}

void Following::Wake() {
  // What is on its way will see this change too.
  if (woken_.exchange(true)) return;
  post_([this] {
    woken_ = false;
    if (group_ != nullptr) group_->Spawn(follower_.Survey(false));
  });
}

void Following::Start(TaskGroup& group) {
  group_ = &group;
  group.Spawn(Poll());
}

void Following::End() {
  group_ = nullptr;
  follower_.End();
}

Task<void> Following::Poll() {
  do {
    auto survey = follower_.Survey(true);
    co_await std::move(survey);
  } while (co_await Pause(follower_.NextPause()));
}

}  // namespace podium::app
