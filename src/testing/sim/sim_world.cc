#include "testing/sim/sim_world.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <utility>

#include "base/limits.h"

namespace podium::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kMaxDepth = 4;  ///< Of jobs that block within jobs that block.
constexpr milliseconds kPollEvery{20};
constexpr seconds kRetryEvery{1};
constexpr std::string_view kTwin = "twin";
constexpr int kSettleLimit = 100'000;  ///< Jobs and events until an orderly stop is a hang.

const Error kGone{ErrorCode::kUnavailable, "the store is gone", "", nullptr};

// Some kinds of events often, some hardly ever, some not at all: each seed has a weather of its
// own, so that rare combinations come about.
int DrawWeight(Dice& dice, int usual) { return usual * dice.Between(0, 3) / 2; }

bool IsRead(StoreCall call) {
  return call != StoreCall::kApply && call != StoreCall::kWriteRollout;
}

}  // namespace

SimWorld::SimWorld(const SimOptions& options)
    : options_(options),
      dice_(options.seed * 2 + 1),
      rng_(options.seed),
      directory_("/dev/shm"),
      cores_(1 + dice_.Below(3)),
      memory_(clock_, rng_) {
  constexpr std::array<int, kActions> kUsual = {300, 160, 60, 60, 6, 3,  2, 3,
                                                0,   2,   4,  10, 4, 40, 2};
  for (std::size_t i = 0; i < kActions; ++i) weights_[i] = DrawWeight(dice_, kUsual[i]);
  weights_[kWork] = 300;
  weights_[kPredict] = std::max(weights_[kPredict], 60);
  weights_[kVerb] = std::max(weights_[kVerb], 30);
  weights_[kStoreUp] = 40;  // Only drawn while it is down.
  for (int i = 0; i < 10; ++i) verb_weights_.push_back(dice_.Between(0, 6));
  verb_weights_[0] += 2;  // Without registrations and activations there is nothing to see.
  verb_weights_[1] += 2;
  verb_weights_[2] += 6;  // A canary is what most of the invariants are about.
  verb_weights_[6] /= 2;  // Retired and deleted versions take no traffic.
  verb_weights_[7] /= 2;
  verb_weights_[8] += 4;
  odds_ = {dice_.Between(0, 6), dice_.Between(0, 4), dice_.Between(0, 4), dice_.Between(0, 10)};
  for (int i = 0; i < kArtifacts; ++i) {
    std::ofstream(directory_ / fmt::format("{}.onnx", i)) << i;
    fates_[i].per_row =
        dice_.Percent(30) ? std::chrono::nanoseconds(milliseconds(1)) : std::chrono::nanoseconds(1);
    fates_[i].takes = milliseconds(dice_.Below(200));
  }
  if (dice_.Percent(50)) TellOfRollouts();
  std::ofstream(directory_ / "corrupt.onnx") << "no model";
  if (options_.store == SimStore::kSqlite) {
    outsider_ = std::move(*store::SqliteStore::Open(directory_ / "podium.db", clock_, rng_));
  }
  raw_ = &memory_;
  raw_rollouts_ = &memory_;
  if (outsider_) raw_ = outsider_.get();
  if (outsider_) raw_rollouts_ = outsider_.get();
}

// A rollout takes its time: in some stories there is little else.
void SimWorld::TellOfRollouts() {
  about_rollouts_ = true;
  verb_weights_ = {3, 3, 1, 0, 0, 0, 0, 0, 24, 0};
  weights_[kWork] = 600;  // A move takes a dozen of them, within half a lease.
  weights_[kTime] = 60;
  weights_[kVerb] = 14;  // Who meddles all the time sees no driver come to an end.
  for (const Action rare : {kForeign, kCrash, kRestart, kStoreDown, kEmptyTable, kLoaderTurns}) {
    weights_[rare] = std::min(weights_[rare], 2);
  }
}

SimWorld::~SimWorld() {
  if (process_) Bury();
}

