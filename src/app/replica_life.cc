#include "app/replica_life.h"

#include <latch>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/log.h"

namespace podium::app {
namespace {

constexpr std::size_t kReplicaQueue = 8;

}  // namespace

ReplicaLife::ReplicaLife(Parts parts, std::function<void()> moved)
    : parts_(parts), moved_(std::move(moved)), thread_("replica", 1, kReplicaQueue) {}

void ReplicaLife::Join(const store::ReplicaIdentity& self) {
  std::latch joined(1);
  const Status queued = thread_.Submit([&] {
    reporter_.emplace(parts_.store, parts_.publisher, parts_.place, parts_.clock, self,
                      [this](const std::vector<ModelId>& ids) { parts_.publisher.AlsoLoad(ids); });
    report_trouble_.Note(reporter_->Report());
    joined.count_down();
  });
  if (!queued) return;  // Only a stop that came first refuses it.
  joined.wait();
  LogInfo("replica joined", {{"replica", self.id}, {"incarnation", self.incarnation}});
  follower_.emplace(parts_.store.WatchChanges(), [this] { Moved(); });
  follower_->Start();
}

void ReplicaLife::ReportSoon() {
  if (report_queued_.exchange(true)) return;
  const Status queued = thread_.Submit([this] {
    report_queued_ = false;
    if (!reporter_ || leaving_) return;  // It does not listen yet, or not any more.
    report_trouble_.Note(reporter_->Report());
  });
  if (!queued) report_queued_ = false;
}

Task<void> ReplicaLife::Beat() {
  do {
    ReportSoon();
  } while (co_await NextTick(limits::kReplicaHeartbeat));
}

// Somebody has changed the registry, this server too.
void ReplicaLife::Moved() {
  moved_();
  if (!poll_queued_.exchange(true)) {
    const Status queued = parts_.publish.Submit([this] {
      poll_queued_ = false;
      parts_.publisher.Poll();
    });
    if (!queued) poll_queued_ = false;
  }
  if (look_queued_.exchange(true)) return;
  const Status queued = thread_.Submit([this] {
    look_queued_ = false;
    if (reporter_ && !leaving_) look_trouble_.Note(reporter_->LookForWanted());
  });
  if (!queued) look_queued_ = false;
}

void ReplicaLife::StopListening() {
  if (follower_) follower_->Stop();
}

void ReplicaLife::Leave() {
  leaving_ = true;
  thread_.Stop();
  if (!reporter_) return;
  if (const Status left = reporter_->Leave(); !left) {
    LogWarning("other replicas will wait for this one until it is silent for long enough",
               {{"error", Describe(left.error())}});
  }
}

}  // namespace podium::app
