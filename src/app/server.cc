#include "app/server.h"

#include <sys/stat.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <latch>
#include <optional>
#include <utility>
#include <vector>

#include "app/cost_recording.h"
#include "app/descriptors.h"
#include "app/following.h"
#include "app/front.h"
#include "app/guard_options.h"
#include "app/mlflow.h"
#include "app/prediction_logging.h"
#include "app/protection.h"
#include "app/providers.h"
#include "app/registry_open.h"
#include "app/replica_id.h"
#include "app/replica_life.h"
#include "app/rollouts.h"
#include "app/route_seed.h"
#include "app/shadow_seed.h"
#include "app/telemetry.h"
#include "app/trouble.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/task.h"
#include "control/admin/admin_api.h"
#include "control/analytics/comparison.h"
#include "control/analytics/off_policy_log.h"
#include "control/guard/canary_guard.h"
#include "control/publish/publisher.h"
#include "gateway/gateway.h"
#include "gateway/shadow_lane.h"
#include "journal/journal.h"
#include "net/core_pool.h"
#include "net/cores.h"
#include "net/server_group.h"
#include "runtime/artifact_upload.h"
#include "runtime/guarded_loader.h"
#include "runtime/model_runtime.h"
#include "runtime/onnx_loader.h"
#include "store/own_place.h"
#include "store/sql_store.h"
#include "view/recent_requests.h"
#include "view/rollout_tally.h"
#include "view/shadow_tallies.h"
#include "view/stats_registry.h"

#ifndef PODIUM_BUILD
#define PODIUM_BUILD "dev"
#endif

namespace podium::app {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kRetryTick{1};
constexpr std::chrono::seconds kPriceTick{30};
// Old events go in turns, between which whatever waits for the one writer is let past.
constexpr std::chrono::minutes kRetentionTick{1};
constexpr std::chrono::milliseconds kRetentionPause{20};
constexpr std::chrono::milliseconds kRetentionTurn{200};
constexpr int kIncarnationLength = 12;

Status MakeDirectory(const fs::path& path) {
  std::error_code failed;
  fs::create_directories(path, failed);
  if (!failed) return {};
  return Fail(ErrorCode::kUnavailable, "cannot create the directory {}: {}", path.string(),
              failed.message());
}

// The data directory's own comes first: that is where uploads go.
std::vector<fs::path> ArtifactRoots(const Settings& settings) {
  std::vector<fs::path> roots = {fs::absolute(settings.data_dir / "artifacts")};
  roots.insert(roots.end(), settings.artifact_roots.begin(), settings.artifact_roots.end());
  return roots;
}

/// What a stop may take beyond the drain timeout before the process ends all the same: as a rule a
/// model is in the way.
constexpr std::chrono::seconds kStopGrace{5};

runtime::RuntimeOptions RuntimeOptionsOf(const Settings& settings,
                                         std::shared_ptr<runtime::Quarantine> quarantine) {
  runtime::RuntimeOptions options;
  options.quarantine = std::move(quarantine);
  options.cache_dir = settings.data_dir / "cache";
  options.artifact_roots = ArtifactRoots(settings);
  return options;
}

control::AdminOptions AdminOptionsOf(const Settings& settings, const std::string& replica) {
  control::AdminOptions options;
  options.replica = replica;
  options.build = PODIUM_BUILD;
  options.load_timeout = settings.load_timeout;
  options.cache_ttl = settings.cache_ttl;
  options.max_artifact_bytes = settings.max_artifact_bytes;
  options.artifact_roots = ArtifactRoots(settings);
  options.providers = ProviderStatesOf(settings);
  return options;
}

std::size_t CoreCount(const Settings& settings) {
  return settings.cores > 0 ? settings.cores : net::AvailableCores();
}

std::vector<telemetry::Recorder*> RecordersOf(const std::unique_ptr<Telemetry>& telemetry) {
  return telemetry ? telemetry->recorders() : std::vector<telemetry::Recorder*>();
}

int InferenceThreads(const Settings& settings) {
  return settings.inference_threads + limits::kSpareInferenceThreads;
}

gateway::InferenceLanes::Options LanesOf(const Settings& settings) {
  return {settings.inference_threads, limits::kSpareInferenceThreads, settings.inference_queue};
}

std::vector<std::unique_ptr<TaskGroup>> GroupsOf(const net::CorePool& cores) {
  std::vector<std::unique_ptr<TaskGroup>> groups;
  for (std::size_t core = 0; core < cores.size(); ++core) {
    groups.push_back(std::make_unique<TaskGroup>(cores.executor(core)));
  }
  return groups;
}

std::string FolderOf(const Settings& settings, const char* name) {
  return (settings.data_dir / name).string();
}

// nullptr without a folder: a crash takes what was counted since the last send.
std::unique_ptr<view::TallyFolder> OpenEvidence(const Settings& settings,
                                                const std::string& incarnation) {
  auto opened = view::TallyFolder::Make(FolderOf(settings, "evidence"), incarnation);
  if (opened) return std::move(*opened);
  LogWarning("evidence of rollouts lies in memory alone: a crash takes what was not sent",
             {{"error", opened.error().message}});
  return nullptr;
}

auth::Authenticator AuthenticatorOf(const Settings& settings, Rng& rng) {
  if (settings.admin_token.empty()) return auth::Authenticator::LocalOnly();
  return auth::Authenticator::WithAdminToken(settings.admin_token.Reveal(), RandomToken(rng, 32));
}

}  // namespace