SimReport SimWorld::Run() {
  Boot();
  const int steps = about_rollouts_ ? 3 * options_.steps : options_.steps;
  while (report_.steps < static_cast<std::uint64_t>(steps) && checks_.failure().empty()) {
    Step();
    if (dead_) {
      Bury();
      Boot();
    }
  }
  if (checks_.failure().empty()) EndsWell();
  report_.hash = trace_.hash();
  report_.faults = faults_;
  report_.rollouts = rollout_checks_.counts();
  if (!checks_.failure().empty()) {
    report_.failure = fmt::format("{}\n(step {}, life {}, {} cores; the last events:)\n{}",
                                  checks_.failure(), report_.steps, life_, cores_, trace_.Tail());
  }
  return report_;
}

// --- lives --------------------------------------------------------------------------------------

void SimWorld::OpenStore() {
  if (options_.store == SimStore::kSqlite) {
    file_ = std::move(*store::SqliteStore::Open(directory_ / "podium.db", clock_, rng_));
  }
  store::RegistryStore& own = file_ ? static_cast<store::RegistryStore&>(*file_) : memory_;
  StoreHooks hooks;
  hooks.committed = [this](const store::Mutation& mutation, const store::Committed& committed) {
    CommitSeen(mutation, committed, /*by_verb=*/true);
  };
  hooks.table = [this](store::TableDelta& delta) { BendTable(delta); };
  hooks.revision = [this](Revision& revision) {
    if (table_empty_) revision = Revision(0);
  };
  watched_ = std::make_unique<WatchedStore>(own, std::move(hooks));
  store_ = std::make_unique<FaultyStore>(*watched_);
  const auto faults = [this](StoreCall call, Moment moment) { return StoreFault(call, moment); };
  store_->Follow(faults);
  store::RolloutStore& own_rollouts = file_ ? static_cast<store::RolloutStore&>(*file_) : memory_;
  rollouts_ = std::make_unique<SimRolloutStore>(own_rollouts, faults);
}

// One attempt; whoever finds no store tries again later, as an operator or a supervisor would.
void SimWorld::Boot() {
  dead_ = false;
  OpenStore();
  delivered_.clear();
  if (dice_.Percent(70)) {  // Somebody has mended the table.
    bad_.clear();
    twin_of_.reset();
  }
  ++life_;
  trace_.Add(fmt::format("life {} begins", life_));
  auto loader = std::make_shared<SimLoader>(fates_, faults_,
                                            [this](milliseconds time) { return Loading(time); });
  process_ = std::make_unique<SimProcess>(SimPorts{
      *store_, *rollouts_, clock_, rng_, std::move(loader),
      [this](std::size_t core, const std::function<void()>& job) { PostToCore(core, job); },
      [this] { ReadinessChanged(); }, io_.get_executor(), directory_.path(), cores_,
      fmt::format("life-{}", life_)});
  lanes_ = LanesOf(*process_);
  checks_.LifeBegins(cores_);
  quiet_ = true;  // No callers before it listens.
  const Status started = process_->publisher.PublishFirst();
  quiet_ = false;
  if (started) return;
  ++faults_[SimFault::kFailedStart];
  trace_.Add("it does not start: " + started.error().message);
  Bury();
  dead_ = false;
}

std::vector<SimWorld::Lane> SimWorld::LanesOf(SimProcess& process) const {
  control::ControlPools& pools = process.pools;
  return {{&pools.reads, control::ControlPools::kReadThreads},
          {&pools.loads, control::ControlPools::kLoadThreads},
          {&pools.writer, 1},
          {&pools.publish, 1},
          {&pools.files, 1},
          {&process.inference, 2},
          {nullptr, 2}};
}

// What was in flight comes to an end that nobody sees: no store call works any more, no caller
// gets an answer. So the state that is left is that of the moment when the power went.
void SimWorld::Bury() {
  dead_ = true;
  ShutDown();
  trace_.Add(fmt::format("life {} is over", life_));
}

void SimWorld::ShutDown() {
  Settle();
  if (process_->calls.size() > 0) checks_.Fail("a coroutine never ended");
  process_->runtime.Stop();
  process_->pools.Stop();
  process_->inference.Stop();
  while (Resume()) {
  }
  lanes_.clear();
  process_.reset();
  rollouts_.reset();
  store_.reset();
  watched_.reset();
  file_.reset();
}

