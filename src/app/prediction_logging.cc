#include "app/prediction_logging.h"

#include <chrono>
#include <utility>

#include "app/trouble.h"
#include "base/log.h"

namespace podium::app {
namespace {

// What has gathered by then is written at once; until then it waits in the queues.
constexpr std::chrono::milliseconds kWriteTick{20};
// Where nothing is logged, what an earlier process has left is still packed and indexed.
constexpr std::chrono::milliseconds kSealTick{1000};
constexpr std::chrono::milliseconds kIndexTick{200};
// Between two turns whatever else waits for the one writer is let past.
constexpr std::chrono::milliseconds kIndexTurn{100};
constexpr std::chrono::minutes kSegmentTick{1};
constexpr std::size_t kFileQueue = 4;

predictions::LogOptions LogOptionsOf(const PredictionSettings& settings, std::string folder,
                                     const std::string& replica) {
  predictions::LogOptions options;
  options.folder = std::move(folder);
  options.replica = replica;
  options.policy = settings.Policy();
  options.segment_bytes = settings.segment_bytes;
  options.segment_age = settings.segment_age;
  options.retention = settings.retention;
  options.most_bytes = settings.max_disk_bytes;
  return options;
}

}  // namespace

PredictionLogging::PredictionLogging(const PredictionSettings& settings, std::string folder,
                                     const std::string& replica, std::size_t cores,
                                     store::PredictionStore& store, WorkerPool& writer,
                                     const Clock& clock, Rng& rng)
    : retention_(settings.retention),
      logs_(settings.Policy().any()),
      store_(store),
      writer_(writer),
      clock_(clock),
      log_(LogOptionsOf(settings, std::move(folder), replica), logs_ ? cores : 0, clock, rng),
      projector_(log_.options().folder, replica, store, clock),
      files_("predictions", 1, kFileQueue) {
  for (std::size_t core = 0; logs_ && core < cores; ++core) by_core_.push_back(log_.core(core));
}

std::vector<predictions::CoreLog*> PredictionLogging::ByCore() const { return by_core_; }

void PredictionLogging::Start(TaskGroup& ticking) {
  ticking.Spawn(RetainSegments());
  // What an earlier process has left is closed and indexed, even if nothing is logged now.
  ticking.Spawn(WriteLog());
  ticking.Spawn(Index());
}

Task<void> PredictionLogging::WriteLog() {
  Trouble trouble("predictions cannot be logged", "predictions are logged again");
  auto recover = RunOn(files_, [this] { return log_.Recover(); });
  trouble.Note(co_await std::move(recover));
  recovered_ = true;
  while (co_await NextTick(logs_ ? kWriteTick : kSealTick)) {
    auto drain = RunOn(files_, [this] { return log_.Drain(); });
    trouble.Note(co_await std::move(drain));
  }
}

Task<void> PredictionLogging::Index() {
  Trouble trouble("predictions wait in the log: the registry does not take their index",
                  "the registry takes the index of predictions again");
  Trouble unsaved("the position of the prediction index cannot be saved",
                  "the position of the prediction index is saved again");
  while (co_await NextTick(logs_ ? kIndexTick : kSealTick)) {
    if (!recovered_) continue;  // A repair moves lines.
    auto index = RunOn(writer_, [this] { return IndexSome(); });
    trouble.Note(co_await std::move(index));
    if (!projector_.save_due()) continue;
    auto save = RunOn(files_, [this] { return projector_.Save(); });
    unsaved.Note(co_await std::move(save));
  }
}

// Runs on the registry's one writer: a change that waits goes first.
Status PredictionLogging::IndexSome() {
  const SteadyTime end = clock_.SteadyNow() + kIndexTurn;
  while (writer_.queued() == 0 && clock_.SteadyNow() < end) {
    PODIUM_TRY_ASSIGN(const bool more, projector_.Step());
    if (!more) break;
  }
  return {};
}

Task<void> PredictionLogging::RetainSegments() {
  do {
    auto retain = RunOn(files_, [this]() -> Status {
      log_.Retain();
      return {};
    });
    const Status retained = co_await std::move(retain);
    (void)retained;  // A full queue: the next minute tries again.
  } while (co_await NextTick(kSegmentTick));
}

Result<std::size_t> PredictionLogging::DropSome(WallTime now) {
  PODIUM_TRY_ASSIGN(const std::size_t rows, store_.DropPredictions(now - retention_));
  PODIUM_TRY_ASSIGN(const std::size_t items, store_.DropFeedback(now - retention_));
  return rows + items;
}

void PredictionLogging::Stop() {
  files_.Stop();
  if (const Status written = log_.Finish(); !written) {
    LogWarning("the last predictions could not be written", {{"error", Describe(written.error())}});
  }
  if (const Status indexed = projector_.Drain(); !indexed) {
    LogWarning("predictions wait in the log for the next start",
               {{"error", Describe(indexed.error())}});
  }
}

void PredictionLogging::WriteMetrics(Exposition& out) const {
  log_.WriteMetrics(out);
  projector_.WriteMetrics(out);
}

}  // namespace podium::app
