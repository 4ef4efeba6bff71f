#include "control/follow/follower.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "base/utf8.h"
#include "control/follow/followed_rows.h"

namespace podium::control {
namespace {

// From nothing to a champion and its challenger it takes seven; more only when others change it
// too.
constexpr int kMostSteps = 16;
// A move of an alias or a stage that is older did not bring this step about by itself.
constexpr std::chrono::minutes kMoveIsFresh{10};
constexpr int kAuditRows = 20;
constexpr std::size_t kMostServerBytes = 64;
constexpr std::size_t kMostReasonBytes = limits::kMaxReasonBytes - 8;  // And what says it was cut.
constexpr int kTokenLength = 16;

constexpr std::array<std::string_view, 5> kMoves = {
    "podium.registered_model.alias_set", "podium.registered_model.alias_deleted",
    "podium.registered_model.renamed", "podium.model_version.transitioned",
    "podium.model_version.deleted"};

std::string ReasonFor(const FollowReading& reading, const FollowStep& step) {
  const std::string model = Shortened(reading.follow().model, limits::kMaxUnitBytes);
  if (step.kind == FollowStepKind::kAbortRollout) {
    return fmt::format("not the champion of {} any more", model);
  }
  if (step.kind == FollowStepKind::kEndCanary) {
    const RegisteredVersion* challenger = reading.Find(reading.targets.challenger);
    const ModelVersion* row =
        challenger == nullptr ? nullptr : FindRow(reading.state.versions, *challenger);
    if (row != nullptr && row->model_id == step.row->model_id) {
      return fmt::format("makes room for the champion of {}", model);
    }
    return fmt::format("not the challenger of {} any more", model);
  }
  const bool champion = reading.targets.champion == step.number;
  return fmt::format("version {} is the {} of {}", step.number,
                     champion ? "champion" : "challenger", model);
}

/// A step that failed, and on what it was planned.
struct FailedStep {
  Revision revision;
  std::string key;       ///< TroubleKeyOf; empty: no version is to blame.
  bool of_load = false;  ///< Whether it was to be found or loaded.
  Error error;
};

}  // namespace

Follower::Follower(const FollowerWorld& world, StatusOfVersion status_of, FollowerPorts ports,
                   FollowerOptions options)
    : store_(world.store),
      models_(world.models),
      rollouts_(world.rollouts),
      publisher_(world.publisher),
      clock_(world.clock),
      rng_(world.rng),
      reads_(world.reads),
      files_(world.files),
      status_of_(std::move(status_of)),
      ports_(std::move(ports)),
      options_(std::move(options)),
      finder_(world.artifacts, options_.artifact_folder, options_.max_artifact_bytes),
      board_(options_.poll_interval),
      judge_(
          world.store, world.models, world.publisher, finder_, status_of_,
          [this](const RouteName& route, const std::string& key) {
            return board_.TroubleOf(route, key, clock_.SteadyNow());
          },
          options_.trust) {}

std::chrono::nanoseconds Follower::NextPause() {
  // So that replicas that started together do not look together.
  const auto tenth = options_.poll_interval / 10;
  const auto part = static_cast<std::int64_t>(rng_.Next64() % 2001);  // In thousandths of it.
  return options_.poll_interval - tenth + tenth * part / 1000;
}

Task<void> Follower::Survey(bool all) {
  const view::ViewPtr view = publisher_.state().view;
  std::map<RouteName, Seen> followed;
  std::set<RouteName> names;
  for (const view::RouteView& route : view->routes()) {
    if (!route.route->follow) continue;
    followed[route.route->name] = {route.route->revision, 0};
    names.insert(route.route->name);
  }
  board_.Keep(names);
  std::erase_if(seen_, [&](const auto& seen) { return !names.contains(seen.first); });
  std::erase_if(due_, [&](const auto& due) { return !names.contains(due.first); });
  if (followed.empty()) co_return;

  auto read = RunOn(reads_, [this] { return NewestAudit(); });
  const Result<std::int64_t> audit = co_await std::move(read);
  // A registry that does not tell is asked again at the next occasion.
  if (!audit) co_return;
  for (auto& [name, seen] : followed) {
    seen.audit = *audit;
    const auto before = seen_.find(name);
    if (all || before == seen_.end() || before->second != seen) due_[name] = seen;
  }
  for (std::size_t wanted = due_.size(); wanted > 0 && lanes_ < kLanes; --wanted) {
    ++lanes_;
    ports_.spawn(Lane());
  }
}

Task<void> Follower::Lane() {
  while (const std::optional<RouteName> route = NextDue()) {
    const auto due = due_.extract(*route);
    busy_.insert(*route);
    auto pursue = Pursue(*route, std::nullopt);
    const Result<Looked> looked = co_await std::move(pursue);
    busy_.erase(*route);
    // Its own steps are no occasion for another look; what could not be read is.
    if (looked) seen_[*route] = {looked->revision, due.mapped().audit};
  }
  --lanes_;
}

// One that is being looked at waits for that look to end.
std::optional<RouteName> Follower::NextDue() {
  if (ending_) return std::nullopt;
  for (const auto& [name, seen] : due_) {
    if (!busy_.contains(name)) return name;
  }
  return std::nullopt;
}

Task<Result<view::FollowStanding>> Follower::Look(RouteName route, view::FollowCaller caller) {
  board_.Forgive(route);
  auto pursue = Pursue(std::move(route), std::move(caller));
  Result<Looked> looked = co_await std::move(pursue);
  if (!looked) co_return Fail(std::move(looked).error());
  co_return std::move(looked->standing);
}

Task<Result<Follower::Looked>> Follower::Pursue(RouteName route, Caller caller) {
  Warm warm;
  std::optional<FailedStep> failed;
  for (int taken = 0;; ++taken) {
    auto read = RunOn(reads_, [&] { return ReadFollowed(store_, models_, rollouts_, route); });
    const Result<FollowReading> reading = co_await std::move(read);
    if (!reading) co_return Fail(reading.error());
    const SteadyTime now = clock_.SteadyNow();
    // Where the route moved meanwhile, somebody else was quicker: no error.
    const bool stands = failed && failed->revision == reading->state.route.revision;
    if (stands && board_.Blame(route, failed->key, failed->error, failed->of_load, now)) {
      LogWarning("a route cannot follow its registered model",
                 {{"route", route.get()},
                  {"model", reading->follow().model},
                  {"error", Describe(failed->error)}});
    }
    FollowFacts facts = FactsOf(
        *reading,
        [&](const ModelVersion& row) { return warm.contains(row.model_id) || IsReady(row); },
        [&](const RegisteredVersion& version) {
          return board_.TroubleOf(route, TroubleKeyOf(version), now);
        });
    // A person who insists: once, since what is led in then is a rollout of its own.
    if (caller && caller->force && caller->named_person) facts.vetoed = nullptr;
    const FollowPlan plan = PlanFollow(facts);
    const view::FollowStanding standing = board_.Note(facts, plan, reading->targets, now);
    const bool in_vain = stands && failed->key.empty();
    if (plan.step.kind == FollowStepKind::kNothing || in_vain || taken == kMostSteps || ending_) {
      co_return Looked{standing, reading->state.route.revision};
    }
    const RegisteredVersion* version = reading->Find(plan.step.number);
    const std::string key = version == nullptr ? "" : TroubleKeyOf(*version);
    auto take = Take(*reading, plan.step, caller, warm);
    const Status done = co_await std::move(take);
    failed.reset();
    if (!done) {
      const bool of_load =
          plan.step.kind == FollowStepKind::kLoad || plan.step.kind == FollowStepKind::kRegister;
      failed = FailedStep{reading->state.route.revision, key, of_load, done.error()};
    } else if (plan.step.kind == FollowStepKind::kPromote ||
               plan.step.kind == FollowStepKind::kSetCanary ||
               plan.step.kind == FollowStepKind::kStartRollout) {
      board_.Absolve(route, key);
    }
  }
}

Task<Status> Follower::Take(const FollowReading& reading, FollowStep step, const Caller& caller,
                            Warm& warm) {
  if (step.kind == FollowStepKind::kLoad) {
    auto load = Load(*step.row, warm);
    co_return co_await std::move(load);
  }
  auto ask = RunOn(reads_, [&]() -> Result<Errand> { return ErrandFor(reading, step, caller); });
  Result<Errand> errand = co_await std::move(ask);
  if (!errand) co_return Fail(std::move(errand).error());
  if (step.kind == FollowStepKind::kRegister) {
    auto anew = RegisterAnew(reading, step, std::move(*errand));
    co_return co_await std::move(anew);
  }
  auto carry_out = CarryOut(MutationOf(reading, step), std::move(*errand));
  co_return co_await std::move(carry_out);
}

// Until the row says that it is wanted, only the handles keep it in memory.
Task<Status> Follower::Load(ModelVersion row, Warm& warm) {
  const ModelId id = row.model_id;
  auto load = ports_.load(std::move(row));
  Result<std::vector<ModelHandle>> loaded = co_await std::move(load);
  if (!loaded) co_return Fail(std::move(loaded).error());
  warm[id] = std::move(*loaded);
  co_return Status();
}

Task<Status> Follower::RegisterAnew(const FollowReading& reading, FollowStep step, Errand errand) {
  const RegisteredVersion& version = *reading.Find(step.number);
  const std::string token = RandomToken(rng_, kTokenLength);
  auto keep = RunOn(files_, [&]() -> Result<KeptArtifact> {
    PODIUM_TRY_ASSIGN(const FoundSource found, finder_.Find(version));
    return finder_.Keep(found, token);
  });
  const Result<KeptArtifact> kept = co_await std::move(keep);
  if (!kept) co_return Fail(kept.error());
  ModelVersion row = RowFor(reading.state.route.name, version, *kept, reading.state.versions);
  auto carry_out = CarryOut(store::RegisterVersion{std::move(row), false}, std::move(errand));
  co_return co_await std::move(carry_out);
}

Task<Status> Follower::CarryOut(store::Mutation mutation, Errand errand) {
  auto plainly = ports_.carry_out(mutation, errand.context);
  Result<store::Committed> done = co_await std::move(plainly);
  // Force is for what needs it, and the trail says so where it did.
  if (!done && done.error().code == ErrorCode::kConflict && errand.may_force) {
    if (!errand.forced_by.empty()) errand.context.actor += ":" + errand.forced_by;
    errand.context.force = true;
    errand.context.named_person = true;
    auto by_force = ports_.carry_out(std::move(mutation), std::move(errand.context));
    done = co_await std::move(by_force);
  }
  if (!done) co_return Fail(std::move(done).error());
  co_return Status();
}

// The usual plan, which ends by itself: nobody is there to promote.
store::Mutation Follower::StartOf(const FollowReading& reading, const FollowStep& step) const {
  store::StartRollout start{reading.state.route.name, step.row->model_id, DefaultPlan(), {}};
  start.plan.promote_at_end = true;
  const ModelVersion* primary = reading.Holder(VersionStatus::kPrimary);
  rollout::EpochBaseline known;
  if (ports_.baseline && primary != nullptr) known = ports_.baseline(primary->model_id);
  start.first = rollout::FirstEpoch(start.plan, known);
  return start;
}

store::Mutation Follower::MutationOf(const FollowReading& reading, const FollowStep& step) const {
  const RouteName& route = reading.state.route.name;
  if (step.kind == FollowStepKind::kEndCanary) return store::EndCanary{route};
  if (step.kind == FollowStepKind::kStartRollout) return StartOf(reading, step);
  if (step.kind == FollowStepKind::kAbortRollout) {
    store::MoveRollout abort;
    abort.route = route;
    abort.id = reading.rollout->id;
    abort.move = store::RolloutMove::kAbort;
    abort.said = "aborted by its follower: " + ReasonFor(reading, step);
    return abort;
  }
  if (step.kind == FollowStepKind::kSetCanary) {
    return store::SetCanary{route, step.row->model_id, reading.follow().challenger_share};
  }
  // Whatever it was before. All others go to standby, and so out of memory but for the primary that
  // a rollback would lead to: champions of the past are not kept warm for ever.
  return store::ActivateVersion{step.row->model_id};
}

Follower::Errand Follower::ErrandFor(const FollowReading& reading, const FollowStep& step,
                                     const Caller& caller) const {
  Errand errand;
  store::MutationContext& context = errand.context;
  context.origin = "mlflow";
  context.reason = ReasonFor(reading, step);
  context.as_follower = true;
  context.pinned_follow = reading.follow();
  // What is made ready takes its time: another replica may have promoted the next one by then.
  if (step.kind == FollowStepKind::kPromote || step.kind == FollowStepKind::kStartRollout) {
    context.pinned_primary = reading.state.route.primary_since;
  }
  if (caller) {
    context.actor = caller->actor;
    context.request_id = caller->request_id;
    if (!caller->reason.empty()) {
      context.reason =
          Shortened(fmt::format("{}: {}", context.reason, caller->reason), kMostReasonBytes);
    }
    if (caller->force && caller->named_person) errand.may_force = true;
  } else if (const auto move = WhoMovedIt(reading.follow().model, step.number)) {
    context.actor = move->actor;
    context.request_id = move->request_id;
  } else {
    context.actor = "mlflow:" + Shortened(options_.server, kMostServerBytes);
  }
  if (errand.may_force) return errand;
  const RegisteredVersion* version = reading.Find(step.number);
  const std::optional<std::string> person = version ? ForcedBy(*version) : std::nullopt;
  if (person) errand.forced_by = *person;
  errand.may_force = person || options_.trust;
  return errand;
}

// The audit trail knows it on every replica, whichever has heard of the move.
std::optional<store::ModelAudit> Follower::WhoMovedIt(const std::string& model,
                                                      std::int64_t number) const {
  const Result<store::Page<store::ModelAudit>> page =
      models_.ListModelAudit({model, kAuditRows, ""});
  if (!page) return std::nullopt;
  for (const store::ModelAudit& row : page->items) {
    if (clock_.Now() - row.at > kMoveIsFresh) return std::nullopt;
    const bool is_move = std::ranges::find(kMoves, row.kind) != kMoves.end();
    // What names no version may have been about another alias.
    if (is_move && (number == 0 || row.version == number)) return row;
  }
  return std::nullopt;
}

bool Follower::IsReady(const ModelVersion& row) const {
  const std::optional<runtime::ModelStatus> status = status_of_(row.model_id);
  return status && status->model != nullptr;
}

Result<std::int64_t> Follower::NewestAudit() const {
  PODIUM_TRY_ASSIGN(const auto page, models_.ListModelAudit({"", 1, ""}));
  return page.items.empty() ? 0 : page.items.front().number;
}

}  // namespace podium::control