void SimWorld::Settle() {
  quiet_ = true;
  for (int left = kSettleLimit; WorkOnce(); --left) {
    if (left == 0) return checks_.Fail("what is under way never comes to an end");
  }
  quiet_ = false;
}

// --- what goes on -------------------------------------------------------------------------------

bool SimWorld::RunLane(std::size_t index) {
  Lane& lane = lanes_[index];
  if (lane.busy >= lane.width) return false;
  const std::size_t queued = lane.pool == nullptr ? 0 : lane.pool->queued();
  if (lane.pool != nullptr && queued == 0) return false;
  // As many may have been taken up as there are free threads: any of them may be the first to end.
  const auto free = static_cast<std::size_t>(lane.width - lane.busy);
  ++lane.busy;
  const bool ran = lane.pool == nullptr ? process_->runtime.RunNextLoad()
                                        : lane.pool->RunNext(dice_.Below(std::min(queued, free)));
  --lanes_[index].busy;
  return ran;
}

// One coroutine goes on, if one can.
bool SimWorld::Resume() {
  io_.restart();  // It stops by itself whenever it runs out of work.
  return io_.poll_one() > 0;
}

bool SimWorld::WorkOnce() {
  std::vector<std::size_t> choices;
  for (std::size_t i = 0; i <= lanes_.size(); ++i) choices.push_back(i);
  while (!choices.empty()) {
    const std::size_t at = dice_.Below(choices.size());
    const std::size_t choice = choices[at];
    const bool ran = choice == lanes_.size() ? Resume() : RunLane(choice);
    if (ran) return true;
    choices.erase(choices.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return false;
}

void SimWorld::Meanwhile() {
  if (quiet_ || depth_ >= kMaxDepth) return;
  ++depth_;
  for (std::size_t left = dice_.Below(6); left > 0 && !stopped(); --left) Step();
  --depth_;
}

void SimWorld::Step() {
  ++report_.steps;
  std::array<int, kActions> weights = weights_;
  if (depth_ > 0 || !process_) weights[kRestart] = 0;
  if (!store_down_ && !table_empty_) weights[kStoreUp] = 0;
  if (store_down_ || table_empty_) weights[kStoreDown] = weights[kEmptyTable] = 0;
  const bool rolling = std::any_of(rows_.now().begin(), rows_.now().end(), [](const auto& route) {
    return route.second->row.rollout.has_value();
  });
  if (!rolling) weights[kCountElsewhere] = weights[kDriveElsewhere] = 0;
  if (!process_) {
    for (const Action alive : {kWork, kPredict, kVerb, kCrash}) weights[alive] = 0;
  }
  Act(static_cast<Action>(dice_.Weighted(weights)));
  if (stopped()) return;
  rollout_checks_.AfterStep(*raw_rollouts_);
  if (!process_) {
    checks_.AfterStep(*raw_, nullptr);
    if (depth_ == 0) Boot();
    return;
  }
  const ServerSight sight = process_->sight();
  checks_.AfterStep(*raw_, &sight);
}

void SimWorld::Act(Action action) {
  switch (action) {
    case kWork:
      WorkOnce();
      break;
    case kPredict:
      Predict();
      break;
    case kVerb:
      StartVerb();
      break;
    case kTime:
      PassTime(milliseconds(dice_.Below(!dice_.Percent(80) ? 9000 : about_rollouts_ ? 600 : 50)));
      break;
    case kForeign:
      WriteAsAnotherProcess();
      break;
    case kCrash:
      ++faults_[publishing_ ? SimFault::kCrashInPublish : SimFault::kCrash];
      trace_.Add("the power goes");
      dead_ = true;
      break;
    case kRestart:
      ++faults_[SimFault::kRestart];
      trace_.Add("orderly restart");
      ShutDown();
      Boot();
      break;
    case kStoreDown:
      ++faults_[SimFault::kStoreDown];
      trace_.Add("the store goes down");
      store_down_ = true;
      break;
    case kEmptyTable:
      table_empty_ = rows_.revision() > Revision(0) && process_ != nullptr;
      if (table_empty_) ++faults_[SimFault::kTableEmpty];
      trace_.Add("the table looks empty");
      break;
    case kStoreUp:
      trace_.Add("the store is well again");
      store_down_ = table_empty_ = false;
      break;
    case kSpoilRow:
      spoil_next_ = true;
      break;
    case kLoaderTurns: {
      const int artifact = dice_.Between(0, kArtifacts - 1);
      ArtifactFate& fate = fates_[artifact];
      fate.broken = dice_.Percent(40);
      fate.takes =
          dice_.Percent(30) ? milliseconds(dice_.Below(60'000)) : milliseconds(dice_.Below(500));
      trace_.Add(fmt::format("artifact {} {}, loads take {} ms", artifact,
                             fate.broken ? "is broken" : "is well", fate.takes.count()));
      break;
    }
    case kWallJumps: {
      const bool back = dice_.Percent(50);
      const seconds jump(dice_.Below(7200));
      ++faults_[back ? SimFault::kClockBack : SimFault::kClockForward];
      trace_.Add(
          fmt::format("the wall clock steps {} {} s", back ? "back" : "forward", jump.count()));
      clock_.SetWall(back ? clock_.Now() - jump : clock_.Now() + jump);
      break;
    }
    case kCountElsewhere:
      CountElsewhere();
      break;
    case kDriveElsewhere:
      DriveElsewhere();
      break;
    case kActions:
      break;
  }
}

void SimWorld::PassTime(std::chrono::nanoseconds time) {
  clock_.Advance(time);
  Tick();
}

// What the server's ticker does, when its time has come.
void SimWorld::Tick() {
  if (!process_ || dead_) return;
  const SteadyTime now = clock_.SteadyNow();
  if (now >= process_->next_poll && !process_->poll_queued) {
    process_->next_poll = now + kPollEvery;
    process_->poll_queued = process_->pools.publish
                                .Submit([this] {
                                  process_->poll_queued = false;
                                  process_->publisher.Poll();
                                })
                                .has_value();
  }
  if (now >= process_->next_retry) {
    process_->next_retry = now + kRetryEvery;
    process_->runtime.RetryDue();
  }
  if (now >= process_->next_rollouts) {
    process_->next_rollouts = now + kRetryEvery;
    TickRollouts();
  }
}

void SimWorld::TickRollouts() {
  process_->calls.Spawn(process_->driver.Survey());
  if (std::exchange(process_->send_queued, true)) return;
  const Status queued = process_->pools.writer.Submit([this] {
    process_->send_queued = false;
    (void)process_->sender.Send();  // What is not taken goes again.
  });
  if (!queued) process_->send_queued = false;
}

void SimWorld::ReadinessChanged() {
  if (!process_ || std::exchange(process_->readiness_queued, true)) return;
  const Status queued = process_->pools.publish.Submit([this] {
    process_->readiness_queued = false;
    process_->publisher.PublishReadiness();
  });
  if (!queued) process_->readiness_queued = false;
}

// A core takes its time: others go on by the new view while it answers by the old one.
void SimWorld::PostToCore(std::size_t core, const std::function<void()>& job) {
  const bool was_publishing = std::exchange(publishing_, core > 0);
  if (!dead_ && dice_.Percent(30)) Meanwhile();
  publishing_ = was_publishing;
  job();
  if (dead_) return;
  const view::CoreView& view = *process_->cells[core].Pin();
  trace_.Add(fmt::format("core {} has generation {}, view {}", core, view.generation().get(),
                         view.sequence()));
  checks_.Published(core, view);
}

bool SimWorld::Loading(milliseconds time) {
  if (dead_) return false;
  const milliseconds half = time / 2;
  if (!quiet_) PassTime(half);
  Meanwhile();
  if (!dead_ && !quiet_) PassTime(time - half);
  return !dead_;
}

// --- the store ----------------------------------------------------------------------------------

std::optional<Error> SimWorld::StoreFault(StoreCall call, Moment moment) {
  if (dead_ || store_down_) return kGone;
  const bool read = IsRead(call);
  if (table_empty_ &&
      (!read || (call != StoreCall::kReadRevision && call != StoreCall::kReadTable)))
    return kGone;
  if (dice_.Percent(odds_.slow)) {
    ++faults_[SimFault::kStoreSlow];
    if (!quiet_) PassTime(milliseconds(dice_.Below(3000)));
    Meanwhile();
    if (dead_ || store_down_) return kGone;
  }
  if (moment == Moment::kBefore) {
    if (!dice_.Percent(read ? odds_.read_fails : odds_.commit_fails)) return std::nullopt;
    ++faults_[read ? SimFault::kReadFailed : SimFault::kCommitFailed];
    trace_.Add(read ? "a read fails" : "a commit fails");
    return kGone;
  }
  if (read || !dice_.Percent(odds_.answer_lost)) return std::nullopt;
  ++faults_[SimFault::kAnswerLost];
  trace_.Add("the answer to a commit is lost");
  return kGone;
}

void SimWorld::CommitSeen(const store::Mutation& mutation, const store::Committed& committed,
                          bool by_verb) {
  if (!committed.changed) return;
  if (by_verb) ++report_.committed[committed.audit.kind];
  const auto delta = raw_->ReadTable(rows_.revision());
  if (!delta) return checks_.Fail("the store itself cannot be read: " + Describe(delta.error()));
  rows_.Absorb(*delta);
  trace_.Add(fmt::format("revision {}: {} {} {} by {}", committed.revision.get(),
                         NameOf(committed.audit.kind), committed.route.name.get(),
                         committed.audit.to.value_or(ModelId()).get(), committed.audit.request_id));
  rollout_checks_.Committed(mutation, committed, *raw_rollouts_);
  if (!by_verb) return checks_.Committed(committed, nullptr);
  const ServerSight sight = process_->sight();
  checks_.Committed(committed, &sight);
}

// What reaches the process is not always what the database holds.
void SimWorld::BendTable(store::TableDelta& delta) {
  if (table_empty_) {
    delta = {};
    return;
  }
  if (spoil_next_ && !delta.versions.empty()) {
    spoil_next_ = false;
    const ModelVersion& row = dice_.Pick(delta.versions);
    const PlainRoute& route = *rows_.now().at(row.route);
    const bool unseen = !delivered_.contains(row.model_id) && !row.deleted;
    // A second primary beside a sound route; else a row that has never been read before.
    if (dice_.Percent(40) && !twin_of_ && !route.HasBad(bad_) &&
        route.Holder(VersionStatus::kPrimary) != nullptr) {
      twin_of_ = row.route;
      ++faults_[SimFault::kDuplicatePrimary];
      trace_.Add("a second primary on " + row.route.get());
    } else if (unseen && twin_of_ != row.route) {
      const bool unreadable = dice_.Percent(50);
      bad_[row.model_id] = unreadable ? BadRow::kUnreadable : BadRow::kUnknownProvider;
      ++faults_[unreadable ? SimFault::kUnreadableRow : SimFault::kUnknownProvider];
      trace_.Add("a bad row: " + row.model_id.get());
    }
  }
  std::vector<ModelVersion> sound;
  for (ModelVersion& row : delta.versions) {
    delivered_.insert(row.model_id);
    const auto bad = bad_.find(row.model_id);
    if (bad != bad_.end() && bad->second == BadRow::kUnreadable) {
      delta.faults.push_back({"model_registry", row.model_id.get(), "metrics: not an object"});
      continue;
    }
    if (bad != bad_.end()) row.provider_key = "nobody";
    sound.push_back(std::move(row));
  }
  if (twin_of_) {
    ModelVersion twin;
    twin.model_id = ModelId(std::string(kTwin));
    twin.route = *twin_of_;
    twin.version = kTwin;
    twin.provider_key = kLocalProvider;
    twin.status = VersionStatus::kPrimary;
    twin.created_at = WallTime::max();
    sound.push_back(std::move(twin));
  }
  delta.versions = std::move(sound);
}

}  // namespace podium::testing