// Members stand in the order of their dependence: each uses only what stands above it.
struct Server::Impl {
  Impl(const Settings& settings_in, const Clock& clock_in, Rng& rng_in,
       std::unique_ptr<store::SqlStore> store_in, Loading loading, const Trusts& trusts,
       std::unique_ptr<Telemetry> telemetry_in, ReplicaId replica_in)
      : settings(settings_in),
        clock(clock_in),
        rng(rng_in),
        replica(std::move(replica_in)),
        place(RandomToken(rng, kIncarnationLength)),
        core_count(CoreCount(settings)),
        telemetry(std::move(telemetry_in)),
        authenticator(AuthenticatorOf(settings, rng)),
        protection(Protect(settings, clock, std::string(PODIUM_BUILD) + ' ' + loading.version)),
        store(std::move(store_in)),
        stats(core_count),
        tallies(core_count, OpenEvidence(settings, place.incarnation())),
        cells(core_count),
        cores(core_count),
        providers(ProviderTableOf(settings)),
        upstreams(cores, clock, trusts),
        shadow_tallies(core_count),
        shadow_calls(GroupsOf(cores)),
        shadow_lane(clock, {core_count, limits::kShadowThreads, limits::kShadowQueue}),
        recent(core_count, [this](std::size_t core,
                                  std::function<void()> job) { cores.Post(core, std::move(job)); }),
        inference("inference", InferenceThreads(settings),
                  static_cast<std::size_t>(InferenceThreads(settings)), ThreadPriority::kLive),
        costs(FolderOf(settings, "journal"), core_count, *store, pools.writer, clock, rng),
        runtime(
            RuntimeOptionsOf(settings, protection.quarantine), clock,
            std::make_shared<runtime::GuardedLoader>(protection.guard, std::move(loading.loader)),
            [this] { ReadinessChanged(); }),
        publisher(*store, runtime, stats, clock,
                  [this](std::size_t core, std::function<void()> job) {
                    cores.Post(core, std::move(job));
                  },
                  cells,
                  {ProviderStatesOf(settings), replica.get(), &tallies,
                   [this] {
                     ++moves;
                     replicas.ReportSoon();
                     following.Wake();
                     rollouts.Wake();
                   },
                   &shadow_tallies}),
        replicas({*store, publisher, place, clock, pools.publish}, [this] { RegistryMoved(); }),
        canary_guard(*store, runtime, publisher),
        following(settings, replica.get(),
                  {*store, *store, *store, publisher, clock, rng, runtime, pools}, admin_context,
                  [this](std::function<void()> job) { ticker.Post(0, std::move(job)); }),
        rollouts({*store, publisher, tallies, clock, pools, FolderOf(settings, "evidence"),
                  [this](const std::string& provider, const std::string& model) {
                    return gateway.IsBroken(provider, model);
                  }},
                 place.incarnation(), admin_context,
                 [this](std::function<void()> job) { ticker.Post(0, std::move(job)); }),
        predictions(settings.predictions, (settings.data_dir / "predictions").string(),
                    replica.get(), core_count, *store, pools.writer, clock, rng),
        gateway({authenticator,
                 clock,
                 rng,
                 inference,
                 recent,
                 {settings.inline_limit, settings.max_predict_bytes, settings.shadow_answer_bytes,
                  LanesOf(settings), PODIUM_BUILD,
                  [this](const view::CoreView& view) { return IsReady(view); }},
                 gateway::LlmShared{providers, costs.journal(), upstreams.ByCore(),
                                    settings.attempts, settings.breaker, settings.llm_timeout,
                                    settings.max_llm_bytes, settings.drain},
                 {},
                 RecordersOf(telemetry),
                 &shadow_lane,
                 [this](std::size_t core, Task<void> task) {
                   shadow_calls[core]->Spawn(std::move(task));
                 },
                 predictions.ByCore()},
                cells),
        admin_context{*store,
                      runtime,
                      publisher,
                      stats,
                      authenticator,
                      clock,
                      rng,
                      pools,
                      recent,
                      AdminOptionsOf(settings, replica.get()),
                      [this](Exposition& out) {
                        gateway.WriteMetrics(out);
                        protection.guard->WriteMetrics(out);
                        costs.WriteMetrics(out);
                        if (telemetry) telemetry->WriteMetrics(out);
                        predictions.WriteMetrics(out);
                      },
                      clock.SteadyNow(),
                      store.get(),
                      [this] { return PublishPrices(); },
                      store.get(),
                      store.get(),
                      &moves,
                      &place,
                      &following.port(),
                      [this] { following.Wake(); },
                      store.get(),
                      &rollouts.port(),
                      &shadow_tallies,
                      store.get(),
                      predictions.folder(),
                      [this](const CompareQuestion& question) {
                        return control::CompareVersions(*store, question);
                      },
                      [this](const OffPolicyQuestion& question) {
                        return control::EvaluateRoute(*store, question);
                      }},
        admin(admin_context),
        mlflow(settings, *store, authenticator, clock, rng, pools, upstreams, following.hook()),
        front(authenticator, gateway, admin, mlflow.api()),
        ticker(1) {}

