#include "control/replicas/change_follower.h"

#include <chrono>
#include <utility>

#include "base/limits.h"
#include "base/log.h"

namespace podium::control {
namespace {

// How long one Wait takes at most when nothing happens: of no importance, since Stop ends it.
constexpr std::chrono::seconds kPatience{60};

}  // namespace

ChangeFollower::ChangeFollower(std::unique_ptr<store::ChangeWatch> watch,
                               std::function<void()> moved)
    : watch_(std::move(watch)), moved_(std::move(moved)) {}

ChangeFollower::~ChangeFollower() { Stop(); }

void ChangeFollower::Start() {
  const Status started = thread_.Submit([this] { Follow(); });
  (void)started;  // Refused only after Stop.
}

void ChangeFollower::Follow() {
  bool failing = false;
  while (!stopping_) {
    const Result<bool> changed = watch_->Wait(kPatience);
    if (stopping_) return;
    if (changed) {
      if (std::exchange(failing, false)) LogInfo("the registry tells of changes again");
      if (*changed) moved_();
      continue;
    }
    if (!std::exchange(failing, true)) {
      LogWarning("the registry does not tell of changes: they are found by polling",
                 {{"error", Describe(changed.error())}});
    }
    watch_->Rest(limits::kChangeRetry);
  }
}

void ChangeFollower::Stop() {
  stopping_ = true;
  watch_->Stop();
  thread_.Stop();
}

}  // namespace podium::control
