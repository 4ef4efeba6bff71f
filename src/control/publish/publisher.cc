#include "control/publish/publisher.h"

#include <latch>
#include <unordered_map>
#include <utility>

#include "base/log.h"
#include "control/publish/wanted.h"

namespace podium::control {
namespace {

using StatusMap = std::unordered_map<ModelId, runtime::ModelStatus>;

StatusMap ById(std::vector<runtime::ModelStatus> statuses) {
  StatusMap map;
  map.reserve(statuses.size());
  for (runtime::ModelStatus& status : statuses) {
    ModelId id = status.id;
    map.emplace(std::move(id), std::move(status));
  }
  return map;
}

}  // namespace

Publisher::Publisher(store::RegistryStore& store, runtime::ModelRuntime& runtime,
                     view::StatsRegistry& stats, const Clock& clock, PostToCore post,
                     std::vector<view::ViewCell>& cells, PublisherOptions options)
    : store_(store),
      runtime_(runtime),
      stats_(stats),
      clock_(clock),
      post_(std::move(post)),
      options_(std::move(options)),
      cells_(cells),
      compiler_(NamesOf(options_.providers)),
      routes_(compiler_.Compile(Generation(0))) {
  state_.view = view::ViewCell().Pin();
  state_.confirmed_at = clock_.SteadyNow();
}

Status Publisher::PublishFirst() {
  const std::lock_guard lock(publishing_);
  return ReadAndDeliver();
}

Status Publisher::PublishAtLeast(Revision revision) {
  const std::lock_guard lock(publishing_);
  const Status read = ReadAndDeliver();
  // Also when it cannot be read now, but somebody who published after our commit brought it along.
  if (seen_.revision >= revision) return {};
  PODIUM_TRY(read);
  return Fail(ErrorCode::kUnavailable,
              "the table was read at revision {}, which lacks revision {}: a later poll brings it",
              seen_.revision.get(), revision.get());
}

Status Publisher::ReadAndDeliver() {
  PODIUM_TRY_ASSIGN(const bool changed, ReadTable());
  if (changed) Deliver();
  NoteConfirmed();
  return {};
}

void Publisher::KeepUntilRead(std::vector<ModelHandle> warm, Revision revision) {
  const std::lock_guard lock(publishing_);
  for (ModelHandle& model : warm) kept_.emplace_back(revision, std::move(model));
  while (kept_.size() > kKeptModels) kept_.pop_front();
  Refresh();
}

void Publisher::PublishReadiness() {
  const std::lock_guard lock(publishing_);
  Deliver();
}

void Publisher::Poll() {
  const std::lock_guard lock(publishing_);
  Refresh();
}

void Publisher::AlsoLoad(const std::vector<ModelId>& ids) {
  const std::lock_guard lock(publishing_);
  std::set<ModelId> wanted(ids.begin(), ids.end());
  if (wanted == also_wanted_) return;
  also_wanted_ = std::move(wanted);
  Deliver();
}

void Publisher::Refresh() {
  // Notices a file that was moved away under us.
  const Result<Revision> current = store_.ReadRevision();
  if (!current) return NoteTrouble(current.error());
  (void)ReadAndDeliver();  // Its trouble is noted; the next poll tries again.
}

view::PublishState Publisher::state() const {
  const std::lock_guard lock(state_mutex_);
  return state_;
}

Result<bool> Publisher::ReadTable() {
  Result<store::TableDelta> delta = ReadOn();
  if (!delta) {
    NoteTrouble(delta.error());
    return Fail(std::move(delta).error());
  }
  const store::SeenHistory now{delta->epoch, delta->revision, delta->audit_now};
  if (has_read_ && now == seen_) return false;
  if (has_read_ && now.epoch != seen_.epoch) {
    compiler_ = routing::TableCompiler(NamesOf(options_.providers));
    row_faults_.Clear();
  }
  has_read_ = true;
  seen_ = now;
  row_faults_.Absorb(*delta);
  compiler_.Absorb(std::move(delta->routes), std::move(delta->versions));
  routes_ = compiler_.Compile(MakeGeneration(seen_.epoch, seen_.revision));

  faults_ = compiler_.faults();
  for (const auto& [row, problem] : row_faults_.problems()) {
    faults_.push_back({RouteName(row.first), row.second, problem});
  }
  for (const routing::CompileFault& fault : faults_) {
    LogWarning("row set aside",
               {{"route", fault.route.get()}, {"row", fault.row}, {"problem", fault.problem}});
  }
  return true;
}

// What changed since the last read; or everything, where that read is no part of this history.
Result<store::TableDelta> Publisher::ReadOn() {
  PODIUM_TRY_ASSIGN(store::TableDelta delta, store_.ReadTable(seen_.revision));
  if (!has_read_) return delta;
  const bool later_epoch = delta.epoch > seen_.epoch;
  const bool goes_on = delta.epoch == seen_.epoch && delta.revision >= seen_.revision &&
                       delta.audit_then == seen_.audit;
  if (goes_on) return delta;
  if (!later_epoch) PODIUM_TRY(BeginEpoch(delta));
  return ReadAnew();
}

Status Publisher::BeginEpoch(const store::TableDelta& behind) {
  PODIUM_TRY_ASSIGN(const bool raised, store_.RaiseEpoch(seen_, options_.replica));
  if (!raised) return {};
  LogError("the registry has lost changes that were served: a new epoch begins",
           {{"seen_revision", seen_.revision.get()},
            {"revision", behind.revision.get()},
            {"seen_epoch", seen_.epoch}});
  return {};
}

Result<store::TableDelta> Publisher::ReadAnew() {
  PODIUM_TRY_ASSIGN(store::TableDelta delta, store_.ReadTable(Revision(0)));
  if (delta.epoch <= seen_.epoch) {
    return Fail(
        ErrorCode::kUnavailable,
        "the table went back from revision {} to {} without a new epoch: a later poll looks "
        "again",
        seen_.revision.get(), delta.revision.get());
  }
  if (delta.routes.empty() && !routes_->routes().empty()) {
    return Fail(ErrorCode::kUnavailable,
                "the table came back empty in epoch {}: restore a backup that has routes",
                delta.epoch);
  }
  return delta;
}

view::ViewPtr Publisher::BuildView() {
  runtime_.SetWanted(WantedModels(*routes_, also_wanted_));
  const StatusMap statuses = ById(runtime_.Statuses());
  std::vector<view::RouteView> views;
  views.reserve(routes_->routes().size());
  for (const auto& route : routes_->routes()) {
    view::RouteView built{route, {}};
    if (route->rollout && options_.tallies != nullptr) {
      built.tally = options_.tallies->Of(*route->rollout);
    }
    built.serving.reserve(route->versions.size());
    for (const ModelVersion& version : route->versions) {
      view::VersionServing serving;
      serving.stats = stats_.Of(version.model_id, version.route, version.version);
      serving.state = LoadState::kUnloaded;
      if (version.provider_key != kLocalProvider) {
        serving.error = WhyNotCallable(options_.providers, version.provider_key);
        serving.remote = serving.error.empty();
        serving.state = serving.remote ? LoadState::kReady : LoadState::kFailed;
      } else if (const auto found = statuses.find(version.model_id); found != statuses.end()) {
        serving.model = found->second.model;
        serving.state = found->second.state;
        serving.error = found->second.error;
      }
      built.serving.push_back(std::move(serving));
    }
    if (options_.shadows != nullptr) {
      built.shadows = view::ShadowsOf(built, *options_.shadows);
      built.challenger = view::ChallengerOf(built, *options_.shadows);
    }
    views.push_back(std::move(built));
  }
  return std::make_shared<const view::CoreView>(routes_, std::move(views), ++sequence_);
}

void Publisher::Deliver() {
  const view::ViewPtr view = BuildView();
  LogNewFailures(*view);
  std::latch acknowledged(static_cast<std::ptrdiff_t>(cells_.size()));
  for (std::size_t core = 0; core < cells_.size(); ++core) {
    post_(core, [this, core, &view, &acknowledged] {
      cells_[core].Publish(view);
      acknowledged.count_down();
    });
  }
  acknowledged.wait();
  {
    const std::lock_guard lock(state_mutex_);
    state_.view = view;
    state_.faults = faults_;  // Those of this view: an observer sees both change at once.
    ++state_.publishes;
  }
  if (options_.published) options_.published();
}

void Publisher::LogNewFailures(const view::CoreView& view) {
  std::map<ModelId, std::string> failures;
  for (const view::RouteView& route : view.routes()) {
    for (std::size_t i = 0; i < route.serving.size(); ++i) {
      if (route.serving[i].state != LoadState::kFailed) continue;
      const ModelVersion& version = route.route->versions[i];
      failures[version.model_id] = route.serving[i].error;
      const auto logged = failures_.find(version.model_id);
      if (logged != failures_.end() && logged->second == route.serving[i].error) continue;
      Log(i == route.route->primary ? ErrorLog::kError : ErrorLog::kWarning,
          "version does not load",
          {{"route", version.route.get()},
           {"model_id", version.model_id.get()},
           {"status", NameOf(version.status)},
           {"error", route.serving[i].error}});
    }
  }
  failures_ = std::move(failures);
}

void Publisher::NoteTrouble(const Error& error) {
  const std::lock_guard lock(state_mutex_);
  // Before the first view there is nothing to serve on with: whoever starts us says why it failed.
  if (state_.trouble.empty() && state_.publishes > 0) {
    LogError("the registry table cannot be read: serving on with the last good view",
             {{"generation", state_.view->generation().get()}, {"error", Describe(error)}});
  }
  state_.trouble = Describe(error);
  ++state_.failed_reads;
}

void Publisher::NoteConfirmed() {
  // What the table wants of these is wanted by now.
  std::erase_if(kept_, [this](const auto& kept) { return kept.first <= seen_.revision; });
  const std::lock_guard lock(state_mutex_);
  if (!state_.trouble.empty()) LogInfo("the registry table can be read again");
  state_.trouble.clear();
  state_.confirmed_at = clock_.SteadyNow();
}

}  // namespace podium::control