  // Called from load threads. What is queued already will see this change too, so a full queue
  // loses nothing.
  void ReadinessChanged() {
    if (readiness_queued.exchange(true)) return;
    const Status queued = pools.publish.Submit([this] {
      readiness_queued = false;
      publisher.PublishReadiness();
    });
    if (!queued) readiness_queued = false;
  }

  // Called from the cores.
  bool IsReady(const view::CoreView& view) const { return control::IsReady(admin_context, view); }

  // Called by the thread that waits for changes of the registry.
  void RegistryMoved() {
    ++moves;
    following.Wake();
  }

  Task<void> PollTable() {
    do {
      auto poll = RunOn(pools.publish, [this]() -> Status {
        publisher.Poll();
        return {};
      });
      const Status polled = co_await std::move(poll);
      (void)polled;  // A full queue means that publishes are on their way.
    } while (co_await NextTick(settings.revision_poll));
  }

  Task<void> RetryLoads() {
    while (co_await NextTick(kRetryTick)) {
      runtime.RetryDue();
      auto check = RunOn(pools.writer, [this]() -> Status {
        canary_guard.Check();
        return protection.quarantine->Save();
      });
      const Status saved = co_await std::move(check);
      (void)saved;  // A full queue or disk: the next second tries again.
    }
  }

