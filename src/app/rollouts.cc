#include "app/rollouts.h"

#include <utility>

#include "base/log.h"
#include "control/admin/rollout_epoch.h"
#include "control/admin/verbs.h"

namespace podium::app {
namespace {

constexpr std::chrono::seconds kRolloutTick{1};

}  // namespace

Rollouts::Rollouts(Parts parts, const std::string& incarnation, const control::AdminContext& admin,
                   Post post)
    : parts_(std::move(parts)),
      admin_(admin),
      post_(std::move(post)),
      sender_(parts_.tallies, parts_.store, incarnation, [this] { return LiveMarks(); }),
      left_(parts_.evidence_root, parts_.store),
      driver_({parts_.store, parts_.clock, parts_.pools.reads, parts_.pools.writer}, Ports(),
              incarnation) {}

control::DriverPorts Rollouts::Ports() {
  control::DriverPorts ports;
  ports.carry_out = [this](store::Mutation mutation, store::MutationContext context) {
    return CarryOut(std::move(mutation), std::move(context));
  };
  ports.spawn = [this](Task<void> task) {
    if (group_ != nullptr) group_->Spawn(std::move(task));
  };
  ports.baseline = [this](const ModelId& primary) {
    return control::BaselineHere(admin_.stats, primary);
  };
  ports.is_broken = [this](const Rollout& rollout) { return IsBroken(rollout); };
  return ports;
}

Task<Result<store::Committed>> Rollouts::CarryOut(store::Mutation mutation,
                                                  store::MutationContext context) {
  auto verb = control::CarryOutAs(admin_, std::move(mutation), std::move(context));
  Result<control::VerbOutcome> outcome = co_await std::move(verb);
  if (!outcome) co_return Fail(std::move(outcome).error());
  co_return std::move(outcome->committed);
}

std::vector<RolloutMark> Rollouts::LiveMarks() const {
  std::vector<RolloutMark> live;
  const view::ViewPtr view = parts_.publisher.state().view;
  for (const view::RouteView& route : view->routes()) {
    if (route.route->rollout) live.push_back(*route.route->rollout);
  }
  return live;
}

bool Rollouts::IsBroken(const Rollout& rollout) const {
  if (!parts_.is_broken) return false;
  const view::ViewPtr view = parts_.publisher.state().view;
  const view::RouteView* route = view->Find(rollout.route.get());
  if (route == nullptr) return false;
  for (const ModelVersion& version : route->route->versions) {
    if (version.model_id != rollout.candidate || version.upstream_model.empty()) continue;
    return parts_.is_broken(version.provider_key, version.upstream_model);
  }
  return false;
}

void Rollouts::Wake() {
  // What is on its way will see this change too.
  if (woken_.exchange(true)) return;
  post_([this] {
    woken_ = false;
    if (group_ != nullptr) group_->Spawn(driver_.Survey());
  });
}

void Rollouts::Start(TaskGroup& group) {
  group_ = &group;
  group.Spawn(KeepSending());
  group.Spawn(KeepDriving());
}

void Rollouts::End() {
  group_ = nullptr;
  driver_.End();
}

// On a thread of its own: a change of the registry goes between two of its batches.
Task<void> Rollouts::KeepSending() {
  while (co_await NextTick(kRolloutTick)) {
    auto send = RunOn(writes_, [this] { return SendAll(); });
    sending_.Note(co_await std::move(send));
  }
}

Task<void> Rollouts::KeepDriving() {
  do {
    auto survey = driver_.Survey();
    co_await std::move(survey);
  } while (co_await NextTick(kRolloutTick));
}

// What others have left, too: a server may share its directory, and one that died may not come
// back. That is a matter apart: a file of theirs that cannot be read must not keep this replica's
// own counts from the registry.
Status Rollouts::SendAll() {
  room_.Note(parts_.tallies.Prepare());
  PODIUM_TRY(sender_.Send());
  sending_left_.Note(left_.Send());
  return {};
}

void Rollouts::SendLast() {
  writes_.Stop();
  // A registry that is away would hold up the stop, and then as long as each write is tried for.
  Status sent = Fail(ErrorCode::kUnavailable, "the registry does not take it");
  if (!sending_.going_on()) sent = sender_.Send();
  if (sent) {
    parts_.tallies.Discard();
    driver_.GiveUpLeases();
    return;
  }
  LogWarning(parts_.tallies.outlives() ? "the last evidence of rollouts waits for the next start"
                                       : "the last evidence of rollouts is lost",
             {{"error", Describe(sent.error())}});
}

}  // namespace podium::app