  // Brings what the store has to every core.
  Status PublishPrices() {
    PODIUM_TRY_ASSIGN(std::vector<Price> prices, store->ReadPrices());
    const auto book = std::make_shared<const ledger::PriceBook>(std::move(prices));
    for (std::size_t core = 0; core < core_count; ++core) {
      cores.Run(core, [&] { gateway.SetPrices(core, book); });
    }
    return {};
  }

  // Other processes set prices too.
  Task<void> FollowPrices() {
    do {
      auto publish = RunOn(pools.publish, [this] { return PublishPrices(); });
      const Status published = co_await std::move(publish);
      (void)published;  // The cores go on with those they have.
    } while (co_await NextTick(kPriceTick));
  }

  // D3: what copies may cost is one budget of all replicas.
  Task<void> FollowShadowCosts() {
    Trouble trouble("what shadows have cost cannot be read: this replica counts its own alone",
                    "what shadows have cost can be read again");
    do {
      auto look = RunOn(pools.reads, [this] { return LookAtShadowCosts(); });
      trouble.Note(co_await std::move(look));
    } while (co_await NextTick(limits::kShadowBudgetLook));
  }

  Status LookAtShadowCosts() {
    const auto budgets = shadow_tallies.Budgets();
    if (budgets.empty()) return {};
    const WallTime now = clock.Now();
    const WallTime today = std::chrono::floor<std::chrono::days>(now);
    // Without a journal no copy is sent that costs anything: nothing is its own.
    const journal::Journal* const journal = costs.journal();
    const std::string own =
        journal != nullptr ? journal::EventIdsOf(journal->incarnation()) : place.incarnation();
    PODIUM_TRY_ASSIGN(const auto sums,
                      store->ReadShadowCosts(today, today + std::chrono::days(1), own));
    for (const auto& [route, budget] : budgets) {
      const auto found = sums.find(route);
      const store::ShadowCost sum = found == sums.end() ? store::ShadowCost() : found->second;
      budget->Learn(sum.all, sum.own, now);
    }
    return {};
  }

  Task<void> DropOldRecords() {
    std::chrono::milliseconds pause = kRetentionPause;
    while (co_await Pause(pause)) {
      auto drop = RunOn(pools.writer, [this] { return DropSomeRecords(); });
      const Result<bool> more = co_await std::move(drop);
      // A registry that does not take it now is asked again: nothing hangs on the day.
      pause = more.value_or(false) ? kRetentionPause : kRetentionTick;
    }
  }

  // Runs on the registry's one writer: a change that waits goes first. True when there is more.
  Result<bool> DropSomeRecords() {
    const WallTime now = clock.Now();
    const SteadyTime end = clock.SteadyNow() + kRetentionTurn;
    while (pools.writer.queued() == 0 && clock.SteadyNow() < end) {
      PODIUM_TRY_ASSIGN(std::size_t dropped, store->DropCostEvents(now - settings.cost_retention));
      PODIUM_TRY_ASSIGN(const std::size_t events,
                        store->DropEvents(now - settings.event_retention));
      dropped += events;
      PODIUM_TRY_ASSIGN(const std::size_t keys,
                        store->DropRolloutHits(now - settings.event_retention));
      dropped += keys;
      PODIUM_TRY_ASSIGN(const std::size_t logged, predictions.DropSome(now));
      dropped += logged;
      if (dropped == 0) return false;
    }
    return true;
  }

  Task<void> WatchInferences() {
    while (co_await NextTick(runtime::kWatchTick)) {
      protection.guard->watch.Tick();
      gateway.RelieveInference();
      const SteadyTime now = clock.SteadyNow();
      if (now >= drained_at.load()) EndCallsOfModels();
      if (now >= drained_at.load() + kStopGrace) EndWithoutModels();
    }
  }

  // The drain is over: what still waits for a model is told so.
  void EndCallsOfModels() {
    gateway.EndInference();
    protection.guard->Stop();
  }

  // A thread that is in a model cannot be ended without its process. All that lasts is written.
  [[noreturn]] void EndWithoutModels() {
    LogError("a model does not stop: the server ends without it",
             {{"stuck_inferences", protection.guard->watch.stuck()}});
    SaveMarks(protection);
    FlushLog();
    std::_Exit(EXIT_SUCCESS);
  }

  Status Start() {
    SeedRoutes(settings, *store);
    SeedShadows(settings, *store);
    PODIUM_TRY(publisher.PublishFirst());
    PODIUM_TRY(PublishPrices());
    PODIUM_TRY_ASSIGN(const Revision revision, store->ReadRevision());
    TellWhatWasOpened(settings, revision);
    net::HttpServerOptions options;
    options.max_connections = ConnectionsPerCore(RaiseDescriptorLimit(), core_count);
    PODIUM_TRY_ASSIGN(http, net::ServerGroup::Start(cores, settings.listen, front, clock, options));
    address = {settings.listen.host, http->port()};
    if (telemetry) telemetry->Start();
    replicas.Join({replica.get(), place.incarnation(), net::ToString(address), PODIUM_BUILD});
    costs.StartFiles();
    ticker.Run(0, [this] {
      ticking.emplace(ticker.executor(0));
      ticking->Spawn(PollTable());
      ticking->Spawn(replicas.Beat());
      ticking->Spawn(RetryLoads());
      ticking->Spawn(WatchInferences());
      ticking->Spawn(FollowPrices());
      ticking->Spawn(FollowShadowCosts());
      following.Start(*ticking);
      rollouts.Start(*ticking);
      predictions.Start(*ticking);
      ticking->Spawn(DropOldRecords());
      costs.Start(*ticking);
    });
    return {};
  }

  // From the outside in: first no new requests, then no new work, last what everything stands on.
  void Stop() {
    if (stopped) return;
    stopped = true;
    admin_context.draining = true;
    // The ticker goes on: it stops inferences that take too long. One that does not stop keeps its
    // call, and with it the listener, from ending.
    drained_at = clock.SteadyNow() + settings.drain_timeout;
    if (http) http->Stop(settings.drain_timeout);
    upstreams.Stop();
    EndShadowCalls();
    if (telemetry) telemetry->Stop();
    protection.guard->Stop();
    shadow_lane.Stop();
    inference.Stop();
    runtime.Stop();
    StopTicking();
    replicas.StopListening();
    replicas.Leave();
    pools.Stop();
    costs.StopFiles();
    rollouts.SendLast();
    costs.StoreLast();
    cores.Stop();
    predictions.Stop();
    SaveMarks(protection);
    FlushLog();
  }

  // Copies at providers: no call waits for them, so nothing else does.
  void EndShadowCalls() {
    for (const auto& group : shadow_calls) {
      const auto core = static_cast<std::size_t>(&group - shadow_calls.data());
      std::latch ended(1);
      shadow_ends.push_back(std::make_unique<TaskGroup>(group->executor()));
      cores.Run(core, [&] {
        group->Cancel();
        shadow_ends.back()->Spawn(JoinInto(*group, ended));
      });
      ended.wait();
    }
  }

  Task<void> JoinInto(TaskGroup& group, std::latch& ended) {
    auto join = group.Join();
    co_await std::move(join);
    ended.count_down();
  }

  void StopTicking() {
    if (!ticking) return ticker.Stop();
    std::latch ended(1);
    ticker.Post(0, [this, &ended] {
      following.End();
      rollouts.End();
      ticking->Cancel();
      ending.emplace(ticker.executor(0));
      ending->Spawn(JoinInto(*ticking, ended));
    });
    ended.wait();
    ticker.Stop();
    ticking.reset();
    ending.reset();
  }

  const Settings settings;
  const Clock& clock;
  Rng& rng;
  const ReplicaId replica;
  store::OwnPlace place;
  const std::size_t core_count;
  const std::unique_ptr<Telemetry> telemetry;  // Null: nobody wants any.
  const auth::Authenticator authenticator;
  Protection protection;
  std::unique_ptr<store::SqlStore> store;
  view::StatsRegistry stats;
  view::RolloutTallies tallies;
  std::vector<view::ViewCell> cells;
  net::CorePool cores;
  const gateway::ProviderTable providers;
  UpstreamPools upstreams;
  view::ShadowTallies shadow_tallies;
  std::vector<std::unique_ptr<TaskGroup>> shadow_calls;  // By core; each its core's.
  std::vector<std::unique_ptr<TaskGroup>> shadow_ends;   // They wait for those.
  gateway::ShadowLane shadow_lane;  // Stopped before the gateway, which says when it is busy, ends.
  view::RecentRequests recent;
  WorkerPool inference;
  control::ControlPools pools;
  CostRecording costs;
  std::atomic<bool> readiness_queued{false};
  std::atomic<std::uint64_t> moves{0};  ///< Counts what may have changed the registry.
  /// When a stop's patience with calls ends; far away until there is one.
  std::atomic<SteadyTime> drained_at{SteadyTime::max() - kStopGrace};
  runtime::ModelRuntime runtime;
  control::Publisher publisher;
  ReplicaLife replicas;
  control::CanaryGuard canary_guard;
  Following following;
  Rollouts rollouts;
  PredictionLogging predictions;
  gateway::Gateway gateway;
  control::AdminContext admin_context;
  control::AdminApi admin;
  Mlflow mlflow;
  Front front;
  net::CorePool ticker;
  std::optional<TaskGroup> ticking;
  std::optional<TaskGroup> ending;
  std::unique_ptr<net::ServerGroup> http;
  net::HostPort address;
  bool stopped = false;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() { Stop(); }

Result<std::unique_ptr<Server>> Server::Start(const Settings& settings, const Clock& clock,
                                              Rng& rng) {
  PODIUM_TRY_ASSIGN(const std::shared_ptr<runtime::OnnxLoader> loader,
                    runtime::OnnxLoader::Open(OrtLibrary(settings), clock, settings.call_memory));
  return Start(settings, clock, rng, {loader, loader->version()});
}

Result<std::unique_ptr<Server>> Server::Start(const Settings& settings, const Clock& clock,
                                              Rng& rng, Loading loading) {
  PODIUM_TRY(MakeDirectory(settings.data_dir / "artifacts"));
  PODIUM_TRY(MakeDirectory(settings.data_dir / "cache"));
  runtime::SweepUploads(settings.data_dir / "artifacts");
  PODIUM_TRY_ASSIGN(std::unique_ptr<store::SqlStore> store, OpenRegistry(settings, clock, rng));
  PODIUM_TRY_ASSIGN(const Trusts trusts, LoadTrusts(settings));
  PODIUM_TRY_ASSIGN(
      std::unique_ptr<Telemetry> telemetry,
      Telemetry::Make(settings.telemetry, PODIUM_BUILD, CoreCount(settings), clock, rng));
  PODIUM_TRY_ASSIGN(ReplicaId replica,
                    ReplicaId::Take(settings.replica_id, settings.data_dir, rng));
  auto impl = std::make_unique<Impl>(settings, clock, rng, std::move(store), std::move(loading),
                                     trusts, std::move(telemetry), std::move(replica));
  auto server = std::unique_ptr<Server>(new Server(std::move(impl)));
  PODIUM_TRY(server->impl_->Start());
  return server;
}

const net::HostPort& Server::address() const { return impl_->address; }
void Server::Stop() { impl_->Stop(); }

}  // namespace podium::app
